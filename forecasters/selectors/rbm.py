"""The momentum selector of Takeuchi and Lee: stacked Boltzmann machines and a classifier."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt
import torch
from annotated_types import Ge, Gt, Le, Lt
from torch import Generator

from tradewind.engine.errors import CheckpointError, ConfigError, ForecastError
from tradewind.engine.records import Floats
from tradewind.forecasters import checkpoints
from tradewind.forecasters.checkpoints import Checkpoint
from tradewind.forecasters.inputs.framing import Count
from tradewind.forecasters.machines import deep, rbm
from tradewind.forecasters.machines.deep import Coder, Judge, Recipe, Rows, Verdict
from tradewind.forecasters.selectors.learned import LearnedSelector, Part, Point
from tradewind.forecasters.selectors.rules import params_of
from tradewind.forecasters.training.loop import Schedule, one_thread

Rate = Annotated[float, Gt(0), Le(1)]
Momentum = Annotated[float, Ge(0), Lt(1)]
Epochs = Annotated[int, Ge(0), Le(10_000)]
WIDER = 0.05  # of the spread of free energies: what the gap may grow before it is said


@dataclass(kw_only=True, eq=False)
class RbmSelector(LearnedSelector):
    """Probability of lying above the median next month, by a network 33-40-4-50-2.

    Machines are trained layer by layer without looking at outcomes, unrolled and trained to
    rebuild their input; a classifier is trained on the code; at last encoder and classifier
    together. Every size and schedule is a parameter; the defaults follow Hinton's guide.

    Parameters
    ----------
    hidden : tuple of int
        Units of each machine, the code last.
    classifier : int
        Units between the code and the two classes.
    pretrain : bool
        False: the same network from random weights, to see what the machines are worth.
    steps : int
        k of CD-k.
    persistent : bool
        Whether chains go on from batch to batch.
    machine_epochs, machine_batch : int
        Of each machine.
    gaussian_rate, binary_rate : float
        Learning rates of the first machine and of those above it.
    first_momentum, momentum : float
        Before and from ``settled`` epochs on.
    settled : int
    weight_decay : float
    epochs, patience : int
        Of each supervised stage and of the rebuilding: at most, and without a better loss.
    batch : int
        Rows per step of those.
    rebuild_rate, classify_rate, whole_rate : float
        Their learning rates.
    horizon, formation, features, validation, delisting_return, seed
        As of every learned selector.

    References
    ----------
    Takeuchi and Lee (2013); Hinton and Salakhutdinov (2006); Hinton (2012), "A practical guide to
    training restricted Boltzmann machines".
    """

    hidden: tuple[int, ...] = (40, 4)
    classifier: Count = 50
    pretrain: bool = True
    steps: Count = 1
    persistent: bool = False
    machine_epochs: Epochs = 20
    machine_batch: Count = 100
    gaussian_rate: Rate = 0.005
    binary_rate: Rate = 0.05
    first_momentum: Momentum = 0.5
    momentum: Momentum = 0.9
    settled: Annotated[int, Ge(0)] = 5
    weight_decay: Annotated[float, Ge(0), Lt(1)] = 2e-4
    epochs: Count = 20
    patience: Count = 4
    batch: Count = 100
    rebuild_rate: Rate = 0.001
    classify_rate: Rate = 0.002
    whole_rate: Rate = 0.0005

    def __post_init__(self) -> None:
        """Refuse layers that cannot be."""
        self.hidden = tuple(self.hidden)
        super().__post_init__()
        if not self.hidden or min(self.hidden) < 1:
            raise ConfigError(
                f"{self._name}: hidden is {list(self.hidden)}; wanted units of one machine or "
                "more, such as [40, 4]"
            )

    @property
    def recipe(self) -> Recipe:
        """Sizes and schedules as the stages take them."""
        machine = rbm.Schedule(
            epochs=self.machine_epochs, batch=self.machine_batch,
            first_momentum=self.first_momentum, momentum=self.momentum, settled=self.settled,
            weight_decay=self.weight_decay, steps=self.steps, persistent=self.persistent,
        )  # fmt: skip
        stages = (
            Schedule(self.epochs, self.patience, self.batch, rate)
            for rate in (self.rebuild_rate, self.classify_rate, self.whole_rate)
        )
        return Recipe(
            self.hidden,
            self.classifier,
            self.pretrain,
            replace(machine, learning_rate=self.gaussian_rate),
            replace(machine, learning_rate=self.binary_rate),
            *stages,
        )

    def save(self, folder: Path) -> None:
        """Write the network and its learning curve.

        Raises
        ------
        ForecastError
            If nothing was fitted.
        CheckpointError
            If the folder cannot be written.
        """
        if self._learned is None:
            raise ForecastError(f"{self._name}: save before fit")
        weights = {name: t.numpy() for name, t in self._learned.state_dict().items()}
        state = {
            "n_samples": self.n_samples,
            "history": [list(point) for point in self.history],
            "notes": list(self.notes),
        }
        checkpoints.write(folder, Checkpoint(self._name, self._config, state, weights))

    def restore(self, folder: Path) -> Self:
        """Take over a saved state; scores are then the same to the last bit.

        Raises
        ------
        CheckpointError
            If it is damaged, or of another configuration, shape or version.
        """
        kept = checkpoints.read(folder, kind=self._name, config=self._config)
        judge = self._judge()
        own = {name: t.numpy() for name, t in judge.state_dict().items()}
        checkpoints.check_shapes(folder, kept.weights, own)
        try:
            history = tuple(
                Point(str(stage), int(epoch), float(fitting), float(stopping))
                for stage, epoch, fitting, stopping in kept.state["history"]
            )
            n_samples, notes = int(kept.state["n_samples"]), tuple(kept.state["notes"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{folder}: its record lacks {error}; fit again") from None
        judge.load_state_dict({n: torch.from_numpy(a.copy()) for n, a in kept.weights.items()})
        self._learned, self.history, self.n_samples, self.notes = judge, history, n_samples, notes
        return self

    @property
    def _config(self) -> dict[str, Any]:
        return params_of(self)

    def _judge(self) -> Judge:
        """The network with random weights."""
        draw = Generator().manual_seed(self.seed)
        coder = Coder((self.n_inputs, *self.hidden), draw)
        return Judge(coder, Verdict(self.hidden[-1], self.classifier, draw))

    def _learn(
        self, fitting: Part, stopping: Part
    ) -> tuple[Any, tuple[Point, ...], tuple[str, ...]]:
        first, second = (
            Rows(torch.from_numpy(part.x), torch.from_numpy(part.above))
            for part in (fitting, stopping)
        )
        draw = Generator().manual_seed(self.seed)
        with one_thread():
            judge, curve = deep.fit(first, second, self.recipe, draw, watch=self._tell)
        history = tuple(Point(*point) for point in curve)
        return judge, history, tuple(_overfitted(history))

    def _tell(self, point: deep.Point) -> None:
        if self._watcher is not None:
            machine = point.stage.startswith("rbm")
            self._watcher(
                {
                    "network": point.stage,
                    "epoch": point.epoch,
                    "epochs": self.machine_epochs if machine else self.epochs,
                    "fitting": point.fitting,
                    "stopping": point.stopping,
                }
            )

    def _rate(self, learned: Any, x: npt.NDArray[np.float32]) -> Floats:
        with one_thread():
            said = deep.probability(learned, torch.from_numpy(x))
        return said.numpy().astype(np.float64)


def _overfitted(history: tuple[Point, ...]) -> list[str]:
    """A sentence for each machine whose free energies drifted apart while it learned."""
    found = []
    for stage in dict.fromkeys(point.network for point in history):
        if not stage.startswith("rbm"):
            continue
        gaps = [p.stopping - p.fitting for p in history if p.network == stage]
        scale = abs(history[0].fitting) + 1e-12
        if gaps[-1] - min(gaps) > WIDER * scale:
            found.append(
                f"{stage}: the free energy of rows held back rose from {min(gaps):.2f} to "
                f"{gaps[-1]:.2f} above that of rows learned from; it learns them by heart: fewer "
                "machine_epochs, or more weight_decay"
            )
    return found

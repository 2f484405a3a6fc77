"""A classifier on a code that stacked Boltzmann machines found: pre-trained, unrolled, fine-tuned.

The order is that of Hinton and Salakhutdinov (2006), with the classifier of Takeuchi and Lee (2013)
on the code: machines layer by layer; the stack unrolled to a network that rebuilds its input, and
trained to; a classifier on the code; and at last the whole of encoder and classifier.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from tradewind.forecasters.machines import rbm
from tradewind.forecasters.machines.rbm import Rbm
from tradewind.forecasters.networks.base import bare, linear
from tradewind.forecasters.training import loop
from tradewind.forecasters.training.loop import Examples, Loss


@dataclass(frozen=True, slots=True)
class Recipe:
    """Sizes and schedules; the defaults are a network 33-40-4-50-2 by Hinton's guide.

    Attributes
    ----------
    hidden : tuple of int
        Units of each machine, the code last.
    classifier : int
        Units between the code and the two classes.
    pretrain : bool
        False: random weights and the last stage alone, to see what the machines are worth.
    gaussian, binary : rbm.Schedule
        Of the first machine, and of those above it.
    rebuild, classify, whole : loop.Schedule
        Of the unrolled network, of the classifier alone, and of everything.
    """

    hidden: tuple[int, ...] = (40, 4)
    classifier: int = 50
    pretrain: bool = True
    gaussian: rbm.Schedule = field(default_factory=lambda: rbm.Schedule(learning_rate=0.005))
    binary: rbm.Schedule = field(default_factory=lambda: rbm.Schedule(learning_rate=0.05))
    rebuild: loop.Schedule = field(
        default_factory=lambda: loop.Schedule(20, 4, 100, 0.001)
    )  # fmt: skip
    classify: loop.Schedule = field(default_factory=lambda: loop.Schedule(20, 4, 100, 0.002))
    whole: loop.Schedule = field(default_factory=lambda: loop.Schedule(20, 4, 100, 0.0005))


class Point(NamedTuple):
    """One epoch of one stage: what it learns from, and what it is watched by."""

    stage: str
    epoch: int
    fitting: float
    stopping: float


@dataclass(slots=True)
class Curve:
    """Epochs of all stages, told to whoever watches as they end."""

    watch: Callable[[Point], None] | None
    points: list[Point] = field(default_factory=list)

    def of(self, stage: str, *, opinion: bool = False) -> "Stage":
        """Where one stage reports; with ``opinion`` the network it begins from may not win."""
        return Stage(self, stage, opinion)

    def add(self, stage: str, fitting: float, stopping: float) -> None:
        """Take one more epoch of a stage."""
        number = sum(point.stage == stage for point in self.points)
        self.points.append(Point(stage, number, fitting, stopping))
        if self.watch is not None:
            self.watch(self.points[-1])


class Stage(loop.Follower):
    """Takes the epochs of a machine or of a network into a curve.

    A classifier begins without an opinion, and where outcomes are mostly chance that may well be
    the best forecast; but it ranks nobody, so a stage can ask for the best epoch behind it.
    """

    def __init__(self, curve: Curve, name: str, opinion: bool) -> None:
        self.curve, self.name, self.opinion = curve, name, opinion

    def machine(self, epoch: rbm.Epoch) -> None:
        """Free energy of either part."""
        self.curve.add(self.name, epoch.free_energy, epoch.free_energy + epoch.gap)

    def epoch(self, run: loop.Run) -> None:
        """Loss of either part."""
        if self.opinion and run.epoch == 1 and run.best_epoch == 0:
            run.best = {name: t.clone() for name, t in run.network.state_dict().items()}
            run.best_epoch = 1
        for point in run.curve[-2:] if run.epoch == 1 else run.curve[-1:]:
            self.curve.add(self.name, point.fitting, point.stopping)


class Coder(nn.Module):
    """Logistic layers down to the code."""

    def __init__(self, sizes: tuple[int, ...], generator: Generator) -> None:
        super().__init__()
        self.layers = nn.ModuleList(linear(n, m, generator) for n, m in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """(B, V) -> (B, C)."""
        for layer in self.layers:
            x = layer(x).sigmoid()
        return x


class Rebuilder(nn.Module):
    """The coder, and its mirror image back to what it was given."""

    def __init__(self, coder: Coder, sizes: tuple[int, ...], generator: Generator) -> None:
        super().__init__()
        self.coder = coder
        back = sizes[::-1]
        self.layers = nn.ModuleList(linear(n, m, generator) for n, m in pairwise(back))

    def forward(self, x: Tensor, who: Tensor) -> Tensor:
        """(B, 1, V), (B,) -> (B, V); z-scores, so the last layer is linear."""
        y = self.coder(x.flatten(1))  # (B, C)
        for layer in self.layers[:-1]:
            y = layer(y).sigmoid()
        out: Tensor = self.layers[-1](y)  # (B, V)
        return out


class Verdict(nn.Module):
    """From the code to log odds of two classes."""

    def __init__(self, code: int, hidden: int, generator: Generator) -> None:
        super().__init__()
        self.first = linear(code, hidden, generator)
        self.second = bare(nn.Linear, hidden, 2)
        nn.init.zeros_(self.second.weight)  # starts without an opinion
        nn.init.zeros_(self.second.bias)

    def forward(self, code: Tensor, who: Tensor) -> Tensor:
        """(B, 1, C) or (B, C), (B,) -> (B, 2)."""
        out: Tensor = self.second(self.first(code.flatten(1)).sigmoid())  # (B, 2)
        return out


class Judge(nn.Module):
    """Coder and classifier together."""

    def __init__(self, coder: Coder, verdict: Verdict) -> None:
        super().__init__()
        self.coder, self.verdict = coder, verdict

    def forward(self, x: Tensor, who: Tensor) -> Tensor:
        """(B, 1, V), (B,) -> (B, 2)."""
        out: Tensor = self.verdict(self.coder(x.flatten(1)), who)
        return out


@dataclass(frozen=True, slots=True)
class Rows:
    """Inputs and classes.

    Attributes
    ----------
    x : Tensor of float32, shape (n, V)
    above : Tensor of int64, shape (n,)
        1 where the outcome lay above the median.
    """

    x: Tensor
    above: Tensor


def fit(
    fitting: Rows,
    stopping: Rows,
    recipe: Recipe,
    generator: Generator,
    *,
    watch: Callable[[Point], None] | None = None,
) -> tuple[Judge, tuple[Point, ...]]:
    """Train all stages.

    Parameters
    ----------
    fitting, stopping : Rows
        To learn from, and to stop by.
    recipe : Recipe
    generator : Generator
    watch : callable, optional
        Told of each epoch of each stage as it ends.

    Returns
    -------
    judge : Judge
    curve : tuple of Point
        Stages ``rbm 1``, ``rbm 2`` ... (free energy of both parts), ``rebuild``, ``classify``,
        ``whole``.

    Raises
    ------
    ForecastError
        If a stage explodes.
    """
    sizes = (fitting.x.shape[1], *recipe.hidden)
    curve = Curve(watch)
    coder = Coder(sizes, generator)
    verdict = Verdict(sizes[-1], recipe.classifier, generator)
    judge = Judge(coder, verdict)
    if recipe.pretrain:
        machines = _stack(fitting.x, stopping.x, recipe, generator, curve)
        rebuilder = unrolled(machines, generator)
        coder.load_state_dict(rebuilder.coder.state_dict())
        rebuilder.coder = coder
        parts = [_examples(part.x, part.x) for part in (fitting, stopping)]
        _descend(rebuilder, _squares, parts, recipe.rebuild, generator, curve.of("rebuild"))
        parts = [_examples(_codes(coder, part.x), part.above) for part in (fitting, stopping)]
        _descend(
            verdict, _odds, parts, recipe.classify, generator, curve.of("classify", opinion=True)
        )
    parts = [_examples(part.x, part.above) for part in (fitting, stopping)]
    last = curve.of("whole", opinion=not recipe.pretrain)
    _descend(judge, _odds, parts, recipe.whole, generator, last)
    return judge, tuple(curve.points)


def unrolled(machines: list[Rbm], generator: Generator) -> Rebuilder:
    """Network whose coder is the mean-field pass of a stack of machines, and back again."""
    sizes = (machines[0].weight.shape[0], *(machine.weight.shape[1] for machine in machines))
    rebuilder = Rebuilder(Coder(sizes, generator), sizes, generator)
    with torch.no_grad():
        for k, machine in enumerate(machines):
            up, down = rebuilder.coder.layers[k], rebuilder.layers[-1 - k]
            assert isinstance(up, nn.Linear) and isinstance(down, nn.Linear)
            up.weight.copy_(machine.weight.T)
            up.bias.copy_(machine.hidden_bias)
            down.weight.copy_(machine.weight)
            down.bias.copy_(machine.visible_bias)
    return rebuilder


def probability(judge: Judge, x: Tensor) -> Tensor:
    """Probability of the class above the median: (n, V) -> (n,)."""
    judge.eval()
    with torch.inference_mode():
        said: Tensor = judge(x, x[:, 0]).softmax(1)[:, 1]
    return said


def _stack(
    rows: Tensor,
    held_back: Tensor,
    recipe: Recipe,
    generator: Generator,
    curve: Curve,
) -> list[Rbm]:
    """Machines layer by layer, each on the probabilities of the one below."""
    machines = []
    for k, n_hidden in enumerate(recipe.hidden):
        kind: rbm.Visible = "gaussian" if k == 0 else "bernoulli"
        schedule = recipe.gaussian if k == 0 else recipe.binary
        machine = Rbm.drawn(rows.shape[1], n_hidden, kind, generator)
        stage = curve.of(f"rbm {k + 1}")
        rbm.train(machine, rows, held_back, schedule, generator, watch=stage.machine)
        rows, held_back = (machine.hidden_probability(part) for part in (rows, held_back))
        machines.append(machine)
    return machines


def _descend(
    network: nn.Module,
    loss: Loss,
    parts: list[Examples],
    schedule: loop.Schedule,
    generator: Generator,
    stage: "Stage",
) -> None:
    loop.train(network, loss, parts[0], parts[1], schedule, generator, follower=stage)


def _examples(x: Tensor, target: Tensor) -> Examples:
    index = torch.arange(len(x))
    return Examples(x[:, None], index, target, torch.zeros_like(index))


def _codes(coder: Coder, x: Tensor) -> Tensor:
    coder.eval()
    with torch.no_grad():
        codes: Tensor = coder(x)
    return codes


def _squares(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).square().mean()


def _odds(output: Tensor, target: Tensor) -> Tensor:
    return nn.functional.cross_entropy(output, target)

"""A training on disk after each epoch, so that one that was killed goes on where it was.

Two places take turns: whenever the process dies, the epoch before the one being written is whole.
What is found is used if it is whole by its own hashes, of this very training (same data, same
start, same code and library) and has the shapes of the network; anything else is passed over with
a note, and the training begins anew. It never is a reason to fail: a disk that is full costs the
progress, not the fit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tradewind.engine.content import package_version
from tradewind.engine.errors import CheckpointError
from tradewind.forecasters import checkpoints
from tradewind.forecasters.checkpoints import Arrays, Checkpoint
from tradewind.forecasters.training.jobs import Job
from tradewind.forecasters.training.loop import Epoch, Examples, Follower, Run

KIND = "training"
PLACES = 2
Report = Callable[[Mapping[str, Any]], None]


@dataclass(slots=True)
class Following(Follower):
    """Keeps a training's progress and reports its epochs.

    Attributes
    ----------
    name : str
        Of the network, in reports.
    epochs : int
        The most there will be.
    folder : Path or None
        Where progress is kept; None: nowhere.
    identity : str
        Names the training by all it depends on; see :func:`identity_of`.
    report : callable or None
    notes : list of str
        Takes what a reader must know.
    """

    name: str
    epochs: int
    folder: Path | None = None
    identity: str = ""
    report: Report | None = None
    notes: list[str] = field(default_factory=list)

    def begin(self, run: Run) -> None:
        """Take over the latest epoch that was kept whole."""
        if self.folder is None:
            return
        found = [self._read(place, run) for place in range(PLACES)]
        whole = [kept for kept in found if kept is not None]
        if whole:
            _take_over(run, max(whole, key=lambda kept: len(kept.state["curve"])))

    def epoch(self, run: Run) -> None:
        """Keep the epoch, then report it."""
        if self.folder is not None:
            self._write(run)
        self.tell(run.epoch, run.curve[-1])

    def tell(self, number: int, point: Epoch) -> None:
        """Report an epoch to whoever watches."""
        if self.report is not None:
            told = {"network": self.name, "epoch": number, "epochs": self.epochs}
            self.report({**told, **point._asdict()})

    def _place(self, number: int) -> Path:
        assert self.folder is not None
        return self.folder / self.identity[:24] / str(number % PLACES)

    def _read(self, number: int, run: Run) -> Checkpoint | None:
        place = self._place(number)
        if not place.exists():
            return None
        try:
            kept = checkpoints.read(place, kind=KIND, config={"identity": self.identity})
            _check(place, kept, run)
        except CheckpointError as error:
            self.notes.append(f"{self.name}: kept progress was passed over: {error}")
            return None
        return kept

    def _write(self, run: Run) -> None:
        state = {"curve": [list(point) for point in run.curve], "best_epoch": run.best_epoch}
        config = {"identity": self.identity}
        try:
            checkpoints.write(self._place(run.epoch), Checkpoint(KIND, config, state, _arrays(run)))
        except CheckpointError as error:
            self.notes.append(f"{self.name}: progress is not kept from epoch {run.epoch}: {error}")
            self.folder = None


def identity_of(job: Job, kind: str, params: Mapping[str, Any]) -> str:
    """SHA-256 of everything that the course of a training depends on.

    Parameters
    ----------
    job : Job
        Before it begins.
    kind : str
        Class of the forecaster.
    params : mapping
        Its parameters.
    """
    versions = [package_version(name) for name in ("tradewind", "torch", "numpy")]
    digest = sha256(repr((kind, sorted(params.items()), job.schedule, versions)).encode())
    digest.update(torch.backends.cpu.get_cpu_capability().encode())
    for name, tensor in job.network.state_dict().items():
        _hash(digest, name, tensor)
    _hash(digest, "generator", job.generator.get_state())
    for part in (job.fitting, job.stopping):
        _hash_part(digest, part)
    return digest.hexdigest()


def _hash_part(digest: Any, part: Examples) -> None:
    _hash(digest, "rows", part.windows[:, 0])  # (n_rows - T + 1, F); the last window adds the rest
    _hash(digest, "last", part.windows[-1])
    for own in fields(part):
        value = getattr(part, own.name)
        if own.name != "windows" and isinstance(value, Tensor):
            _hash(digest, own.name, value)


def _hash(digest: Any, name: str, tensor: Tensor) -> None:
    digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
    digest.update(np.ascontiguousarray(tensor.numpy()).data)


def _arrays(run: Run) -> Arrays:
    arrays = {f"network/{name}": tensor for name, tensor in run.network.state_dict().items()}
    arrays |= {f"best/{name}": tensor for name, tensor in run.best.items()}
    for name, parameter in run.network.named_parameters():
        for key, value in run.optimiser.state.get(parameter, {}).items():
            arrays[f"moment/{name}/{key}"] = value
    arrays["generator"] = run.generator.get_state()
    return {name: np.atleast_1d(tensor.detach().numpy()) for name, tensor in arrays.items()}


def _check(place: Path, kept: Checkpoint, run: Run) -> None:
    """Refuse what a run of this network could not have written."""
    state = run.network.state_dict()
    wanted = {
        f"{part}/{name}": state[name].numpy() for part in ("network", "best") for name in state
    }
    wanted["generator"] = run.generator.get_state().numpy()
    shapes = {name: parameter.shape for name, parameter in run.network.named_parameters()}
    moments = {}
    for name, array in kept.weights.items():
        if name.startswith("moment/"):
            owner, _, key = name.removeprefix("moment/").rpartition("/")
            if owner not in shapes or array.shape not in ((1,), tuple(shapes[owner])):
                raise CheckpointError(f"{place}: {name} fits no weight ({key}); fit again")
            moments[name] = array
    checkpoints.check_shapes(place, kept.weights, wanted | moments)
    curve, best = kept.state.get("curve"), kept.state.get("best_epoch")
    if not isinstance(curve, list) or not isinstance(best, int) or not 0 <= best < len(curve):
        raise CheckpointError(f"{place}: its learning curve is incomplete; fit again")


def _take_over(run: Run, kept: Checkpoint) -> None:
    tensors = {name: torch.from_numpy(array.copy()) for name, array in kept.weights.items()}
    names = list(run.network.state_dict())
    run.network.load_state_dict({name: tensors[f"network/{name}"] for name in names})
    run.best = {name: tensors[f"best/{name}"] for name in names}
    parameters = dict(run.network.named_parameters())
    for name, tensor in tensors.items():
        if name.startswith("moment/"):
            owner, _, key = name.removeprefix("moment/").rpartition("/")
            # A number of steps was written as an array of one.
            shape = () if key == "step" else tensor.shape
            run.optimiser.state[parameters[owner]][key] = tensor.reshape(shape)
    run.generator.set_state(tensors["generator"])
    run.curve = [Epoch(*point) for point in kept.state["curve"]]
    run.best_epoch = kept.state["best_epoch"]

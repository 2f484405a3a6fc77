"""The training loop. Knows no model: it takes a network, a loss and windows.

Everything runs on one torch thread and draws from its own generator, so that results depend
neither on the machine's load nor on what else the process does; parallelism belongs above, across
folds and symbols.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from tradewind.engine.errors import ForecastError

Loss = Callable[[Tensor, Tensor], Tensor]
EVALUATION_ROWS = 512  # windows per forward pass without gradients: stays in cache
# Windows per pass with gradients: what a pass keeps for the way back stays in cache. A larger batch
# is the sum of such parts; at 256 windows an LSTM of 64 units learns 1.4 times as fast so.
PASS_ROWS = 128


class Epoch(NamedTuple):
    """One point of a learning curve; epoch 0 is the network before its first step."""

    fitting: float
    stopping: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn.

    Attributes
    ----------
    epochs : int
        At most.
    patience : int
        Epochs without a better stopping loss before giving up.
    batch : int
        Windows per step; 32 to 128 stay in a CPU's cache.
    learning_rate : float
        Of Adam.
    clip : float
        Largest norm of a step's gradient.
    """

    epochs: int
    patience: int
    batch: int
    learning_rate: float
    clip: float = 1.0


@dataclass(frozen=True, slots=True)
class Examples:
    """Windows with targets; a batch is gathered when its turn comes.

    Attributes
    ----------
    windows : Tensor, shape (n_windows, T, F)
        A view, shared by all parts.
    index : Tensor of int64, shape (n,)
        Which windows belong here.
    target : Tensor, shape (n,) or (n, D)
    who : Tensor of int64, shape (n,)
        Whose windows they are.
    run : Tensor of int64, shape (n,), or None
        Number of the run of consecutive bars a window belongs to, from 0 on and rising, for a loss
        that needs neighbours; a batch then holds whole runs in order. None: each stands alone.
    """

    windows: Tensor
    index: Tensor
    target: Tensor
    who: Tensor
    run: Tensor | None = None

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.index)

    def inputs(self, at: Tensor) -> tuple[Tensor, Tensor]:
        """Windows (B, T, F) and whose they are (B,), copied for a batch."""
        return self.windows[self.index[at]], self.who[at]

    def steps(
        self, network: nn.Module, size: int, generator: Generator
    ) -> Iterator[tuple[int, Iterable[tuple[Tensor, Tensor]]]]:
        """Step after step in a random order: how many examples, and parts of outputs and places."""
        for batch in self.batches(size, generator):
            parts = ((network(*self.inputs(part)), part) for part in self.passes(batch))
            yield len(batch), parts

    def outputs(self, network: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
        """Outputs of all examples in their order, with their places, in parts."""
        for at in torch.split(torch.arange(len(self)), EVALUATION_ROWS):
            yield network(*self.inputs(at)), at

    def batches(self, size: int, generator: Generator) -> tuple[Tensor, ...]:
        """Places of all examples in a random order, in parts of ``size`` or about that many."""
        if self.run is None:
            return torch.split(torch.randperm(len(self), generator=generator), size)
        lengths = torch.bincount(self.run)  # (n_runs,)
        order = torch.randperm(len(lengths), generator=generator)  # (n_runs,)
        place = torch.argsort(torch.argsort(order)[self.run], stable=True)  # (n,) whole runs
        # Equal parts: the loss of a short last batch would be mostly noise.
        parts = torch.tensor_split(lengths[order], max(1, min(len(self) // size, len(lengths))))
        return torch.split(place, [int(part.sum()) for part in parts])

    def passes(self, batch: Tensor) -> tuple[Tensor, ...]:
        """Parts of a batch whose gradients are added up; one where the loss needs neighbours."""
        n_parts = 1 if self.run is not None else -(-len(batch) // PASS_ROWS)
        return torch.tensor_split(batch, n_parts)


@dataclass(slots=True)
class Run:
    """A training under way: all that its next epoch depends on.

    Attributes
    ----------
    network : Module
        After the last epoch.
    optimiser : Optimizer
        With its moments.
    generator : Generator
        Orders batches and draws dropout.
    curve : list of Epoch
        So far; empty before epoch 0.
    best : mapping of str to Tensor
        Weights after the epoch with the lowest stopping loss.
    best_epoch : int
    """

    network: nn.Module
    optimiser: torch.optim.Optimizer
    generator: Generator
    curve: list[Epoch] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    best_epoch: int = 0

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return len(self.curve) - 1

    def add(self, point: Epoch) -> None:
        """Take a finished epoch into the curve; an equal loss later is no better."""
        self.curve.append(point)
        if self.epoch == 0 or point.stopping < self.curve[self.best_epoch].stopping:
            self.best, self.best_epoch = _copy(self.network), self.epoch

    def over(self, schedule: Schedule) -> bool:
        """Whether the schedule says enough."""
        patience = self.epoch - self.best_epoch
        return self.epoch >= schedule.epochs or patience >= schedule.patience


class Follower:
    """Is told how a training goes; this one does nothing about it."""

    def begin(self, run: Run) -> None:
        """Called before epoch 0; may replace the state by one that was kept."""

    def epoch(self, run: Run) -> None:
        """Called after each epoch from 1 on."""


class _Threads:
    """Counts who wants a single thread, so that nested and concurrent users can all leave."""

    lock = Lock()
    users = 0
    before = 1


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread; the setting comes back when the last user leaves.

    Two threads for matrices this small are slower than one, on a busy machine by a factor of
    fifty, and may add in another order.
    """
    with _Threads.lock:
        if _Threads.users == 0:
            _Threads.before = torch.get_num_threads()
        _Threads.users += 1
        torch.set_num_threads(1)
    try:
        yield
    finally:
        with _Threads.lock:
            _Threads.users -= 1
            if _Threads.users == 0:
                torch.set_num_threads(_Threads.before)


def train(
    network: nn.Module,
    loss: Loss,
    fitting: Examples,
    stopping: Examples,
    schedule: Schedule,
    generator: Generator,
    *,
    follower: Follower | None = None,
) -> tuple[Epoch, ...]:
    """Fit a network until the stopping part says enough; leaves it at its best epoch.

    The network as it is handed in is epoch 0 and may win: where there is nothing to learn, the
    constant it starts from is kept.

    Parameters
    ----------
    network : Module
        (B, T, F), (B,) -> (B, ...); changed in place.
    loss : callable
        (output, target) -> scalar.
    fitting, stopping : Examples
    schedule : Schedule
    generator : Generator
        Orders the batches.
    follower : Follower or None
        Told of each epoch; may bring an interrupted run back.

    Returns
    -------
    tuple of Epoch
        Mean loss per window in both parts; starts with epoch 0.

    Raises
    ------
    ForecastError
        If a loss is not a finite number.
    """
    follower = follower or Follower()
    optimiser = torch.optim.Adam(network.parameters(), lr=schedule.learning_rate, fused=True)
    run = Run(network, optimiser, generator)
    follower.begin(run)
    if not run.curve:
        point = Epoch(evaluate(network, loss, fitting), evaluate(network, loss, stopping))
        check_finite(point, 0, schedule)
        run.add(point)
    while not run.over(schedule):
        learned = one_epoch(run, loss, fitting, schedule)
        point = Epoch(learned, evaluate(network, loss, stopping))
        check_finite(point, run.epoch + 1, schedule)
        run.add(point)
        follower.epoch(run)
    network.load_state_dict(run.best)
    network.eval()
    return tuple(run.curve)


def one_epoch(run: Run, loss: Loss, examples: Examples, schedule: Schedule) -> float:
    """One step per batch over all examples in a random order; mean loss on the way."""
    network, optimiser = run.network, run.optimiser
    network.train()
    parameters = list(network.parameters())
    values, sizes = [], []
    for n, parts in examples.steps(network, schedule.batch, run.generator):
        optimiser.zero_grad(set_to_none=True)
        for output, part in parts:
            value = loss(output, examples.target[part])
            own = value if len(part) == n else value * (len(part) / n)
            own.backward()  # type: ignore[no-untyped-call]
            values.append(value.detach())
            sizes.append(len(part))
        nn.utils.clip_grad_norm_(parameters, schedule.clip)
        optimiser.step()
    weights = torch.tensor(sizes, dtype=torch.float64)
    return float(torch.stack(values).double() @ weights) / len(examples)


def evaluate(network: nn.Module, loss: Loss, examples: Examples) -> float:
    """Mean loss per window without learning from it; where windows form runs, that of all."""
    network.eval()
    total = 0.0
    with torch.inference_mode():
        if examples.run is not None:
            outputs = torch.cat([output for output, _ in examples.outputs(network)])  # (n, K)
            return float(loss(outputs, examples.target))
        for output, at in examples.outputs(network):
            total += float(loss(output, examples.target[at])) * len(at)
    return total / len(examples)


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def check_finite(epoch: Epoch, number: int, schedule: Schedule) -> None:
    """Refuse losses that no training goes on from; raises ForecastError."""
    for part, value in zip(("fitting", "stopping"), epoch, strict=True):
        if not torch.isfinite(torch.tensor(value)):
            raise ForecastError(
                f"training: the loss of the {part} part became {value} in epoch {number} at "
                f"learning_rate {schedule.learning_rate:g}; lower learning_rate, or look for "
                "outliers in the features"
            )

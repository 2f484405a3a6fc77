"""Trains many networks of one shape at once, each as if it were alone.

On a GPU a step of one small network costs as much as a step of hundreds: what is paid for is the
launch of each kernel. Batches, dropout, learning rates, clipping and stopping stay each network's
own, drawn from its own generator, so the result is that of training it alone up to rounding.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from tradewind.engine.errors import ForecastError
from tradewind.forecasters.training.grouped_adam import GroupedAdam
from tradewind.forecasters.training.grouped_batches import Batch, GroupedExamples, laid_out
from tradewind.forecasters.training.grouped_networks import NetworkGroup
from tradewind.forecasters.training.jobs import Job
from tradewind.forecasters.training.loop import Epoch, check_finite

Tell = Callable[[int, int, Epoch], None]  # number of the network, epoch, its losses
Curve = tuple[Epoch, ...]
MEMORY_SHARE = 0.8  # of what is free on the device: allocators keep some for themselves


def train_grouped(
    jobs: Sequence[Job], device: torch.device, tell: Tell, *, at_once: int | None = None
) -> list[Curve]:
    """Train networks together; each is left at its best epoch, on the CPU.

    Parameters
    ----------
    jobs : sequence of Job
        Whose networks have equal shapes and whose schedules differ in the learning rate at most.
    device : torch.device
    tell : callable
        Called after each epoch of each network.
    at_once : int or None
        Networks per group; None: as many as the device's memory holds.

    Returns
    -------
    list of tuple of Epoch
        Learning curve of each.

    Raises
    ------
    ForecastError
        If a loss is not a finite number, or the memory does not hold a single network.
    """
    curves: dict[int, Curve] = {}
    size = at_once or _fitting(jobs, device)
    while len(curves) < len(jobs):
        numbers = [number for number in range(len(jobs)) if number not in curves][:size]
        before = [jobs[number].generator.get_state() for number in numbers]
        try:
            _Group([jobs[number] for number in numbers], numbers, device, tell, curves).train()
        except torch.OutOfMemoryError as error:
            # What was finished stays; the others begin anew, from the generators they began with.
            for number, state in zip(numbers, before, strict=True):
                if number not in curves:
                    jobs[number].generator.set_state(state)
            torch.cuda.empty_cache()
            size = len(numbers) // 2
            if size == 0:
                raise ForecastError(
                    f"training: the memory of {device} does not hold a single network; lower "
                    "'batch', 'window' or the size of the network, or set device: cpu"
                ) from error
    return [curves[number] for number in range(len(jobs))]


@dataclass(slots=True)
class _State:
    """One network under way."""

    number: int  # among all jobs
    job: Job
    curve: list[Epoch] = field(default_factory=list)
    best_epoch: int = 0

    def over(self) -> bool:
        epoch, schedule = len(self.curve) - 1, self.job.schedule
        return epoch >= schedule.epochs or epoch - self.best_epoch >= schedule.patience


class _Group:
    """Networks that are trained at once; one that is done leaves."""

    def __init__(
        self,
        jobs: Sequence[Job],
        numbers: Sequence[int],
        device: torch.device,
        tell: Tell,
        curves: dict[int, Curve],
    ) -> None:
        self.device, self.tell, self.curves = device, tell, curves
        self.networks = NetworkGroup([job.network for job in jobs], device)
        self.fitting, self.stopping = laid_out(jobs, device)
        rates = torch.tensor([job.schedule.learning_rate for job in jobs], device=device)
        self.adam = GroupedAdam(self.networks.weights, rates, jobs[0].schedule.clip)
        self.states = [_State(n, job) for n, job in zip(numbers, jobs, strict=True)]
        self.alive = torch.arange(len(jobs))  # their places in the examples
        self.best = self.networks.copy()

    def train(self) -> None:
        """Epoch after epoch, until the last network is done."""
        self._add(self._evaluate(self.fitting), self._evaluate(self.stopping))
        while self.states:
            self._drop_finished()
            if self.states:
                self._add(self._learn(), self._evaluate(self.stopping))

    def _add(self, fitting: Tensor, stopping: Tensor) -> None:
        """Take an epoch's losses, (G,) each, into the curves, and keep what is best so far."""
        better = []
        for state, *losses in zip(self.states, fitting.tolist(), stopping.tolist(), strict=True):
            point, number = Epoch(*losses), len(state.curve)
            check_finite(point, number, state.job.schedule)
            state.curve.append(point)
            better.append(number == 0 or point.stopping < state.curve[state.best_epoch].stopping)
            if better[-1]:
                state.best_epoch = number
            if number:
                self.tell(state.number, number, point)
        rows = torch.tensor(better, device=self.device)
        now = self.networks.copy()
        for name, value in self.best.items():
            value[rows] = now[name][rows]

    def _drop_finished(self) -> None:
        """Hand back the networks that are done, and go on with the others."""
        over = [state.over() for state in self.states]
        if not any(over):
            return
        for row, state in enumerate(self.states):
            if over[row]:
                self._hand_back(row, state)
        left = torch.tensor([row for row, done in enumerate(over) if not done], dtype=torch.int64)
        self.states = [state for state, done in zip(self.states, over, strict=True) if not done]
        self.alive = self.alive[left]
        rows = left.to(self.device)
        self.networks.keep(rows)
        self.adam.keep(rows)
        self.best = {name: value[rows] for name, value in self.best.items()}

    def _hand_back(self, row: int, state: _State) -> None:
        network = state.job.network
        own = {name: value[row].cpu() for name, value in self.best.items()}
        network.load_state_dict({name: own[name] for name in network.state_dict()})
        network.eval()
        self.curves[state.number] = tuple(state.curve)

    def _learn(self) -> Tensor:
        """One epoch; mean loss per window on the way, (G,) of float64."""
        total = torch.zeros(len(self.states), dtype=torch.float64, device=self.device)
        seen = torch.zeros_like(total)
        jobs = [state.job for state in self.states]
        network = jobs[0].network
        width = network.encoder.width
        weights = list(self.networks.weights.values())
        for batch in self.fitting.steps(jobs, self.alive, network.dropout.share, width):
            losses = self._losses(batch, learning=True)  # (G,)
            gradients = torch.autograd.grad(losses.sum(), weights, materialize_grads=True)
            self.adam.step(weights, gradients, batch.counts > 0)
            total += losses.detach().double() * batch.counts
            seen += batch.counts
        return total / seen

    def _losses(self, batch: Batch, *, learning: bool) -> Tensor:
        """Mean loss of each network over its own rows, (G,)."""
        output = self.networks.outputs(batch.x, batch.who, batch.kept, learning=learning)
        return self._loss(output, batch.target, batch.counts)

    def _loss(self, output: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        """(G, B, K), (G, B, ...), (G,) -> (G,)."""
        head = self.states[0].job.head
        if self.fitting.parts[0].run is not None:  # a loss that needs neighbours: one at a time
            sizes = counts.tolist()
            losses = [
                head.loss(output[g, :n], target[g, :n]) if n else output[g].sum() * 0.0
                for g, n in enumerate(sizes)
            ]
            return torch.stack(losses)
        each = head.losses(output.flatten(0, 1), target.flatten(0, 1))  # (G * B,)
        each = each.view(output.shape[:2])  # (G, B)
        own = torch.arange(each.shape[1], device=self.device) < counts[:, None]  # (G, B)
        return torch.where(own, each, 0.0).sum(1) / counts.clamp(min=1)

    def _evaluate(self, part: GroupedExamples) -> Tensor:
        """Mean loss per window of each network without learning from it, (G,) of float64."""
        total = torch.zeros(len(self.states), dtype=torch.float64, device=self.device)
        seen = torch.zeros_like(total)
        outputs = []
        with torch.no_grad():
            for batch in part.passes(self.alive):
                if part.parts[0].run is None:
                    total += self._losses(batch, learning=False).double() * batch.counts
                    seen += batch.counts
                else:
                    none = self.networks.outputs(batch.x, batch.who, None, learning=False)
                    outputs.append((none, batch))
            if not outputs:
                return total / seen
            output = torch.cat([one for one, _ in outputs], 1)  # (G, n, K)
            target = torch.cat([batch.target for _, batch in outputs], 1)  # (G, n, D)
            counts = torch.stack([batch.counts for _, batch in outputs]).sum(0)  # (G,)
            return self._loss(output, target, counts).double()


def _fitting(jobs: Sequence[Job], device: torch.device) -> int:
    """How many networks the memory of the device holds, by what a step of one takes."""
    if device.type != "cuda":
        return len(jobs)
    before = jobs[0].generator.get_state()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    held = torch.cuda.memory_allocated(device)
    group = _Group(jobs[:1], [0], device, lambda *_: None, {})
    state = group.states[0]
    group._evaluate(group.stopping)
    batch = next(group.fitting.steps([state.job], group.alive, 0.0, 1))
    weights = list(group.networks.weights.values())
    torch.autograd.grad(group._losses(batch, learning=True).sum(), weights, materialize_grads=True)
    one = torch.cuda.max_memory_allocated(device) - held
    jobs[0].generator.set_state(before)
    del group, batch, weights, state
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info(device)
    return max(1, min(len(jobs), int(MEMORY_SHARE * free / one)))

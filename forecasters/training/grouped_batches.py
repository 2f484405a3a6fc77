"""The examples of many networks on one device, and a step's batch of each of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tradewind.forecasters.training.jobs import Job
from tradewind.forecasters.training.loop import EVALUATION_ROWS, Examples


class Batch(NamedTuple):
    """What the networks of a group see in one pass; rows beyond a network's own are filling."""

    x: Tensor  # (G, B, T, F)
    who: Tensor  # (G, B)
    target: Tensor  # (G, B) or (G, B, D)
    counts: Tensor  # (G,) how many rows are each network's own
    kept: Tensor | None  # (G, B, H) what dropout leaves in


class GroupedExamples:
    """One part, to fit on or to stop by, of every network.

    Parameters
    ----------
    parts : sequence of Examples
        Of equal widths.
    bars : Tensor, shape (n_rows, F)
        Rows of all networks' tables, one table after the other.
    offsets : sequence of int
        Row of ``bars`` that each network's table begins with.
    """

    def __init__(self, parts: Sequence[Examples], bars: Tensor, offsets: Sequence[int]) -> None:
        self.parts, self.bars, device = parts, bars, bars.device
        begins = [part.index + offset for part, offset in zip(parts, offsets, strict=True)]
        self.begins = torch.cat(begins).to(device)  # (n,)
        self.who = torch.cat([part.who for part in parts]).to(device)  # (n,)
        self.target = torch.cat([part.target for part in parts]).to(device)  # (n, ...)
        sizes = torch.tensor([0] + [len(part) for part in parts])
        self.first = sizes.cumsum(0)[:-1]  # (G,) where each network's examples begin
        self.window = torch.arange(parts[0].windows.shape[1], device=device)  # (T,)

    def batch(self, places: Sequence[Tensor], alive: Tensor, kept: Tensor | None) -> Batch:
        """Examples of the living networks at their own ``places``, one tensor each."""
        counts = torch.tensor([len(place) for place in places])
        padded = pad_sequence(list(places), batch_first=True)  # (G, B), filled with example 0
        at = (padded + self.first[alive][:, None]).to(self.bars.device)
        bars = self.begins[at][:, :, None] + self.window  # (G, B, T)
        counts = counts.to(self.bars.device)
        return Batch(self.bars[bars], self.who[at], self.target[at], counts, kept)

    def steps(
        self, jobs: Sequence[Job], alive: Tensor, share: float, width: int
    ) -> Iterator[Batch]:
        """Batches of one epoch; each network draws from its generator what it would alone.

        Parameters
        ----------
        jobs : sequence of Job
            Those alive.
        alive : Tensor, shape (G',)
            Their numbers in the group.
        share : float
            Of dropout.
        width : int
            H of the encoder.
        """
        orders, masks = [], []
        for job, number in zip(jobs, alive.tolist(), strict=True):
            part = self.parts[number]
            orders.append(part.batches(job.schedule.batch, job.generator))
            if share > 0.0:
                drawn = torch.rand(len(part), width, generator=job.generator) >= share
                masks.append(torch.split(drawn, [len(batch) for batch in orders[-1]]))
        empty = orders[0][0][:0]
        for step in range(max(map(len, orders))):
            places = [order[step] if step < len(order) else empty for order in orders]
            kept = None
            if share > 0.0:
                none = masks[0][0][:0]
                own = [mask[step] if step < len(mask) else none for mask in masks]
                kept = pad_sequence(own, batch_first=True).to(self.bars.device)
            yield self.batch(places, alive, kept)

    def passes(self, alive: Tensor) -> Iterator[Batch]:
        """All examples of the living networks in order, so many at a time."""
        sizes = [len(self.parts[number]) for number in alive.tolist()]
        for begin in range(0, max(sizes), EVALUATION_ROWS):
            stops = [min(size, begin + EVALUATION_ROWS) for size in sizes]
            places = [torch.arange(begin, max(begin, stop)) for stop in stops]
            yield self.batch(places, alive, None)


def laid_out(jobs: Sequence[Job], device: torch.device) -> tuple[GroupedExamples, GroupedExamples]:
    """Parts to fit on and to stop by, on a device that holds each network's bars once."""
    tables, offsets, n_rows = [], [], 0
    for job in jobs:
        windows = job.fitting.windows  # (n, T, F) a view of consecutive bars
        table = torch.cat((windows[:, 0], windows[-1, 1:]))  # (n + T - 1, F)
        tables.append(table)
        offsets.append(n_rows)
        n_rows += len(table)
    bars = torch.cat(tables).to(device)
    fitting = GroupedExamples([job.fitting for job in jobs], bars, offsets)
    return fitting, GroupedExamples([job.stopping for job in jobs], bars, offsets)

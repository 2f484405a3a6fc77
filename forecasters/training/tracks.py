"""Histories that a state is carried along, for truncated back-propagation through time.

A track is one symbol's bars that have all features, from its first on. A pass goes along a batch of
tracks segment by segment; after each segment the optimiser takes a step, and the state goes on
without its gradient (Williams and Peng 1990). So the network learns as it will serve: from a state
that has seen everything, at every bar.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor, nn

from tradewind.engine.records import Floats, Ints
from tradewind.forecasters.heads import Head
from tradewind.forecasters.inputs.scalings import Scales
from tradewind.forecasters.inputs.windows import Samples
from tradewind.forecasters.networks.base import Network
from tradewind.forecasters.networks.recurrent import RecurrentEncoder
from tradewind.forecasters.training.loop import Examples

NONE = -1  # no example at this bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks(Examples):
    """Examples that stand on tracks.

    Attributes
    ----------
    windows : Tensor, shape (n_rows, 1, F)
        One bar each.
    path : Tensor of int64, shape (n_tracks, L)
        Which window each step of a track is; 0 behind its end.
    place : Tensor of int64, shape (n_tracks, L)
        Which example stands at a step, or ``NONE``.
    length : Tensor of int64, shape (n_tracks,)
    number : Tensor of int64, shape (n_tracks,)
        Whose track it is.
    segment : int
        Steps between two of the optimiser.
    """

    path: Tensor
    place: Tensor
    length: Tensor
    number: Tensor
    segment: int

    def steps(
        self, network: nn.Module, size: int, generator: Generator
    ) -> Iterator[tuple[int, Iterable[tuple[Tensor, Tensor]]]]:
        """See :class:`Examples`; ``size`` tracks side by side."""
        for tracks in torch.split(torch.randperm(len(self.length), generator=generator), size):
            for output, at in self._along(network, tracks):
                yield len(at), ((output, at),)

    def outputs(self, network: nn.Module) -> Iterator[tuple[Tensor, Tensor]]:
        """See :class:`Examples`; all at once."""
        said = torch.empty(0)
        for output, at in self._along(network, torch.arange(len(self.length))):
            if not len(said):
                said = output.new_empty(len(self), output.shape[1])  # (n, K)
            said[at] = output
        yield said, torch.arange(len(self))

    def _along(self, network: nn.Module, tracks: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Outputs at the examples of each segment of some tracks, with their places."""
        assert isinstance(network, Network)
        encoder = network.encoder
        assert isinstance(encoder, RecurrentEncoder)
        state = encoder.begin(len(tracks))
        for begin in range(0, int(self.length[tracks].max()), self.segment):
            going_on = torch.nonzero(self.length[tracks] > begin)[:, 0]  # (B,)
            tracks, state = tracks[going_on], encoder.some(state, going_on)
            here = slice(begin, begin + self.segment)
            x = self.windows[self.path[tracks, here], 0]  # (B, T, F)
            states, state = encoder.run(network.known(x, self.number[tracks]), state)  # (B, T, H)
            state = tuple(part.detach() for part in state)
            at = self.place[tracks, here]  # (B, T)
            if (at != NONE).any():
                yield network.read(states[at != NONE]), at[at != NONE]  # (n, K), (n,)


def tracks_of(
    scaling: Scales, part: Samples, scale: Floats, head: Head, who: Ints, segment: int
) -> Tracks:
    """Tracks of the symbols of some samples, each up to its last.

    Parameters
    ----------
    scaling : Scales
        Of the features.
    part : Samples
        With known targets; windows of one bar.
    scale : ndarray of float64, shape (n_rows,)
        What a target is divided by, for each row of the table.
    head : Head
    who : ndarray of int64, shape (n_samples,)
        Number of each sample's symbol.
    segment : int
    """
    table, bounds = part.table, part.table.tape.bounds
    symbols, first = np.unique(part.symbol, return_index=True)
    last = np.append(first[1:], part.n) - 1
    low, high = int(bounds[symbols[0]]), int(part.row.max()) + 1
    values = table.values[low:high]
    usable = np.flatnonzero(np.isfinite(values).all(axis=1)) + low
    ends = part.row[last] + 1
    tracks = [
        usable[slice(*np.searchsorted(usable, (bounds[symbol], end)))]
        for symbol, end in zip(symbols, ends, strict=True)
    ]
    length = np.array([len(track) for track in tracks])
    path = np.zeros((len(tracks), int(length.max())), np.int64)
    place = np.full(path.shape, NONE)
    for k, track in enumerate(tracks):
        own = slice(first[k], last[k] + 1)
        path[k, : len(track)] = track - low
        place[k, np.searchsorted(track, part.row[own])] = np.arange(part.n)[own]
    at = np.argwhere(place != NONE)  # (n_samples, 2), in their order
    starts = np.diff(at[:, 0] * path.shape[1] + at[:, 1] // segment, prepend=-1) != 0
    target = head.cut(head.targets(part, scale[part.row]), starts).astype(np.float32)
    run = head.runs(part)
    return Tracks(
        windows=torch.from_numpy(scaling.rows(table, low, high))[:, None],
        index=torch.from_numpy(part.row - low),
        target=torch.from_numpy(target),
        who=torch.from_numpy(who),
        run=None if run is None else torch.from_numpy(run),
        path=torch.from_numpy(path),
        place=torch.from_numpy(place),
        length=torch.from_numpy(length),
        number=torch.from_numpy(who[first]),
        segment=segment,
    )

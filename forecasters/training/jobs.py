"""A network about to be trained, with all it learns from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from tradewind.engine.records import Floats
from tradewind.forecasters.heads import Head
from tradewind.forecasters.inputs.scalings import Scales
from tradewind.forecasters.inputs.windows import Samples
from tradewind.forecasters.networks.base import Network
from tradewind.forecasters.training.fitted import Fitted, names_of, numbered, view_of
from tradewind.forecasters.training.loop import Epoch, Examples, Follower, Schedule, train
from tradewind.forecasters.training.tracks import tracks_of

TRAITS = "traits.weight"  # of a network: one row per symbol, the rest belongs to all


@dataclass(frozen=True, slots=True)
class Job:
    """A network about to be trained.

    Attributes
    ----------
    network : Network
        In the state it starts from.
    scaling : Scales
        Of its inputs.
    names : tuple of str
        Symbols it learns from, as it numbers them, from 1.
    fitting, stopping : Examples
    schedule : Schedule
    generator : Generator
        Orders the batches and draws dropout.
    """

    network: Network
    scaling: Scales
    names: tuple[str, ...]
    fitting: Examples
    stopping: Examples
    schedule: Schedule
    generator: Generator

    @property
    def head(self) -> Head:
        """What the outputs mean."""
        head = self.network.head
        assert isinstance(head, Head)
        return head

    def train(self, follower: Follower | None = None) -> Fitted:
        """Train it by itself."""
        parts = self.fitting, self.stopping
        try:
            curve = train(
                self.network, self.head.loss, *parts, self.schedule, self.generator,
                follower=follower,
            )  # fmt: skip
        except RuntimeError as error:
            if "allocate memory" in str(error):  # how torch says so on a CPU
                raise MemoryError(str(error)) from error
            raise
        return self.done(curve)

    def done(self, curve: tuple[Epoch, ...]) -> Fitted:
        """What it is once its network was trained."""
        return Fitted(self.network, self.scaling, self.names, curve, len(self.fitting))


def prepare(
    network: Network,
    scaling: Scales,
    parts: tuple[Samples, Samples],
    scale: Floats,
    schedule: Schedule,
    generator: Generator,
    earlier: Fitted | None,
    segment: int | None = None,
) -> Job:
    """Lay out what a network is trained on, and put it where it starts.

    Parameters
    ----------
    network : Network
        Untrained; starts from ``earlier``, or from the constant forecast that fits the first part.
    scaling : Scales
        Of the features.
    parts : tuple of two Samples
        To fit on and to stop by, with known targets, of one table.
    scale : ndarray of float64, shape (n_rows,)
        What a target is divided by, for each row of the table.
    schedule : Schedule
    generator : Generator
        Orders the batches.
    earlier : Fitted or None
    segment : int or None
        Bars between two steps of the optimiser where a state is carried; None: windows.
    """
    fitting = parts[0]
    head = network.head
    assert isinstance(head, Head)
    names = names_of(fitting)
    low = min(int(part.row.min()) for part in parts) - fitting.window + 1
    high = max(int(part.row.max()) for part in parts) + 1
    view = view_of(scaling.rows(fitting.table, low, high), fitting.window)
    first, second = (
        _examples(view, low, part, scale, head, names)
        if segment is None
        else tracks_of(scaling, part, scale, head, numbered(part, names), segment)
        for part in parts
    )
    if earlier is None:
        head.start_at(first.target)
    else:
        network.load_state_dict(_carried_over(network, names, earlier))
    return Job(network, scaling, names, first, second, schedule, generator)


def _carried_over(
    network: Network, names: tuple[str, ...], earlier: Fitted
) -> Mapping[str, Tensor]:
    """Weights of an earlier network; a symbol that is new keeps the traits it was drawn."""
    state = dict(earlier.network.state_dict())
    if TRAITS in state:
        rows = network.state_dict()[TRAITS].clone()
        for number, name in enumerate(names, 1):
            if name in earlier.names:
                rows[number] = state[TRAITS][1 + earlier.names.index(name)]
        state[TRAITS] = rows
    return state


def _examples(
    view: Tensor, low: int, part: Samples, scale: Floats, head: Head, names: tuple[str, ...]
) -> Examples:
    """Windows of a part; ``low`` is the row of the table that the view begins with."""
    target = head.targets(part, scale[part.row]).astype(np.float32)
    run = head.runs(part)
    return Examples(
        view,
        torch.from_numpy(part.row - part.window + 1 - low),
        torch.from_numpy(target),
        torch.from_numpy(numbered(part, names)),
        None if run is None else torch.from_numpy(run),
    )

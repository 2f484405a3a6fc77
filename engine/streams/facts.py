"""What a live feed says: ticks, bars, and how it is doing."""

from collections.abc import Sequence
from enum import StrEnum
from math import nan
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from tradewind.engine.types import Bar

if TYPE_CHECKING:
    from tradewind.engine.features.stream import Row


class Tick(NamedTuple):
    """One trade or quote.

    Attributes
    ----------
    symbol : str
    ts : int
        When it happened by the source's clock, UTC nanoseconds.
    price : float
        Of the trade; NaN for a quote alone.
    size : float
        Units traded; 0 for a quote, NaN where the source does not say.
    bid, ask : float
        NaN where the message had none.
    received : int
        When it reached this process, UTC nanoseconds.
    id : str
        The source's own number of the trade; empty where it gives none.
    """

    symbol: str
    ts: int
    price: float = nan
    size: float = 0.0
    bid: float = nan
    ask: float = nan
    received: int = 0
    id: str = ""


class FeedState(StrEnum):
    """How a feed is doing."""

    CONNECTING = "connecting"
    LIVE = "live"
    DELAYED = "delayed"  # messages come, but late by their own clock
    STALE = "stale"  # connected and mute for longer than is usual
    GAP = "gap"  # connected again; what came meanwhile is being fetched
    DOWN = "down"


class FeedNotice(NamedTuple):
    """A change of state.

    Attributes
    ----------
    state : FeedState
    at : int
        UTC nanoseconds, our clock.
    reason : str
        For a person: what was seen, and what is being done about it. Never holds a key or token.
    symbols : tuple of str
        Whom it concerns; empty: all.
    since : int
        For GAP: close of the last bar or tick known before the hole, UTC nanoseconds; else 0.
    """

    state: FeedState
    at: int
    reason: str
    symbols: tuple[str, ...] = ()
    since: int = 0


class Skipped(NamedTuple):
    """Bars that are not taken, because nobody knows them whole.

    Attributes
    ----------
    first, last : int
        Closes between which they end, UTC nanoseconds.
    reason : str
        For a person.
    columns : tuple of int
        Whose; empty: all.
    """

    first: int
    last: int
    reason: str
    columns: tuple[int, ...] = ()


class Sink(Protocol):
    """Takes what a feed delivers, in its event loop; none of it blocks or raises."""

    def ticks(self, batch: Sequence[Tick]) -> None:
        """Take ticks in the order in which they arrived."""
        ...

    def bars(self, closed: Sequence[Bar]) -> None:
        """Take bars that closed together, from a source that sends bars and no ticks."""
        ...

    def notice(self, notice: FeedNotice) -> None:
        """Take a change of state."""
        ...

    def dropped(self, reason: str, what: str) -> None:
        """Take note of a message that could not be used.

        Parameters
        ----------
        reason : str
            From a closed list (``tradewind.engine.streams.reasons``), to be counted by.
        what : str
            The message, shortened, for the log.
        """
        ...


class RowSink(Sink, Protocol):
    """A sink that also takes whole bars of every symbol, and says when it is ready for the next."""

    async def row(self, row: "Row", leaving: tuple[int, ...]) -> None:
        """Take a bar of every symbol, and the columns that stop trading with it.

        Returns when there is room for another: a replay is as fast as what it feeds.
        """
        ...

    async def clock(self, now: int, leaving: tuple[int, ...]) -> None:
        """Take note that all ticks up to ``now`` (UTC ns) have come, as only a replay can say."""
        ...


@runtime_checkable
class LiveFeed(Protocol):
    """A source of ticks or bars that goes on until it is cancelled."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names it delivers, as the config writes them."""
        ...

    async def run(self, sink: RowSink) -> None:
        """Deliver until cancelled; a feed of a finite history returns at its end.

        Reconnects by itself. Raises ConfigError for what no reconnecting can mend, such as a wrong
        key or an unknown symbol, and OutsideError never: that is a state.
        """
        ...

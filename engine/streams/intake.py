"""What a feed delivers on its way to bars of every symbol: believed, counted, put together."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tradewind.engine.bars.sessions import session_days
from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.features.stream import Row
from tradewind.engine.records import DAY_NS, Ints, Panel
from tradewind.engine.streams.facts import FeedNotice, FeedState, Tick
from tradewind.engine.types import Bar


class Intake:
    """Ticks and bars of one feed.

    Parameters
    ----------
    like : Panel
        Whose symbols, interval and calendars the bars have.
    config : TicksConfig
    """

    def __init__(self, like: Panel, config: TicksConfig) -> None:
        self.config = config
        self.symbols, self.interval, self.calendar = like.symbols, like.interval, like.calendar
        self.quoted_at: Ints = np.zeros(like.n_symbols, np.int64)
        self.drops: Counter[str] = Counter()
        self.n_ticks = self.n_bars = self.reconnects = self.gaps = 0
        self.state = FeedNotice(FeedState.CONNECTING, 0, "not connected yet")

    def count(self, reason: str) -> None:
        """Count a message that was not used."""
        self.drops[reason] += 1

    def take(self, batch: Sequence[Tick]) -> None:
        """Take ticks in the order in which they came."""
        self.n_ticks += len(batch)

    def take_bars(self, closed: Sequence[Bar]) -> None:
        """Take bars that closed together."""
        self.n_bars += len(closed)

    def advance(self, now: int) -> list[Row]:
        """Bars that are complete at ``now``, UTC nanoseconds."""
        return []

    def day_of(self, ts: int) -> int:
        """Number of the session's day that a close belongs to."""
        if self.calendar is None:
            return int((ts - 1) // DAY_NS)
        day = session_days(np.array([ts], np.int64), self.interval, self.calendar)[0]
        return int(day.astype("datetime64[D]").astype(np.int64))

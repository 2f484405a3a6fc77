"""What a feed delivers on its way to bars of every symbol: believed, counted, put together."""

from collections.abc import Sequence
from math import nan

import numpy as np

from tradewind.engine.bars.sessions import session_days
from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.features.stream import Row
from tradewind.engine.records import DAY_NS, Floats, Ints, Panel
from tradewind.engine.streams.bar_filter import BarFilter
from tradewind.engine.streams.bar_maker import BarMaker
from tradewind.engine.streams.clock_skew import ClockSkew
from tradewind.engine.streams.facts import FeedNotice, FeedState, Tick
from tradewind.engine.streams.filtering import TickFilter
from tradewind.engine.streams.grid import FAR_NS, Grid
from tradewind.engine.types import Bar

AWAY = (FeedState.DOWN, FeedState.STALE, FeedState.DELAYED)
MUTE_S, NOTICED_S = 60.0, 2.0  # of a feed that does not say; until its silence is told
SECOND_NS = 1_000_000_000
SAMPLED = 8  # ticks of a batch that say what the source's clock is


class Intake:
    """Ticks and bars of one feed.

    Parameters
    ----------
    like : Panel
        Whose symbols, interval and calendars the bars have, and behind whose last bar they come.
    config : TicksConfig

    Attributes
    ----------
    filling : str
        What is being fetched from the history, for a person; empty: nothing is.
    """

    def __init__(self, like: Panel, config: TicksConfig) -> None:
        self.config = config
        self.symbols, self.interval, self.calendar = like.symbols, like.interval, like.calendar
        self._quoted_at = [0] * like.n_symbols
        self._traded = [nan] * like.n_symbols
        self.filter = TickFilter(like.symbols, config)
        self.drops = self.filter.drops
        self.skew = ClockSkew(config.skew_s)
        last = int(like.ts[-1]) if like.n_bars else 0
        self.maker = BarMaker(
            like.calendar_of_each, like.interval, config, last_ts=last, drops=self.drops
        )
        self._bars = BarFilter(self.filter.columns, self.maker.grids, config, self.drops)
        for k in range(like.n_symbols):
            traded = np.flatnonzero(~np.isnan(like.close[:, k]))
            if traded.size:
                for each in (self.filter, self._bars):
                    each.expect(k, float(like.close[traded[-1], k]))
        self._session = Grid(like.calendar_of_each[0], like.interval, extended_hours=False)
        self.n_ticks = self.reconnects = self.gaps = 0
        self._state = FeedNotice(FeedState.CONNECTING, 0, "not connected yet")
        self.filling = ""
        self._stamped = 0  # newest stamp of a believed tick that was not of the future

    def count(self, reason: str, what: str = "") -> None:
        """Count a message that was not used."""
        self.drops.note(reason, what or "no more is known of it")

    def begin(self, now: int, mute_s: float = MUTE_S) -> None:
        """Take note that nobody has listened since the history ended; a live feed is about to.

        Parameters
        ----------
        now : int
            Our clock, UTC nanoseconds.
        mute_s : float
            Silence that the feed bears before it says that it is stale.
        """
        self.maker.heard, self.maker.mute_ns = 0, int((mute_s + NOTICED_S) * SECOND_NS)
        self.maker.holes.begin(self.maker.last_ts, now, asked=False)

    def heard(self, notice: FeedNotice) -> None:
        """Take note of the feed's state: while it is away or late, ticks make no whole bars."""
        holes = self.maker.holes
        if notice.state is FeedState.GAP:
            self.reconnects += 1
            self.gaps += 1
            holes.end(notice.at, notice.since)
        elif notice.state in AWAY:
            holes.begin(min(self._stamped or notice.at, notice.at), notice.at)
        elif notice.state is FeedState.LIVE:
            holes.end(notice.at)
        self._state = notice

    @property
    def state(self) -> FeedNotice:
        """How the feed is doing; a gap while what it missed is being fetched."""
        if self.filling and self._state.state is FeedState.LIVE:
            return self._state._replace(state=FeedState.GAP, reason=self.filling)
        return self._state

    @property
    def quoted_at(self) -> Ints:
        """When the last tick or bar of each symbol came, UTC nanoseconds; 0: none has."""
        return np.array(self._quoted_at, np.int64)

    @property
    def traded(self) -> Floats:
        """Price of the last trade of each symbol that was believed; NaN: none has come."""
        return np.array(self._traded)

    def take(self, batch: Sequence[Tick], *, live: bool = True) -> None:
        """Take ticks in the order in which they came."""
        self.n_ticks += len(batch)
        if live:
            for tick in batch[-SAMPLED:]:
                self.skew.take(tick)
        held = set(map(id, self.filter.held()))
        believed = list(self.filter.believed(batch, live=live))
        self.maker.take_many(believed, held)
        quoted_at, traded = self._quoted_at, self._traded
        for k, tick in believed:
            at = tick.received or tick.ts
            if at > quoted_at[k]:
                quoted_at[k] = at
            if self._stamped < tick.ts:
                self._stamped = min(tick.ts, at)
            if tick.price == tick.price:
                traded[k] = tick.price
        if self.maker.mute_ns:
            self.maker.heard = self._stamped

    def take_bars(self, closed: Sequence[Bar], *, now: int = FAR_NS) -> list[Row]:
        """Take bars from a source that makes them itself; rows of those that can be believed.

        Parameters
        ----------
        closed : sequence of Bar
        now : int
            Our clock, UTC nanoseconds; left out: every bar is over.
        """
        found: dict[int, dict[str, Bar]] = {}
        for k, bar in self._bars.believed(closed, out=self.maker.last_ts, now=now):
            found.setdefault(bar.ts, {})[bar.symbol] = bar
            if bar.ts >= self._quoted_at[k]:
                self._quoted_at[k], self._traded[k] = bar.ts, float(bar.close)
            self._stamped = max(self._stamped, bar.ts)
        return [row_of_bars(ts, found[ts], self.symbols) for ts in sorted(found)]

    def advance(self, now: int) -> list[Row]:
        """Bars that are complete at ``now``, UTC nanoseconds."""
        return self.maker.advance(now)

    def in_session(self, now: int) -> bool:
        """Whether the first symbol's exchange trades at a moment."""
        return self._session.in_session(now)

    def day_of(self, ts: int) -> int:
        """Number of the session's day that a close belongs to."""
        if self.calendar is None:
            return int((ts - 1) // DAY_NS)
        day = session_days(np.array([ts], np.int64), self.interval, self.calendar)[0]
        return int(day.astype("datetime64[D]").astype(np.int64))


def row_of_bars(ts: int, bars: dict[str, Bar], symbols: Sequence[str]) -> Row:
    """Bars that closed together as a row; NaN for symbols without one."""
    arrays = np.full((5, len(symbols)), np.nan)
    for k, name in enumerate(symbols):
        bar = bars.get(name)
        if bar is not None:
            arrays[:, k] = bar.open, bar.high, bar.low, bar.close, bar.volume
    opens, highs, lows, closes, volumes = arrays
    return Row(ts, opens, highs, lows, closes, volumes)

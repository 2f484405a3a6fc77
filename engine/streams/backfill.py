"""Bars that a gap took, fetched from where the history came from."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any

import numpy as np

from tradewind.engine.bars.sessions import interval_ns, is_intraday
from tradewind.engine.config.data import DataConfig
from tradewind.engine.errors import DataError, OutsideError, TradewindError
from tradewind.engine.features.stream import Row
from tradewind.engine.feeds import load
from tradewind.engine.records import DAY_NS, Panel, label
from tradewind.engine.secret import redacted
from tradewind.engine.streams.bar_maker import BarMaker

LEAST_DAYS = 5  # of bars before those that are missing, with weekends six times as many of days
LOOK_S = 0.5  # between two looks at whether there is something to ask for
SOON_S = 1.0  # within which the first try comes: many runs do not ask at once
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 300.0  # between two tries; twice as long after each that failed
QUICKER = 0.9  # a history that had it at once may have it sooner
SECOND_NS = 1_000_000_000
Fetch = Callable[[int], Awaitable[list[Row]]]
Tell = Callable[[str, str], None]


class GapFiller:
    """Asks the history for the bars that nobody listened to, as long as they matter.

    One question at a time, never in the event loop, and again after a wait that grows, up to five
    minutes, and is never quite the same. While a feed is away or late its bars are asked for when
    the history has had them so far, not sooner. A source that refuses may do better later, so that
    every error is waited out; the run is never ended by one.

    Parameters
    ----------
    maker : BarMaker
        Whose holes are filled, and who knows when they matter no more.
    fetch : callable
        ``await fetch(since)``: bars that closed later than ``since``, UTC nanoseconds.
    tell : callable
        ``tell(level, text)``, for the log.
    clock : callable
        UTC nanoseconds.
    sleep : callable
        ``await sleep(seconds)``.
    draw : Random
        For the jitter.

    Attributes
    ----------
    state : str
        What is being fetched, for a person; empty: nothing is.
    """

    def __init__(
        self,
        maker: BarMaker,
        fetch: Fetch,
        *,
        tell: Tell,
        clock: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Random | None = None,
    ) -> None:
        self.state = ""
        self._maker, self._fetch, self._tell = maker, fetch, tell
        self._clock, self._sleep, self._draw = clock, sleep, draw or Random()
        self._task: asyncio.Task[None] | None = None
        self._failures, self._not_before = 0, 0
        self._lag_ns = 0  # behind the end of a bar, until the history has it

    def wake(self) -> None:
        """Begin, or try again soon: a hole began or ended."""
        self._failures = 0
        self._not_before = min(self._not_before, self._clock() + int(FIRST_WAIT_S * SECOND_NS))
        if self._task is None or self._task.done():
            self._not_before = self._clock() + int(SOON_S * self._draw.random() * SECOND_NS)
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Ask no more; nobody waits for an answer that is still to come."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        holes = self._maker.holes
        while holes.matter:
            at, now = self._due(), self._clock()
            if at is not None and max(at, self._not_before) <= now:
                await self._ask(now)
            else:
                await self._sleep(LOOK_S)
        self.state = ""

    def _due(self) -> int | None:
        """When the next question is due; None: there is none."""
        at, lasting = self._maker.ask_at(), self._maker.holes.lasting
        if at is None or lasting is None or not lasting.asked:
            return at
        return at + min(self._lag_ns, self._maker.patience_ns // 2)

    async def _ask(self, now: int) -> None:
        since, wanted = self._maker.last_ts, self._maker.ask_at()
        self.state = self.state or f"bars behind {label(since)} are being fetched"
        try:
            rows = await self._fetch(since)
        except (TradewindError, OSError) as error:
            self._failed("warning", f"{error}")
        except Exception as error:  # ours to mend, and no reason to end a run
            self._failed("error", f"{error!r}")
        else:
            self._answered(rows, now, now if wanted is None else wanted)

    def _answered(self, rows: Sequence[Row], now: int, wanted: int) -> None:
        news = self._maker.fill(rows, now=now)
        if news:
            self._tell("info", f"{news} bars were fetched behind the last one known")
        at = self._maker.ask_at()
        if at is not None and at <= self._clock():  # it answered, and does not have it yet
            self._failed("info", "the history does not have all bars yet")
            return
        self._lag_ns = now - wanted if self._failures else int(QUICKER * self._lag_ns)
        self._failures, self.state = 0, ""
        self._not_before = self._clock() + self._wait_ns(0)

    def _failed(self, level: str, why: str) -> None:
        wait = self._wait_ns(self._failures)
        self._failures += 1
        self._not_before = self._clock() + wait
        self.state = f"bars behind {label(self._maker.last_ts)} cannot be fetched: {redacted(why)}"
        again = f"; try {self._failures + 1} in {wait / SECOND_NS:.0f} s"
        self._tell(level, f"{self.state}{again}")

    def _wait_ns(self, failures: int) -> int:
        most = min(FIRST_WAIT_S * 2.0 ** min(failures, 20), LONGEST_WAIT_S)
        return int(most * self._draw.uniform(0.5, 1.0) * SECOND_NS)


async def missed(
    feed: Any, config: DataConfig, symbols: Sequence[str], since: int, interval: str
) -> list[Row]:
    """Bars that closed later than ``since``: the feed's own where it keeps them for so long.

    A feed that does has a method ``backfill(since, until, interval)``.

    Parameters
    ----------
    feed : LiveFeed
    config : DataConfig
        Of the run: where its history came from.
    symbols : sequence of str
        In the order of the run's columns.
    since : int
        UTC nanoseconds.
    interval : str

    Raises
    ------
    TradewindError
        What the source said.
    """
    if hasattr(feed, "backfill"):
        try:
            found: list[Row] = await feed.backfill(since, time.time_ns(), interval)
        except (DataError, OutsideError):  # too long ago, or away: perhaps the other source is not
            pass
        else:
            return found
    return rows_after(await in_a_thread(partial(_loaded, config, since, interval)), symbols, since)


def _loaded(config: DataConfig, since: int, interval: str) -> Panel:
    """The history as it is now, from some days before a moment on where that suffices.

    Bars are made of shorter ones, and judged by those before them: a margin is read as well. A
    symbol that left earlier has no bars there, which is an error, and the whole history is read.
    """
    whole = config.model_copy(update={"end": None})
    length_ns = max(map(interval_ns, (interval, config.interval)))
    margin = LEAST_DAYS if is_intraday(interval) else LEAST_DAYS * 6 + 3 * length_ns // DAY_NS
    begin = date(1970, 1, 1) + timedelta(days=since // DAY_NS - margin)
    if config.start is None or begin > config.start:
        with suppress(DataError):
            return load(whole.model_copy(update={"start": begin})).panel
    return load(whole).panel


async def in_a_thread(work: Callable[[], Any]) -> Any:
    """What is done in a thread that nobody waits for when the process ends.

    A pool's thread would be: a source that does not answer would keep a run from ending.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(set_to: Callable[[Any], None], found: Any) -> None:
        if not future.done():
            set_to(found)

    def run() -> None:
        try:
            told = future.set_result, work()
        except BaseException as error:
            told = future.set_exception, error
        with suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
            loop.call_soon_threadsafe(settle, *told)

    threading.Thread(target=run, name="history", daemon=True).start()
    return await future


def rows_after(panel: Panel, symbols: Sequence[str], since: int) -> list[Row]:
    """Rows of a panel that closed later, in the columns of ``symbols``."""
    picked = panel.select([name for name in symbols if name in panel.symbols])
    first = int(np.searchsorted(picked.ts, since, "right"))
    rows = [Row.of(picked, t) for t in range(first, picked.n_bars)]
    if picked.symbols == tuple(symbols):
        return rows
    at = [symbols.index(name) for name in picked.symbols]
    return [_spread(row, at, len(symbols)) for row in rows]


def _spread(row: Row, at: Sequence[int], n: int) -> Row:
    """Row of all symbols, NaN for those the source no longer has."""
    wide = np.full((5, n), np.nan)
    wide[:, at] = [row.open, row.high, row.low, row.close, row.volume]
    opens, highs, lows, closes, volumes = wide
    return Row(row.ts, opens, highs, lows, closes, volumes)

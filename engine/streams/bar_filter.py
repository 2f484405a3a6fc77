"""Which bars of a source that makes them itself are believed.

Rules, in this order; a bar is dropped for the first one that it breaks, and counted under it.

==================  ================================================================================
``malformed``       Something of it is missing or of another type.
``unknown_symbol``  The symbol is not followed.
``not_a_number``    One of its prices is none, or something of it is infinite.
``not_positive``    A price of zero or less; a volume below zero.
``malformed``       The low is not the lowest of its prices, or the high not the highest.
``future``          It closes more than ``ahead_s`` later than our clock: it cannot be over.
``off_session``     It closes where no bar of the exchange's session does.
``duplicate``       It is one of the symbol's last ``REMEMBERED`` bars in every number.
``stale``           Its close is out, and more than ``stale_s`` ago.
``late``            Its close is out.
``spike``           One of its prices is further than ``spike`` from the last close believed. The
                    next bar that closes later and lies near its close is believed: a real gap costs
                    one bar.
==================  ================================================================================

A bar that differs from one of the same close that is not out yet takes its place: its source has
thought better of it. A volume that nobody told is NaN.
"""

from collections import OrderedDict
from collections.abc import Sequence
from math import inf, isfinite, nan
from numbers import Integral, Real

from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.streams import reasons
from tradewind.engine.streams.drops import Drops
from tradewind.engine.streams.grid import FAR_NS, Grid
from tradewind.engine.types import Bar

SECOND_NS = 1_000_000_000
REMEMBERED = 64  # bars of a symbol by which a repeated one is known
SHOWN = 200  # characters of a bar in the log
NUMBERS = ("open", "high", "low", "close", "volume")


class BarFilter:
    """Judges bars in the order in which they arrive.

    Parameters
    ----------
    columns : dict of str to int
    grids : sequence of Grid
        Of each column.
    config : TicksConfig
    drops : Drops
        Where those that are not believed are counted.
    """

    def __init__(
        self, columns: dict[str, int], grids: Sequence[Grid], config: TicksConfig, drops: Drops
    ) -> None:
        self._columns, self._grids, self._drops = columns, grids, drops
        self._spike = config.spike
        self._ahead_ns, self._stale_ns = (
            int(s * SECOND_NS) for s in (config.ahead_s, config.stale_s)
        )
        self._seen: list[OrderedDict[object, None]] = [OrderedDict() for _ in columns]
        self._last = [nan] * len(columns)
        self._newest = [0] * len(columns)  # close of the newest believed
        self._doubted: list[Bar | None] = [None] * len(columns)

    def expect(self, k: int, price: float) -> None:
        """Take a price from elsewhere as the last close believed."""
        self._last[k] = price

    def believed(
        self, closed: Sequence[Bar], *, out: int, now: int = FAR_NS
    ) -> list[tuple[int, Bar]]:
        """(column, bar) of those that are believed.

        Parameters
        ----------
        closed : sequence of Bar
        out : int
            Close of the last row that was let out, UTC nanoseconds.
        now : int
            Our clock, UTC nanoseconds; left out: every bar is over, and none is stale.
        """
        found = []
        for bar in closed:
            reason = self._fault(bar, out, now)
            if reason:
                self._drops.note(reason, f"{bar}"[:SHOWN])
                continue
            k = self._columns[bar.symbol]
            self._last[k], self._doubted[k] = float(bar.close), None
            self._newest[k] = max(self._newest[k], bar.ts)
            self._remember(self._seen[k], _numbers(bar))
            found.append((k, bar))
        return found

    def _fault(self, bar: Bar, out: int, now: int) -> str:
        if not _whole(bar):
            return reasons.MALFORMED
        k = self._columns.get(bar.symbol)
        if k is None:
            return reasons.UNKNOWN_SYMBOL
        return _unlike_prices(bar) or self._at_no_time(k, bar, out, now) or self._leap(k, bar)

    def _at_no_time(self, k: int, bar: Bar, out: int, now: int) -> str:
        if bar.ts > min(now + self._ahead_ns, FAR_NS):
            return reasons.FUTURE
        at = self._grids[k].of(bar.ts - 1) if bar.ts > 0 else None
        if bar.ts > 0 and (at is None or at.close != bar.ts):
            return reasons.OFF_SESSION
        if _numbers(bar) in self._seen[k]:
            return reasons.DUPLICATE
        if bar.ts > out:
            return ""
        old = now < FAR_NS and now - bar.ts > self._stale_ns
        return reasons.STALE if old else reasons.LATE

    def _leap(self, k: int, bar: Bar) -> str:
        doubted = self._doubted[k]
        if self._near(bar, self._last[k]) or not isfinite(self._last[k]):
            return ""
        if doubted is not None and bar.ts > doubted.ts and self._near(bar, doubted.close):
            return ""
        if bar.ts > self._newest[k]:  # else one of its close or behind it is believed already
            self._doubted[k] = bar
        return reasons.SPIKE

    def _near(self, bar: Bar, price: float) -> bool:
        reach = self._spike * price
        return bar.high - price <= reach and price - bar.low <= reach

    @staticmethod
    def _remember(seen: OrderedDict[object, None], numbers: object) -> None:
        seen[numbers] = None
        if len(seen) > REMEMBERED:
            seen.popitem(last=False)


def _numbers(bar: Bar) -> object:
    told = bar.volume if bar.volume == bar.volume else -1.0  # one NaN is not like another
    return bar.ts, bar.open, bar.high, bar.low, bar.close, told


def _whole(bar: Bar) -> bool:
    """Whether everything is there and of its type; a feed of somebody's own may hand over any."""
    numbers = [getattr(bar, name, None) for name in NUMBERS]
    ts = getattr(bar, "ts", None)
    return (
        isinstance(getattr(bar, "symbol", None), str)
        and isinstance(ts, Integral) and not isinstance(ts, bool)
        and all(isinstance(x, Real) and not isinstance(x, bool) for x in numbers)
    )  # fmt: skip


def _unlike_prices(bar: Bar) -> str:
    prices = bar.open, bar.high, bar.low, bar.close
    if not all(map(isfinite, prices)) or abs(bar.volume) == inf:
        return reasons.NOT_A_NUMBER
    if bar.volume < 0.0 or min(prices) <= 0.0:
        return reasons.NOT_POSITIVE
    return reasons.MALFORMED if bar.low != min(prices) or bar.high != max(prices) else ""

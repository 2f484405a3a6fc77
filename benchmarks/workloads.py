"""What the simulators are made to do, and the seeded bars they do it on.

Needs numpy alone, because the peers' own environments import it too; ``scipy`` is loaded only where
bars are made.
"""

from collections.abc import Iterator
from math import nan, sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

MINUTE_NS, DAY_NS = 60_000_000_000, 86_400_000_000_000
START = np.datetime64("2000-01-03")

CASH = 100_000.0
FAST, SLOW = 20, 100
FEE_BPS, SPREAD_BPS = 0.5, 2.0  # low, or a million bars end in nothing
FEE, SLIP = FEE_BPS / 1e4, SPREAD_BPS / 2e4  # peers have no spread: half of it is their slippage
ALL_IN = 1.25  # of equity asked for; the cash cuts it to everything there is

STOP, TARGET = 0.01, 0.02  # distance of a trailing stop, and of the profit taken
LOOKBACK, SKIP, TOP, VOL_LOOKBACK = 252, 21, 0.1, 63
INVESTED = 0.95  # of equity: a gap of less than 5% leaves every order whole, on every engine


class Workload(NamedTuple):
    """Shape of a market and what is to be traded on it."""

    name: str
    what: str
    n_bars: int
    n_symbols: int
    n_settings: int = 1
    bar_ns: int = DAY_NS
    volatility: float = 0.01  # of one bar
    pull: float = 0.001  # back to where prices began, a bar


def _minutes(name: str, what: str, n_bars: int) -> Workload:
    return Workload(name, what, n_bars, 1, 1, MINUTE_NS, 0.001, 0.0001)


WORKLOADS = {
    found.name: found
    for found in (
        _minutes("A", "SMA cross, all in, market orders", 1_000_000),
        _minutes("A-brackets", "the same with a trailing stop and a target", 1_000_000),
        _minutes("A-orders", "every order type in turn, in brackets", 1_000_000),
        Workload("B", "1,000 SMA crosses, Sharpe and drawdown of each", 5_000, 1, 1_000),
        Workload("C", "monthly top-decile momentum", 5_000, 500),
        Workload("D", "monthly inverse volatility", 5_000, 20),
        _minutes("E", "SMA cross decided by plain Python at each bar", 100_000),
    )
}


class Bars(NamedTuple):
    """Bars of one clock; prices of shape (n_bars, n_symbols), ``ts`` the close, UTC nanoseconds."""

    ts: Any
    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any

    @property
    def shape(self) -> tuple[int, int]:
        """(bars, symbols)."""
        n_bars, n_symbols = self.close.shape
        return n_bars, n_symbols

    def head(self, n_bars: int) -> "Bars":
        """First ``n_bars`` bars, as arrays of their own."""
        return Bars(*(np.ascontiguousarray(array[:n_bars]) for array in self))


class Outcome(NamedTuple):
    """What a run ends in: enough to see that every engine did the same work."""

    final_equity: float  # of several settings the mean, as below
    fills: int
    sharpe: float  # of one bar, not annualised; NaN where the engine does not say
    drawdown: float  # fraction of the peak
    digest: str = ""  # of every number found, where bits are compared


def sharpe(total: float, squares: float, n: int) -> float:
    """Mean over standard deviation of ``n`` returns, from their sum and sum of squares."""
    if n < 2:
        return nan
    variance = (squares - total * total / n) / (n - 1)
    return total / n / sqrt(variance) if variance > 0.0 else nan


def ratios(sums: Any, n: int) -> tuple[float, float]:
    """(Sharpe ratio of a bar, drawdown) of ``n`` returns; the sums are those of a bare loop."""
    return sharpe(float(sums[1]), float(sums[2]), n), float(sums[3])


def market(workload: Workload, n_bars: int, seed: int = 1) -> Bars:
    """Mean-reverting walks with gaps, the same for every engine.

    Prices have six decimals, so that two averages are never equal: engines that sum in another
    order then still decide alike.
    """
    from scipy.signal import lfilter

    rng = np.random.default_rng(seed)
    shape = (n_bars, workload.n_symbols)
    vol = workload.volatility * np.exp(rng.normal(0, 0.4, workload.n_symbols))
    if workload.n_symbols == 1:
        vol[:] = workload.volatility
    close = lfilter([1.0], [1.0, workload.pull - 1.0], rng.normal(0, 1, shape) * vol, axis=0)
    close = np.round(100.0 * np.exp(close), 6)
    open_ = np.vstack([close[:1], close[:-1]]) * np.exp(rng.normal(0, 0.2, shape) * vol)
    open_ = np.round(open_, 6)
    wick = np.abs(rng.normal(0, 0.5, shape)) * vol
    high = np.round(np.maximum(open_, close) * (1 + wick), 6)
    low = np.round(np.minimum(open_, close) * (1 - wick), 6)
    return Bars(clock(workload, n_bars), open_, high, low, close, np.full(shape, 1e6))


def clock(workload: Workload, n_bars: int) -> Any:
    """Closes of the bars: every minute, or midnight after each working day."""
    first = START.astype("datetime64[ns]").astype(np.int64)
    if workload.bar_ns < DAY_NS:
        return first + np.arange(1, n_bars + 1, dtype=np.int64) * workload.bar_ns
    days = np.busday_offset(START, np.arange(n_bars), roll="forward")
    return days.astype("datetime64[ns]").astype(np.int64) + DAY_NS


def settings(n: int) -> list[tuple[int, int]]:
    """``n`` pairs of a fast and a slow window; 1,000 are 25 fast by 40 slow ones."""
    every = [(fast, slow) for fast in range(5, 30) for slow in range(40, 200, 4)]
    return every[:: max(1, len(every) // n)][:n]


def month_begins(ts: Any) -> Any:
    """Rows of the first bars of calendar months after which there is a bar to trade on."""
    months = (ts - 1).astype("datetime64[ns]").astype("datetime64[M]")
    return np.flatnonzero(months[1:-1] != months[:-2]) + 1


def momentum_targets(bars: Bars) -> Iterator[tuple[int, Any]]:
    """(row, weights) of each new month: the tenth with the best return of a year but a month."""
    n_top = max(1, int(bars.shape[1] * TOP))
    for row in month_begins(bars.ts):
        if row >= LOOKBACK:
            gain = bars.close[row - SKIP] / bars.close[row - LOOKBACK]
            weights = np.zeros(bars.shape[1])
            weights[np.argpartition(-gain, n_top - 1)[:n_top]] = INVESTED / n_top
            yield int(row), weights


def volatility_targets(bars: Bars) -> Iterator[tuple[int, Any]]:
    """(row, weights) of each new month: in inverse proportion to the volatility of a quarter."""
    for row in month_begins(bars.ts):
        if row >= VOL_LOOKBACK:
            closes = bars.close[row - VOL_LOOKBACK : row + 1]
            inverse = 1.0 / (closes[1:] / closes[:-1]).std(axis=0, ddof=1)
            yield int(row), INVESTED * inverse / inverse.sum()


TARGETS = {"C": momentum_targets, "D": volatility_targets}


def save(path: Path, bars: Bars) -> None:
    """Write bars where another environment can read them."""
    np.savez(path, **bars._asdict())


def load(path: Path) -> Bars:
    """Read what :func:`save` wrote."""
    with np.load(path) as file:
        return Bars(*(file[name] for name in Bars._fields))

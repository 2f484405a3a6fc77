"""Jumps from a close to the next open: splits nobody adjusted for, misplaced points, and news."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tradewind.engine.bars.adjusting import SPLIT
from tradewind.engine.feeds.history import Severity
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.records import Floats

JUMP = float(np.log(1.45))
RATIOS = np.array([1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 30, 40, 50, 100])
TOLERANCE = 0.05  # of the log ratio; the market moves on the day of a split too
QUIET_TURNOVER = 3.0  # times the median of the bars before; a crash of that size trades more
QUIET_RANGE = 4.0  # times their median range
SURPRISE = 6.0  # times their volatility
ROBUST = 1.4826  # median absolute return to standard deviation, for normal returns
LOOKBACK, FEWEST = 20, 6
SPIKE_BARS, RETURNED = 3, 0.1  # back within so many bars, up to this part of the way
MOST = 1_000

UNMOVED = 0.25  # part of a split's log ratio that the price may move where it was adjusted already

Kind = Literal["split_like", "split_unseen", "spike", "jump"]


@dataclass(frozen=True, slots=True)
class Jump:
    """From one close to the next open; ``row`` is the bar that opens, of ``n_rows`` concerned."""

    row: int
    kind: Kind
    severity: Severity
    message: str
    n_rows: int = 1


def jumps(bars: RawBars) -> list[Jump]:
    """Moves of 45 percent and more between a close and the next open, oldest first.

    A spike goes there and back within three bars. A split is suspected where the ratio is a usual
    one within 5 percent, six times the volatility before, and the bar is otherwise an ordinary one:
    turnover in currency under three times, range under four times what they were. ``docs/data.md``
    says how often that is right. A split that the bars' actions name is no jump, and one that they
    name where the price stays is found as well.

    Parameters
    ----------
    bars : RawBars
        In order of time, prices positive.
    """
    sizes = _sizes(bars)
    rows = np.flatnonzero(np.abs(sizes) > JUMP)[:MOST].tolist()
    found, k = [], 0
    while k < len(rows):
        back = _way_back(sizes, rows[k:])
        if _unseen(bars, rows[k]):
            found.append(_named_only(bars, rows[k]))
            back = 0
        elif back:
            found.append(_spike(bars, rows[k], rows[k + back]))
        else:
            found.append(_judge(bars, rows[k], float(sizes[rows[k]])))
        k += back + 1
    return found


def _sizes(bars: RawBars) -> Floats:
    """Log of each open over the close before it in the same units, zero for the first."""
    with np.errstate(over="ignore", divide="ignore"):
        steps = np.log(bars.open[1:]) - np.log(bars.close[:-1]) + np.log(_splits(bars)[1:])
    return np.concatenate([[0.0], steps])[: len(bars.ts)]


def _splits(bars: RawBars) -> Floats:
    """New units per old at each bar, as far as anybody said."""
    return bars.columns.get(SPLIT, np.ones(len(bars.ts)))


def _unseen(bars: RawBars, i: int) -> bool:
    """Whether the actions name a split at a bar whose price does not move by it."""
    ratio = abs(float(np.log(_splits(bars)[i])))
    moved = abs(float(np.log(bars.open[i] / bars.close[i - 1])))
    return ratio > 0 and moved < UNMOVED * ratio


def _named_only(bars: RawBars, i: int) -> Jump:
    says = (
        f"the actions name a split of {_spoken(float(_splits(bars)[i]))}, but it opens at "
        f"{bars.open[i]:g} after a close of {bars.close[i - 1]:g}: are the prices adjusted already?"
    )
    return Jump(i, "split_unseen", "refuse", says)


def _spoken(ratio: float) -> str:
    return f"{ratio:g} for 1" if ratio >= 1 else f"1 for {1 / ratio:g}"


def _way_back(sizes: Floats, rows: Sequence[int]) -> int:
    """How many jumps later the price is back where it was, 0 if it stays."""
    start, total = rows[0], 0.0
    for k, row in enumerate(rows):
        if row - start > SPIKE_BARS:
            break
        total += float(sizes[row])
        if k and abs(total) < RETURNED * abs(float(sizes[start])):
            return k
    return 0


def _spike(bars: RawBars, first: int, stop: int) -> Jump:
    n = stop - first
    factor = bars.open[first] / bars.close[first - 1]
    which = "one bar stands" if n == 1 else f"{n} bars stand"
    says = f"{which} at {factor:.3g} times the bars around; correct or remove them in the source"
    return Jump(first, "spike", "refuse", says, n)


def _judge(bars: RawBars, i: int, log_ratio: float) -> Jump:
    size = abs(log_ratio)
    usual = float(RATIOS[np.abs(np.log(RATIOS) - size).argmin()])
    split = float(_splits(bars)[i])
    beside = "" if split == 1 else f" and a split of {_spoken(split)}"
    moved = f"opens at {bars.open[i]:g} after a close of {bars.close[i - 1]:g}{beside}"
    if abs(size - np.log(usual)) > TOLERANCE or not _calm(bars, i, size):
        return Jump(i, "jump", "notice", f"{moved}; large, but not like a split")
    kind = _spoken(usual if log_ratio < 0 else 1 / usual)
    if np.isnan(bars.volume[i]):
        says = f"{moved}: like a split {kind}, but without volume a crash looks the same"
        return Jump(i, "split_like", "notice", says)
    cure = (
        "add it to the actions" if SPLIT in bars.columns else "use adjusted prices or data.actions"
    )
    says = f"{moved}: like a split {kind} not adjusted for; {cure}"
    return Jump(i, "split_like", "refuse", says)


def _calm(bars: RawBars, i: int, size: float) -> bool:
    """Whether the bar is ordinary but for the jump."""
    before = slice(max(0, i - LOOKBACK), i)
    if i < FEWEST:
        return False
    vol = ROBUST * float(np.median(np.abs(np.diff(np.log(bars.close[before])))))
    span = np.log(bars.high[before] / bars.low[before])
    today = float(np.log(bars.high[i] / bars.low[i]))
    if size < SURPRISE * vol or today > QUIET_RANGE * max(float(np.median(span)), 0.01):
        return False
    turnover = bars.close[before] * bars.volume[before]
    return not bars.close[i] * bars.volume[i] > QUIET_TURNOVER * float(np.median(turnover))

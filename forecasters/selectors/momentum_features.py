"""The 33 inputs of Takeuchi and Lee (2013): a year by months, a month by days, and January.

At the end of month t: the twelve cumulative returns over months t - 13 to t - 2, the twenty over
the last twenty days, each measured against the other symbols of that date, and whether the month
in which the portfolio is held is a January.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from tradewind.engine.bars.formation import period_of
from tradewind.engine.errors import ForecastError
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.forecasters.selectors.formation import formation_bars, last_known, rankable

Monthly = Literal["month", "month_end"]

MONTHS, DAYS = 12, 20
OLDEST = 14  # month ends before a formation that the first return begins at
FEWEST_NAMES = 5  # a z-score against fewer says who the others are
MOST_GAPS = 5  # of the last 21 bars
JANUARY = 0  # months since 1970, modulo 12
NAMES = (
    *(f"month_{k}" for k in range(13, 1, -1)),
    *(f"day_{k}" for k in range(1, DAYS + 1)),
    "january",
)
FEWEST_BARS = 31 * (OLDEST + 1)  # of history: no month has more than 31 days


@dataclass(frozen=True, slots=True)
class MonthlyInputs:
    """Inputs of every formation.

    Attributes
    ----------
    bars : ndarray of int64, shape (n_formations,)
    x : ndarray of float64, shape (n_formations, n_symbols, 33)
        z-scores across symbols, and 0 or 1 in the last column; NaN in all where a symbol cannot be
        ranked.
    left_out : mapping of str to int
        Why formations and symbols were left out, and how often.
    """

    bars: Ints
    x: Floats
    left_out: Mapping[str, int] = field(default_factory=dict)


def monthly_inputs(panel: Panel, every: Monthly = "month_end", *, first: int = 0) -> MonthlyInputs:
    """Inputs at the end of each month, or at the first close of the next.

    Parameters
    ----------
    panel : Panel
        Daily bars, adjusted for splits and dividends.
    every : "month_end" or "month"
        The last bar of a month where a calendar tells it in advance, or the first of the next.
    first : int
        Formations at earlier bars are NaN.

    Raises
    ------
    ForecastError
        If the bars are not those of days.

    Notes
    -----
    A month has 19 to 23 days: the twenty are always the last twenty, counted from the close before
    them, so a long month's first days are left out and a short one's neighbour lends some. Left out
    is a symbol that was not traded in one of the months, lacks more than 5 of the last 21 bars, or
    is not eligible; a single missing bar counts as unchanged. A date with fewer than 5 symbols, or
    one on which all are alike in an input, is left out whole. The month t - 1 stands in no input
    but through its last days, as in the paper.

    References
    ----------
    Takeuchi and Lee (2013), "Applying deep learning to enhance momentum trading strategies in
    stocks".
    """
    if panel.interval != "1d":
        raise ForecastError(
            f"momentum inputs: bars of {panel.interval}; wanted daily bars: data.resample: 1d"
        )
    bars = formation_bars(panel, every)
    x = np.full((len(bars), panel.n_symbols, len(NAMES)), np.nan)
    counts = {"too little history": 0, "gaps": 0, "too few symbols": 0, "all alike": 0}
    known = last_known(panel.close)
    traded = np.cumsum(~np.isnan(panel.close), axis=0)
    for k in range(OLDEST, len(bars)):
        if bars[k] < max(DAYS, first):
            continue
        usable = rankable(panel, bars[k : k + 1])[0]
        held = traded[bars[k - OLDEST : k + 1]]
        young = usable & ~((np.diff(held, axis=0) > 0).all(axis=0) & (held[0] > 0))
        usable &= ~young
        missing = DAYS - (traded[bars[k]] - traded[bars[k] - DAYS])
        gaps = usable & ((missing > MOST_GAPS) | np.isnan(known[bars[k] - DAYS]))
        usable &= ~gaps
        counts["too little history"] += int(young.sum())
        counts["gaps"] += int(gaps.sum())
        if usable.sum() < FEWEST_NAMES:
            counts["too few symbols"] += bool(usable.any())
            continue
        rows = _returns(known, bars, k)[:, usable]
        spread = rows.std(axis=1, keepdims=True)
        if not (spread > 0).all():
            counts["all alike"] += 1
            continue
        x[k, usable, :-1] = ((rows - rows.mean(axis=1, keepdims=True)) / spread).T
        x[k, usable, -1] = float(_holds_january(panel, int(bars[k]), every))
    return MonthlyInputs(bars, x, {why: n for why, n in counts.items() if n})


def _returns(known: Floats, bars: Ints, k: int) -> Floats:
    """Cumulative returns of one formation, shape (32, n_symbols): the months, then the days."""
    monthly = known[bars[k - OLDEST : k - 1]]  # month ends t - 14 to t - 2
    daily = known[bars[k] - DAYS : bars[k] + 1]
    parts = [part[1:] / part[0] - 1.0 for part in (monthly, daily)]
    return np.concatenate(parts)


def _holds_january(panel: Panel, bar: int, every: Monthly) -> bool:
    """Whether the portfolio formed at a bar is held through a January."""
    day = panel.dates[bar : bar + 1]
    return bool((period_of(day, "month")[0] + (every == "month_end")) % 12 == JANUARY)

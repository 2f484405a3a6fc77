"""One pair on one sheet: prices, spread and trades, hedge, reversion, p-value, result by leg."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.explanation import Curves, Line, Mark, Sheet
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.strategies.pairing.cointegration import engle_granger
from tradewind.strategies.pairing.forming import Formed
from tradewind.strategies.pairing.hedge import fitted
from tradewind.strategies.pairing.reversion import half_life
from tradewind.strategies.pairing.settings import Plan
from tradewind.strategies.pairing.trades import PairTrade
from tradewind.strategies.pairing.trading import PairParams

MOST_ROWS = 900  # of a picture
TESTS = 120  # points of the curves that need a window each


class Whole(NamedTuple):
    """A pair over all its trading periods, (n_bars,); NaN outside them."""

    spread: Floats
    mean: Floats
    deviation: Floats
    ratio: Floats  # units of the spread's kind of the second leg
    first: int
    stop: int


def pair_sheet(
    name: str,
    pair: tuple[int, ...],
    formed: Sequence[Formed],
    trades: Sequence[PairTrade],
    panel: Panel,
    plan: Plan,
    params: PairParams,
) -> Sheet:
    """Sheet of one pair.

    Parameters
    ----------
    name : str
    pair : tuple of int
        Columns of its legs.
    formed : sequence of Formed
        Those in which it is, among others.
    trades : sequence of PairTrade
        Of all pairs.
    panel : Panel
    plan : Plan
    params : PairParams
    """
    whole = _whole(pair, formed, panel.n_bars)
    own = [one for one in trades if one.columns == pair]
    rows = _rows(whole, own)
    close = forward_adjusted(panel).close[:, list(pair)]
    pictures = [
        _prices(name, close, rows, panel, pair),
        _spread(whole, own, rows, panel, plan, params),
        Curves(
            "Hedge ratio", f"Units of the second leg for one of {name}'s first, over time.",
            panel.ts[rows], [Line("second leg per first", -whole.ratio[rows], "strategy")],
            height=160,
        ),
        *_tested(close, whole, panel, plan),
        _result(own, close, rows, panel),
    ]  # fmt: skip
    net, cost = sum(one.net for one in own), sum(one.cost for one in own)
    won = sum(one.net > 0 for one in own)
    return Sheet(
        name,
        [f"{len(own)} trades, {won} won; {net:,.2f} after costs of {cost:,.2f}."],
        pictures,
    )


def _whole(pair: tuple[int, ...], formed: Sequence[Formed], n_bars: int) -> Whole:
    columns = [np.full(n_bars, np.nan) for _ in range(4)]
    first, stop = n_bars, 0
    for one in formed:
        if pair not in one.pairs:
            continue
        i, n = one.pairs.index(pair), one.n_formation - 1
        rows = slice(one.bar, one.stop)
        told = one.told
        for column, values in zip(
            columns,
            (told.spread, told.mean, told.deviation, told.coefficient[:, :, 1]),
            strict=True,
        ):
            column[rows] = values[n:, i]
        first, stop = min(first, one.first), max(stop, one.stop)
    spread, mean, deviation, ratio = columns
    return Whole(spread, mean, deviation, ratio, first, stop)


def _rows(whole: Whole, own: Sequence[PairTrade]) -> Ints:
    """Rows that are drawn: an even part of all, and those at which something was decided."""
    span = max(whole.stop - whole.first, 1)
    even = np.linspace(whole.first, max(whole.stop - 1, whole.first), min(span, MOST_ROWS))
    marked = [bar for one in own for bar in (one.opened, one.closed) if bar >= 0]
    return np.unique(np.concatenate([even.round().astype(np.int64), np.array(marked, np.int64)]))


def _prices(name: str, close: Floats, rows: Ints, panel: Panel, pair: tuple[int, ...]) -> Curves:
    drawn = close[rows]
    begin = np.array([column[~np.isnan(column)][:1].sum() or np.nan for column in drawn.T])
    lines = [
        Line(panel.symbols[k], drawn[:, j] / begin[j], "strategy" if j == 0 else "benchmark")
        for j, k in enumerate(pair)
    ]
    return Curves(
        "Prices", f"Prices of {name}, 1 at the beginning.", panel.ts[rows], lines,
        note="Adjusted for splits and dividends, 1 at the beginning of the first formation.",
    )  # fmt: skip


def _spread(
    whole: Whole,
    own: Sequence[PairTrade],
    rows: Ints,
    panel: Panel,
    plan: Plan,
    params: PairParams,
) -> Curves:
    """Spread with the levels at which a pair opens; where a copula decides, without them."""
    lines = [Line("spread", whole.spread[rows], "strategy")]
    if plan.spread.kind != "copula":
        reach = params.entry * whole.deviation
        lines += [
            Line("mean", whole.mean[rows], "benchmark"),
            Line("opens above", (whole.mean + reach)[rows], "loss"),
            Line("opens below", (whole.mean - reach)[rows], "loss"),
        ]
    place = {int(bar): i for i, bar in enumerate(rows)}
    marks = []
    for one in own:
        side = "bought" if one.side > 0 else "sold"
        marks.append(
            _mark(place, one.opened, whole, f"{side} at {one.signal_in:.2f}", one.side > 0)
        )
        if one.closed >= 0:
            marks.append(_mark(place, one.closed, whole, one.why, one.side < 0))
    return Curves(
        "Spread, bands and trades", "The spread, where it opens, and every decision.",
        panel.ts[rows], lines, [mark for mark in marks if mark is not None],
        note="Triangles: the spread is bought (up) or sold (down), to open or to close.",
        height=300,
    )  # fmt: skip


def _mark(place: dict[int, int], bar: int, whole: Whole, text: str, up: bool) -> Mark | None:
    value = float(whole.spread[bar])
    return None if np.isnan(value) else Mark(place[bar], value, text, up)


def _tested(close: Floats, whole: Whole, panel: Panel, plan: Plan) -> list[Curves]:
    """Half-life and p-value of the last formation's length of bars, at points over time."""
    n = plan.calendar.formation
    last = np.unique(np.linspace(whole.first + n - 1, whole.stop - 1, TESTS).round().astype(int))
    last = last[last >= n - 1]
    lives, p = np.full(len(last), np.nan), np.full(len(last), np.nan)
    for i, bar in enumerate(last):
        window = close[bar - n + 1 : bar + 1, :2]
        window = window[~np.isnan(window).any(axis=1)]
        if len(window) < 30 or (plan.spread.log and (window <= 0).any()):
            continue
        prices = np.log(window) if plan.spread.log else window
        line = fitted(prices[:, :1], prices[:, 1:])
        lives[i] = half_life(prices[:, :1] - line.slope * prices[:, 1:] - line.intercept)[0]
        p[i] = engle_granger(prices, [(0, 1)]).p_value[0]
    ts = panel.ts[last]
    lives = np.where(np.isfinite(lives) & (lives < 5 * n), lives, np.nan)
    return [
        Curves(
            "Half-life, bars", "Bars in which the spread came back half the way, over time.", ts,
            [Line("half-life", lives, "strategy")], height=160,
            note=f"Of the first two legs, over the last {n} bars; nothing is drawn where it does "
            "not come back.",
        ),
        Curves(
            "p-value", "Engle-Granger p-value of the last bars, over time.", ts,
            [Line("p-value", p, "strategy"), Line("5 %", np.full(len(last), 0.05), "loss")],
            height=160,
        ),
    ]  # fmt: skip


def _result(own: Sequence[PairTrade], close: Floats, rows: Ints, panel: Panel) -> Curves:
    """Result by leg and costs, cumulated at the close of each trade."""
    n_bars = len(close)
    first, other, cost = np.zeros(n_bars), np.zeros(n_bars), np.zeros(n_bars)
    for one in own:
        bar = one.closed if one.closed >= 0 else n_bars - 1
        first[bar] += one.earned[0]
        other[bar] += sum(one.earned[1:])
        cost[bar] += one.financing - one.cost
    a, b, c = (np.cumsum(column) for column in (first, other, cost))
    return Curves(
        "Result by leg and costs", "What each leg earned and all costs, cumulated.",
        panel.ts[rows],
        [
            Line("net", (a + b + c)[rows], "strategy"),
            Line("first leg", a[rows]),
            Line("other legs", b[rows]),
            Line("costs and financing", c[rows]),
        ],
        format="money", note="Counted when a trade closes.",
    )  # fmt: skip

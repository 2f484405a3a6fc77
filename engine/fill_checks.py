"""What every fill is held to beside the books: its time, its bar's range, the cash it leaves.

Section 12 of docs/broker-rules.md. Work grows with the fills and not with the bars, and nothing is
taken from the simulators: the prices are worked out anew from the data and the costs.
"""

from typing import NamedTuple

import numpy as np

from tradewind.engine.costs import ON_TICK, Costs
from tradewind.engine.errors import InvariantError
from tradewind.engine.quotes import has_quotes
from tradewind.engine.records import Floats, Ints, Panel, Records, label
from tradewind.engine.series import Series
from tradewind.engine.types import Happening, OrderType, Reason

ROUNDING = 1e-9  # relative, of a price
FORCED = (Reason.DELISTED, Reason.LIQUIDATED, Reason.RECALLED)  # made on the bar they fill on
BUG = "this is a bug of tradewind, please report it with the run folder"


class Rules(NamedTuple):
    """What fills are held to under ``rules: tradewind``."""

    costs: Costs
    tick: Series  # price grid, 0 = none
    cash_only: bool  # no purchase may leave cash below zero


class Made(NamedTuple):
    """Fills and what their bars allow, shape (n_fills,)."""

    bar: Ints
    price: Floats
    quote: Floats
    side: Floats  # +1 where bought
    low: Floats  # of the side's own bar
    high: Floats
    worst: Floats  # the quote with all slippage, on the tick


def check_times(orders: Records, fills: Records, panel: Panel) -> None:
    """Refuse fills at or before the decision; forced orders are made on the bar they fill on.

    Raises
    ------
    InvariantError
        Naming the first such fill.
    """
    if not len(fills):
        return
    decided = orders["bar"][fills["order"]]
    early = fills["bar"] <= decided
    if not early.any():
        return
    early &= (fills["bar"] < decided) | ~np.isin(orders["reason"][fills["order"]], FORCED)
    if early.any():
        i = int(np.flatnonzero(early)[0])
        raise InvariantError(
            f"ledger: fill {i} is on bar {fills['bar'][i]}, its order was decided at the close of "
            f"bar {decided[i]} ({label(panel.ts[decided[i]])}); {BUG}"
        )


def check_prices(
    orders: Records, fills: Records, events: Records, panel: Panel, rules: Rules
) -> None:
    """Refuse fills that their bar or their order does not allow.

    The quote must lie in the range of the side's own bar; the price must not be better than the
    quote, nor worse than slippage and tick explain; an order with a limit must keep to it. A
    symbol that leaves the data is sold at a price of its own (section 1, step 10) and is left out,
    and so is a bar without a range.

    Raises
    ------
    InvariantError
        Naming the first such fill.
    """
    if not len(fills):
        return
    made = _columns(fills, rules, panel)
    bars, price, quote, side = made.bar, made.price, made.quote, made.side
    order = fills["order"].copy()
    kind = orders["order_type"][order]
    limit, worst = made.worst, made.worst  # of market orders, which have no limit
    if kind.any():
        worst = np.where(kind == OrderType.LIMIT, quote, worst)
        limit = orders["limit"][order]
    slack = ROUNDING * quote
    wrong = (quote < made.low - slack) | (quote > made.high + slack)
    against = side * price
    wrong |= (against < side * quote - slack) | (against > side * worst + slack)
    if kind.any() and not (events["kind"] == Happening.SPLIT).any():  # it changes limits afterwards
        wrong |= against > side * limit + slack
    if not wrong.any():
        return
    wrong &= (orders["reason"][order] != Reason.DELISTED) | (orders["bar"][order] != bars)
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        raise InvariantError(
            f"ledger: fill {i} of {panel.symbols[fills['symbol'][i]]} on bar {bars[i]} "
            f"({label(panel.ts[bars[i]])}) is at {float(price[i])!r}, quoted "
            f"{float(quote[i])!r}; its side's bar ran from {float(made.low[i])!r} to "
            f"{float(made.high[i])!r}, the worst price of its order was "
            f"{_worst(float(worst[i]), float(limit[i]), float(side[i]))!r}; {BUG}"
        )


def _worst(slipped: float, limit: float, side: float) -> float:
    """Worst price an order allows."""
    return slipped if limit != limit or side * (limit - slipped) > 0.0 else limit


def _columns(fills: Records, rules: Rules, panel: Panel) -> Made:
    """Prices of fills beside those their bars allow."""
    bar, column, qty = fills["bar"].copy(), fills["symbol"].copy(), fills["qty"].copy()
    price, quote = fills["price"].copy(), fills["quote"].copy()
    side = np.sign(qty)
    low, high = _range(panel, rules.costs, bar, column, side)
    rate: float | Floats = rules.costs.slippage
    if rules.costs.impact > 0.0:
        volume = panel.volume[bar, column]
        known = np.where(volume > 0.0, volume, np.inf)  # without a volume there is no impact
        rate = rate + rules.costs.impact * np.sqrt(np.abs(qty) / known)
    worst = quote * (1.0 + side * rate) + side * _taken(rules.costs.slippage_fixed, bar, column)
    tick = _taken(rules.tick, bar, column)
    gridded = np.asarray(tick > 0.0)
    if gridded.any():
        steps = np.ceil(side * worst / np.where(gridded, tick, 1.0) - ON_TICK)
        worst = np.where(gridded, side * steps * tick, worst)
    return Made(bar, price, quote, side, low, high, worst)


def _range(
    panel: Panel, costs: Costs, bars: Ints, columns: Ints, side: Floats
) -> tuple[Floats, Floats]:
    """(low, high) of the ask where ``side`` is +1 and of the bid where it is -1, by fill."""
    at = bars, columns
    if has_quotes(panel.columns):
        buys, given = side > 0.0, panel.columns
        low = np.where(buys, given["ask_low"][at], given["bid_low"][at])
        return low, np.where(buys, given["ask_high"][at], given["bid_high"][at])
    away = 1.0 + side * (_taken(costs.half_spread, bars, columns) * costs.spread_scale)
    return panel.low[at] * away, panel.high[at] * away


def check_cash(start: float, equity: Floats, fills: Records, events: Records, panel: Panel) -> None:
    """Refuse a purchase that leaves the cash of a cash account below zero.

    A sale may do that: nobody is kept from closing a position by a fee larger than its value.

    Raises
    ------
    InvariantError
        Naming the first such fill.
    """
    paid = fills["qty"] * fills["price"] * fills["fx"] + fills["fee"]
    moves = events[events["kind"] <= Happening.DIVIDEND]  # on their bar before all fills
    told = np.append(0.0, np.cumsum(moves["amount"]))
    received = told[np.searchsorted(moves["bar"], fills["bar"], "right")]
    cash = start + received - np.cumsum(paid)
    slack = ROUNDING * np.maximum(np.abs(equity[fills["bar"]]), start)
    wrong = (fills["qty"] > 0.0) & (cash < -slack)
    if wrong.any():
        i = int(np.flatnonzero(wrong)[0])
        raise InvariantError(
            f"ledger: fill {i}, which buys {panel.symbols[fills['symbol'][i]]} on bar "
            f"{fills['bar'][i]} ({label(panel.ts[fills['bar'][i]])}), leaves the cash account "
            f"{float(cash[i])!r}; {BUG}"
        )


def _taken(values: Series, bars: Ints, columns: Ints) -> Floats:
    """Values of a series at each fill; of a constant one number for all."""
    if not (values.by_bar or values.by_symbol):
        return values.values[0]  # type: ignore[no-any-return]
    found: Floats = values.values[bars * values.by_bar, columns * values.by_symbol]
    return found

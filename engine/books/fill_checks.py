"""What every fill is held to beside the books: its time, its bar's range, the cash it leaves.

Section 12 of docs/broker-rules.md. Work grows with the fills and not with the bars, and nothing is
taken from the simulators: the prices are worked out anew from the data and the costs.
"""

from math import ceil, sqrt
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import compiled, lean
from tradewind.engine.costs import ON_TICK, Costs
from tradewind.engine.errors import InvariantError
from tradewind.engine.intents import LIMIT
from tradewind.engine.quotes import has_quotes
from tradewind.engine.records import Bools, Floats, Panel, Records, label
from tradewind.engine.series import Series, at
from tradewind.engine.types import Happening, Reason

ROUNDING = 1e-9  # relative, of a price
FORCED = (
    int(Reason.DELISTED),
    int(Reason.LIQUIDATED),
    int(Reason.RECALLED),
)  # made on the bar they fill on
LEFT = FORCED[0]
BUG = "this is a bug of tradewind, please report it with the run folder"


class Rules(NamedTuple):
    """What fills are held to under ``rules: tradewind``."""

    costs: Costs
    tick: Series  # price grid, 0 = none
    cash_only: bool  # no purchase may leave cash below zero


class Sides(NamedTuple):
    """Range of what a seller and a buyer see of each bar, shape (n_bars, n_symbols)."""

    quoted: int  # 1 where bid and ask are bars of their own, 0 where the spread makes them
    bid_low: Any
    bid_high: Any
    ask_low: Any
    ask_high: Any


def check_times(orders: Records, fills: Records, panel: Panel) -> None:
    """Refuse fills at or before the decision; forced orders are made on the bar they fill on.

    Raises
    ------
    InvariantError
        Naming the first such fill.
    """
    i = compiled(first_early)(fills, orders)
    if i >= 0:
        decided = orders["bar"][fills["order"][i]]
        raise InvariantError(
            f"ledger: fill {i} is on bar {fills['bar'][i]}, its order was decided at the close of "
            f"bar {decided} ({label(panel.ts[decided])}); {BUG}"
        )


@lean
def first_early(fills: Any, orders: Any) -> int:
    """First fill that its order does not allow so soon, or -1; in the subset numba compiles."""
    for i in range(len(fills)):
        order = orders[fills[i]["order"]]
        waited = fills[i]["bar"] - order["bar"]
        if waited < 0 or (waited == 0 and order["reason"] not in FORCED):
            return i
    return -1


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
    known = _limits_known(orders, fills, events, panel.n_symbols)
    i, low, high, worst = compiled(first_wrong)(
        fills, orders, _sides(panel), panel.volume, rules.costs, rules.tick, known
    )
    if i >= 0:
        fill = fills[i]
        raise InvariantError(
            f"ledger: fill {i} of {panel.symbols[fill['symbol']]} on bar {fill['bar']} "
            f"({label(panel.ts[fill['bar']])}) is at {float(fill['price'])!r}, quoted "
            f"{float(fill['quote'])!r}; its side's bar ran from {low!r} to {high!r}, the worst "
            f"price of its order was {worst!r}; {BUG}"
        )


def _limits_known(orders: Records, fills: Records, events: Records, n_symbols: int) -> Bools:
    """Whether an order's limit, as it ended, is the one each fill had, shape (n_fills,).

    A split changes the limits of what works; an order that was filled had no split after it.
    """
    splits = events[events["kind"] == Happening.SPLIT]
    if not len(splits):
        return np.ones(len(fills), np.bool_)
    last_split = np.full(n_symbols, -1)
    np.maximum.at(last_split, splits["symbol"], splits["bar"])
    rows = np.arange(len(fills))
    last_fill = np.full(len(orders), -1)
    last_fill[fills["order"]] = rows
    ended = orders["reason"][fills["order"]] == Reason.FILLED
    ended &= last_fill[fills["order"]] == rows
    return np.asarray(ended | (last_split[fills["symbol"]] <= fills["bar"]))


def _sides(panel: Panel) -> Sides:
    if has_quotes(panel.columns):
        names = ("bid_low", "bid_high", "ask_low", "ask_high")
        return Sides(1, *(panel.columns[name] for name in names))
    return Sides(0, panel.low, panel.high, panel.low, panel.high)


@lean
def first_wrong(
    fills: Any, orders: Any, sides: Sides, volume: Any, costs: Costs, tick: Series, limits: Any
) -> Any:
    """(first fill that is not allowed or -1, low and high of its side's bar, its worst price).

    In the subset numba compiles; ``limits`` marks the fills that their order's limit is held to.
    """
    for i in range(len(fills)):
        fill = fills[i]
        order = orders[fill["order"]]
        t, k = max(fill["bar"], 0), max(fill["symbol"], 0)
        buys, quote, price = fill["qty"] > 0.0, fill["quote"], fill["price"]
        side = 1.0 if buys else -1.0
        low = sides.ask_low[t, k] if buys else sides.bid_low[t, k]
        high = sides.ask_high[t, k] if buys else sides.bid_high[t, k]
        if not sides.quoted:
            away = 1.0 + side * at(costs.half_spread, t, k) * costs.spread_scale
            low, high = low * away, high * away
        worst = quote
        if order["order_type"] != LIMIT:
            rate = costs.slippage
            if costs.impact > 0.0 and volume[t, k] > 0.0:  # without a volume there is no impact
                rate += costs.impact * sqrt(abs(fill["qty"]) / volume[t, k])
            worst = quote * (1.0 + side * rate) + side * at(costs.slippage_fixed, t, k)
            grid = at(tick, t, k)
            if grid > 0.0:
                worst = side * ceil(side * worst / grid - ON_TICK) * grid
        limit = order["limit"]
        if limits[i] and side * (worst - limit) > 0.0:
            worst = limit
        slack = ROUNDING * quote
        wrong = quote < low - slack or quote > high + slack
        wrong = wrong or side * (price - quote) < -slack or side * (price - worst) > slack
        left = order["reason"] == LEFT and order["bar"] == fill["bar"]
        if wrong and not left:
            return i, low, high, worst
    return -1, 0.0, 0.0, 0.0


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

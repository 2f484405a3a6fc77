"""What the simulator reads and what it changes, as tuples of arrays and numbers numba can take."""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.costs import Costs
from tradewind.engine.intents import INTENT
from tradewind.engine.records import DAY_NS, Panel
from tradewind.engine.sizing import Sizing

WORKING, FILLED, PARTLY, REBALANCED, NO_CASH, NO_LEVERAGE, TOO_SMALL, DELISTED, OVER, NO_SIZE = (
    range(10)  # tradewind.engine.types.Reason, as plain numbers
)
FINE, NAN_WEIGHT, BAD_SYMBOL, TOO_MANY, ASKED_TWICE, NO_ROOM, NOT_MARKET = range(7)
CASH, BORROWED = range(2)  # places in State.money
ORDERS, FILLS, OPEN, HELD, BAR, CODE, SYMBOL = range(7)  # places in State.count
MIN_PART = 1e-6  # of an order: what the cap leaves below this is rounding of large sums, not room
EPS = 1e-12  # relative slack on the leverage cap: rounding must not cut an order that just fits


class Market(NamedTuple):
    """What the loop reads; arrays of shape (n_bars, n_symbols) unless stated."""

    ts: Any  # (n_bars,) close of each bar, UTC nanoseconds
    midnight: int  # 1 where a bar that closes at midnight belongs to the day that ends there
    open: Any
    close: Any
    volume: Any
    ends: Any  # (n_symbols,) last bar of a symbol that stops trading, else -1
    leaves: Any  # (n_bars,) whether any symbol's last bar is this one


class Account(NamedTuple):
    """Cash at the start and what may be done with it."""

    cash: float
    max_leverage: float
    reject: bool  # an order that cannot be paid in full is refused instead of scaled
    delisting_return: float


class Terms(NamedTuple):
    """What every order is sized, priced and checked with."""

    costs: Costs
    sizing: Sizing
    account: Account
    vol: Any  # (n_bars, n_symbols) of one bar, causal; (1, 1) and unread without a target


class State(NamedTuple):
    """Everything that changes while a run goes on, as arrays, so that a step can be resumed."""

    qty: Any  # (n_symbols,) signed units held
    held: Any  # (n_symbols,) columns with a position, sorted, the first count[HELD] of them
    working: Any  # (2 n_symbols,) orders on the market, oldest first; a reversal is two orders
    asked: Any  # (n_symbols,) units each intent of this bar means
    named: Any  # (n_symbols,) last bar at which the rule named a column
    intents: Any  # (n_symbols,) INTENT
    equity: Any  # (1,) at the last close
    money: Any  # (2,) cash, borrow paid on this bar
    count: Any  # (7,) see ORDERS ... SYMBOL
    equity_curve: Any  # (n_bars,) at each close: all else can be folded from the fills
    borrow_curve: Any  # (n_bars,) currency paid on each bar


def market_of(panel: Panel) -> Market:
    """Arrays of a panel as the loop reads them."""
    leaves = np.zeros(panel.n_bars, np.bool_)
    leaves[panel.ends[panel.ends >= 0]] = True
    return Market(
        panel.ts, int(panel.daily), panel.open, panel.close, panel.volume, panel.ends, leaves
    )


def calendar_days(market: Market, t: int) -> Any:
    """Calendar days between the bars ``t - 1`` and ``t``, by the labels of the panel."""
    today = (market.ts[t] - market.midnight) // DAY_NS
    return float(today - (market.ts[t - 1] - market.midnight) // DAY_NS)


def new_state(n_bars: int, n_symbols: int, cash: float) -> State:
    """State before the first bar."""
    count = np.zeros(7, np.int64)
    count[BAR] = -1
    count[SYMBOL] = -1
    return State(
        np.zeros(n_symbols),
        np.empty(n_symbols, np.int64),
        np.empty(2 * n_symbols, np.int64),
        np.empty(n_symbols),
        np.full(n_symbols, -1),
        np.empty(n_symbols, INTENT),
        np.full(1, cash),
        np.array([cash, 0.0]),
        count,
        np.empty(n_bars),
        np.zeros(n_bars),  # allocated here, untouched pages of it cost nothing
    )


def last_price(prices: Any, t: int, k: int) -> Any:
    """Price of column ``k`` at row ``t``, or the last one before it where there is no bar."""
    price = prices[t, k]
    while price != price and t > 0:
        t -= 1
        price = prices[t, k]
    return price

"""What the simulator reads and what it changes, as tuples of arrays and numbers numba can take."""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import inlined
from tradewind.engine.costs import Costs
from tradewind.engine.intents import INTENT, room_for_intents
from tradewind.engine.records import DAY_NS, EVENT, FILL, ORDER, Floats, Panel
from tradewind.engine.series import Series, constant
from tradewind.engine.sizing import Sizing

# tradewind.engine.types.Reason, as plain numbers
(
    WORKING,
    FILLED,
    PARTLY,
    REBALANCED,
    NO_CASH,
    NO_LEVERAGE,
    TOO_SMALL,
    DELISTED,
    OVER,
    NO_SIZE,
    BY_USER,
    REPLACED,
    BY_OCO,
    BY_BRACKET,
    NOTHING_TO_REDUCE,
    REST,
    BY_LIQUIDATION,
    EXPIRED,
    BAD_PRICE,
    NOT_SHORTABLE,
    NO_BORROW,
    CAPPED,
    LIQUIDATED,
    RECALLED,
    BY_RISK,
    BY_VENUE,
) = range(26)
# tradewind.engine.types.Happening, as plain numbers
BORROW, INTEREST, DIVIDEND, SPLIT, AMBIGUOUS, MARGIN_CALL, CUT = range(7)
(
    FINE,
    NAN_WEIGHT,
    BAD_SYMBOL,
    TOO_MANY,
    ASKED_TWICE,
    NO_ROOM,
    BAD_KIND,
    CALLED_BACK,
    BREACHED,
) = range(9)  # why the loop stopped
LONG = 1 << 16  # rows at first: to copy records to a longer place costs more than the orders
# Execution.intrabar; the last is asked for by the bounds of a run alone: what finer bars leave open
# goes the best way
WORST, BEST, BY_PATH, BEST_OF_PATH = range(4)
# ORDER.triggered: as sent, a stop-limit now a limit, a child, a child whose entry has just filled
PLAIN, TRIGGERED, ASLEEP, WAKING = range(4)
# When on a bar an order fills; NEVER comes first so that a fresh array means it.
NEVER, AT_OPEN, AGAINST, FAVOUR, AT_CLOSE = range(5)
# How an entry came about inside its bar, which says what its children can know of the path.
BY_OPEN, BY_LIMIT, BY_STOP, BY_RETURN, BY_CLOSE = range(5)

MIN_PART = 1e-6  # of an order: what the cap leaves below this is rounding of large sums, not room
EPS = 1e-12  # relative slack on the leverage cap: rounding must not cut an order that just fits


class Bars(NamedTuple):
    """Open, high, low and close of one side, shape (n_bars, n_symbols)."""

    open: Any
    high: Any
    low: Any
    close: Any


class Path(NamedTuple):
    """Finer bars inside the panel's; those of bar t are rows ``first[t]`` to ``first[t + 1]``."""

    first: Any  # (n_bars + 1,)
    open: Any  # (n_fine, n_symbols), mid prices, NaN where there is none
    high: Any
    low: Any
    close: Any


class Actions(NamedTuple):
    """Splits and dividends of raw prices, by ex-date."""

    any: Any  # (n_bars,) bool; (1,) where there are none
    by_bar: int  # 0 where there are none
    split: Series  # new units per old
    dividend: Series  # symbol's currency per new unit


class Market(NamedTuple):
    """What the loop reads; arrays of shape (n_bars, n_symbols) unless stated."""

    ts: Any  # (n_bars,) close of each bar, UTC nanoseconds
    midnight: int  # 1 where a bar that closes at midnight belongs to the day that ends there
    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any
    quoted: int  # 1 where ask and bid hold bars, 0 where the spread makes them
    ask: Bars
    bid: Bars
    foreign: int  # 1 where some symbol is not in the account's currency
    fx_open: Series  # account currency per unit of the symbol's, at the open
    fx_close: Series
    actions: Actions
    path: Path
    ends: Any  # (n_symbols,) last bar of a symbol that stops trading, else -1
    leaves: Any  # (n_bars,) whether any symbol's last bar is this one


class Account(NamedTuple):
    """Cash at the start and what may be done with it."""

    cash: float
    max_leverage: float
    reject: bool  # an order that cannot be paid in full is refused instead of scaled
    delisting_return: float
    cash_only: bool  # no shorts
    maintenance: float  # equity / gross exposure below which positions are closed
    shortable: Any  # (n_symbols,) bool


class Execution(NamedTuple):
    """How orders meet a bar."""

    participation: float  # of the bar's volume; inf = no cap
    carry: bool  # what participation leaves over works on, else it is cancelled
    through_ticks: int  # by which the price must trade through a limit
    tick: Series  # price grid, 0 = none
    intrabar: int  # WORST ... BEST_OF_PATH


class Terms(NamedTuple):
    """What every order is sized, priced and checked with."""

    costs: Costs
    sizing: Sizing
    account: Account
    execution: Execution


# places in State.money
CASH, MONTH_VALUE, PEAK, LAST, ROOM, WORST_FALL = range(6)
# places in State.count
ORDERS, FILLS, EVENTS, OPEN, HELD, BAR, CODE, SYMBOL, MONTH, CALL, ENTERED, WAITING = range(12)
# places in State.sums: of the returns of every bar after the first decision
RETURNS, SUM, SQUARES, DRAWDOWN = range(4)


class State(NamedTuple):
    """Everything that changes while a run goes on, as arrays, so that a step can be resumed."""

    qty: Any  # (n_symbols,) signed units held
    entry: Any  # (n_symbols,) average price of what is held, the symbol's currency
    adds: Any  # (n_symbols,) fills that added to the position since it was opened
    held: Any  # (n_symbols,) columns with a position, sorted, the first count[HELD] of them
    aim: Any  # (n_symbols,) units a target of this bar means
    stand: Any  # (n_symbols,) units of a column that this bar's wishes find beside them
    gross_of: Any  # (n_symbols + 1,) value of all that stands, then of each group's
    counted: Any  # (n_symbols,) last bar at which the column was counted among those that share
    named: Any  # (n_symbols,) last bar at which a target named the column
    used: Any  # (n_symbols,) units filled on the bar ``used_on``
    used_on: Any  # (n_symbols,)
    since: Any  # (n_symbols,) first row whose corporate action waits for a bar, -1 = none
    intents: Any  # (n_intents,) INTENT
    memory: Any  # (n_symbols, n_memory) what a rule remembers
    equity: Any  # (1,) at the last close
    money: Any  # (6,) see CASH ... WORST_FALL: the drawdown beyond which a run stops, inf = none
    count: Any  # (12,) see ORDERS ... WAITING
    sums: Any  # (4,) see RETURNS ... DRAWDOWN
    equity_curve: Any  # (n_bars,) at each close: all else can be folded from the fills


class Log(NamedTuple):
    """What a run writes down; each array is made larger when it may not suffice for a bar."""

    orders: Any  # ORDER
    fills: Any  # FILL
    events: Any  # EVENT
    working: Any  # numbers of the orders on the market, oldest first, the first count[OPEN]
    phase: Any  # beside ``working``: in which phase an order fills on this bar
    price: Any  # beside ``working``: at which price of its side
    entered: Any  # entries filled on this bar whose children wake, the first count[ENTERED]
    manner: Any  # beside ``entered``: BY_OPEN ... BY_CLOSE


NO_BARS = np.zeros((1, 1))
NO_PATH = Path(np.zeros(1, np.int64), NO_BARS, NO_BARS, NO_BARS, NO_BARS)
NO_ACTIONS = Actions(np.zeros(1, np.bool_), 0, constant(1.0), constant(0.0))
NO_QUOTES = Bars(NO_BARS, NO_BARS, NO_BARS, NO_BARS)
PLAIN_EXECUTION = Execution(np.inf, True, 0, constant(0.0), WORST)


def market_of(
    panel: Panel,
    *,
    fx: tuple[Series, Series] | None = None,
    actions: Actions = NO_ACTIONS,
    path: Path = NO_PATH,
) -> Market:
    """Arrays of a panel as the loop reads them.

    Parameters
    ----------
    panel : Panel
        With the columns ``ask_open`` ... ``bid_close``, its quotes are used instead of a spread.
    fx : tuple of Series, optional
        Account currency per unit of the symbol's, at open and close.
    actions : Actions
    path : Path
    """
    leaves = np.zeros(panel.n_bars, np.bool_)
    leaves[panel.ends[panel.ends >= 0]] = True
    quoted = "ask_open" in panel.columns and "bid_open" in panel.columns
    ask, bid = (_side(panel, side) if quoted else NO_QUOTES for side in ("ask", "bid"))
    at_open, at_close = fx or (constant(1.0), constant(1.0))
    return Market(
        panel.ts,
        int(panel.daily),
        _by_rows(panel.open),
        _by_rows(panel.high),
        _by_rows(panel.low),
        _by_rows(panel.close),
        _by_rows(panel.volume),
        int(quoted),
        ask,
        bid,
        int(fx is not None),
        at_open,
        at_close,
        actions,
        path,
        panel.ends,
        leaves,
    )


def _side(panel: Panel, side: str) -> Bars:
    return Bars(*(_by_rows(panel.columns[f"{side}_{name}"]) for name in Bars._fields))


def _by_rows(bars: Floats) -> Floats:
    """Bars after bars in memory, as pandas seldom has them: another order is another program."""
    return np.ascontiguousarray(bars)


def new_state(n_bars: int, n_symbols: int, cash: float, n_memory: int = 0) -> State:
    """State before the first bar; ``n_bars`` 1 where no curve is kept."""
    count = np.zeros(12, np.int64)
    count[BAR] = -1
    count[SYMBOL] = -1
    count[MONTH] = -1
    room = room_for_intents(n_symbols)
    return State(
        qty=np.zeros(n_symbols),
        entry=np.zeros(n_symbols),
        adds=np.zeros(n_symbols, np.int64),
        held=np.empty(n_symbols, np.int64),
        aim=np.zeros(n_symbols),
        stand=np.zeros(n_symbols),
        gross_of=np.zeros(n_symbols + 1),
        counted=np.full(n_symbols, -1),
        named=np.full(n_symbols, -1),
        used=np.zeros(n_symbols),
        used_on=np.full(n_symbols, -1),
        since=np.full(n_symbols, -1),
        intents=np.zeros(room, INTENT),
        memory=np.zeros((n_symbols, n_memory)),
        equity=np.full(1, cash),
        money=np.array([cash, 0.0, cash, 0.0, cash, np.inf]),
        count=count,
        sums=np.zeros(4),
        equity_curve=np.empty(n_bars),
    )


def new_log(n_symbols: int) -> Log:
    """Empty records; what is not written to costs no memory."""
    n = max(4 * room_of_a_bar(n_symbols), LONG)
    return Log(
        np.empty(n, ORDER),
        np.empty(n, FILL),
        np.empty(n, EVENT),
        np.empty(n, np.int64),
        np.zeros(n, np.int64),
        np.empty(n),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
    )


def room_of_a_bar(n_symbols: int) -> int:
    """Orders that one bar can make at most: a wish sends two, each with two children."""
    return 6 * room_for_intents(n_symbols) + 4 * n_symbols


def day_of(market: Market, t: int) -> Any:
    """Number of the calendar day of bar ``t``, by the labels of the panel."""
    return (market.ts[t] - market.midnight) // DAY_NS


def calendar_days(market: Market, t: int) -> Any:
    """Calendar days between the bars ``t - 1`` and ``t``, by the labels of the panel."""
    return float(day_of(market, t) - day_of(market, t - 1))


def month_of(day: int) -> Any:
    """Number of the calendar month of a day since 1970-01-01 (Howard Hinnant's civil_from_days)."""
    shifted = day + 719468
    era = shifted // 146097
    of_era = shifted - era * 146097
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted_month = (5 * of_year + 2) // 153  # 0 = March
    return (era * 400 + year) * 12 + shifted_month


@inlined
def last_price(prices: Any, t: int, k: int) -> Any:
    """Price of column ``k`` at row ``t``, or the last one before it where there is no bar."""
    price = prices[t, k]
    while price != price and t > 0:
        t -= 1
        price = prices[t, k]
    return price

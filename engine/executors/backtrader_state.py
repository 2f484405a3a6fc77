"""What the backtrader profile's simulator reads and changes, as tuples and record arrays.

In the subset numba compiles. The rules are those of docs/backtrader-rules.md.
"""

from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.compiling import inlined
from tradewind.engine.intents import INTENT, room_for_intents
from tradewind.engine.records import EVENT, FILL, ORDER, Panel, Records

# backtrader.Order's own numbers of order types and states
MARKET, CLOSE, LIMIT, STOP, STOP_LIMIT, TRAIL, TRAIL_LIMIT = range(7)
(
    CREATED,
    SUBMITTED,
    ACCEPTED,
    PARTIAL,
    COMPLETED,
    CANCELED,
    EXPIRED,
    MARGIN,
    REJECTED,
) = range(9)
STATUS_NAMES = (
    "created", "submitted", "accepted", "partial", "completed", "canceled", "expired", "margin",
    "rejected",
)  # fmt: skip

# what turns an order's size into what one bar fills of it
NO_FILLER, FIXED_FILLER, PERCENT_FILLER, POINT_FILLER = range(4)
# who sizes an order that names no quantity
NO_SIZER, FIXED_SIZER, PERCENT_SIZER, REVERSER = range(4)

# why the loop stopped
(
    FINE,
    NO_ROOM,
    BAD_WEIGHT,
    BAD_SYMBOL,
    TOO_MANY,
    BAD_ACTION,
    BAD_TYPE,
    BAD_TIME,
    BAD_PRICE,
    NO_REDUCE_ONLY,
    BARE_TARGET,
    BAD_GROUP,
    BAD_SIZE,
    CALLED_BACK,
) = range(14)

DAY_US = 86_400_000_000  # microseconds, as far as backtrader's clock resolves
DAY_ORDER_US = 86_399_009_999  # where backtrader ends a day: 23:59:59 and 9,999 microseconds
SESSION_END_US = 86_399_999_990  # backtrader's end of session where a feed names none
FIRST_ROOM = 4_096  # orders before the records are made longer
NEVER = np.iinfo(np.int64).max

SCHEME = np.dtype(
    [
        ("commission", np.float64),  # fraction of value, or currency a unit
        ("percent", np.int64),  # 1: commission is a fraction
        ("stocklike", np.int64),
        ("margin", np.float64),  # currency a unit, futures only
        ("automargin", np.float64),  # 0: margin; < 0: price x mult; > 0: price x automargin
        ("mult", np.float64),
        ("leverage", np.float64),
        ("daily", np.float64),  # interest / 365
        ("interest_long", np.int64),
    ]
)
"""One symbol's ``CommissionInfo``."""

TWIN = np.dtype(
    [
        ("kind", np.int64),  # MARKET ... TRAIL_LIMIT
        ("status", np.int64),
        ("pending", np.int64),  # stands in the queue that is matched
        ("price", np.float64),  # created.price
        ("limit", np.float64),  # created.pricelimit
        ("offset", np.float64),  # price - limit of a trailing stop-limit when it was sent
        ("created", np.int64),  # stamp of the symbol's bar it was sent on
        ("close", np.float64),  # of that bar
        ("valid", np.int64),  # last stamp it works on
        ("session_end", np.int64),
        ("note", np.float64),  # close a market-on-close order remembers; 0 = none
        ("wakes", np.int64),  # step from which a child is matched
        ("children", np.int64),
        ("dead", np.int64),  # bracket dissolved, kept on its entry
        ("leader", np.int64),  # order that leads its OCO group; itself where there is no group
        ("member", np.int64),  # life of the group that it belongs to
        ("life", np.int64),  # of the leader: how often its group was dissolved
        ("remaining", np.float64),
        ("fill_price", np.float64),  # average over its fills
    ]
)
"""What backtrader keeps of an order beside what :data:`tradewind.engine.records.ORDER` says."""


class Rules(NamedTuple):
    """The broker's options, under backtrader's names."""

    cash: float
    checksubmit: int
    coc: int
    coo: int
    shortcash: int
    int2pnl: int
    slip_perc: float
    slip_fixed: float
    slip_open: int
    slip_match: int
    slip_limit: int
    slip_out: int
    filler: int  # NO_FILLER ...
    filler_size: float  # units (FIXED_FILLER) or percent of the volume
    filler_step: float  # POINT_FILLER: price grid over which the volume is spread; 0 = none
    sizer: int  # NO_SIZER ...
    sizer_stake: float  # units, or fraction of cash
    sizer_whole: int
    full: float  # fraction of the account at strength 1
    spread_share: float  # part of the slippage that is half the spread
    session_end: int  # microseconds after midnight
    stale: int  # orders are matched again on a bar that is over, as backtrader does
    columns_first: int  # positions are summed in the order of the columns
    interest: int  # any symbol is charged interest
    futures: int  # any symbol is not stock-like


class Terms(NamedTuple):
    """The broker's options and what each symbol costs."""

    rules: Rules
    schemes: Any  # (n_symbols,) SCHEME


class Market(NamedTuple):
    """Bars, shape (n_bars, n_symbols) unless stated."""

    ts: Any  # (n_bars,) close of each bar, UTC nanoseconds
    midnight: int  # 1 where a bar that closes at midnight belongs to the day that ends there
    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any


# places in State.count
(ORDERS, FILLS, EVENTS, SENT, LISTED, GROUPS, BAR, SYMBOL, LAST, STEP, STALE, GONE) = range(12)
# places in State.money
CASH, CREDIT = range(2)


class State(NamedTuple):
    """Everything that changes, as arrays, so that a run can be resumed."""

    size: Any  # (n_symbols,) signed units held
    price: Any  # (n_symbols,) average price
    base: Any  # (n_symbols,) price up to which a future is settled
    carry: Any  # (n_symbols,) interest not yet booked with a fill
    carry_day: Any  # (n_symbols,) last day charged
    row: Any  # (n_symbols,) row of the newest bar, -1 before the first
    before: Any  # (n_symbols,) row of the bar before that
    listed: Any  # (n_symbols,) columns in the order in which positions are summed
    is_listed: Any  # (n_symbols,)
    draft: Any  # (n_symbols,) size in the cash check
    draft_price: Any  # (n_symbols,)
    drafted: Any  # (n_symbols,) step of that check
    intents: Any  # (n_intents,) INTENT
    memory: Any  # (n_symbols, n_memory)
    equity: Any  # (1,) value at the last step
    n_working: Any  # (1,) length of the queue that is matched
    money: Any  # see CASH
    count: Any  # see ORDERS
    curves: Any  # (3, n_bars) value, cash, interest


class Log(NamedTuple):
    """What a run writes down; made larger when it may not suffice for a bar."""

    orders: Any  # ORDER
    twins: Any  # TWIN, beside ``orders``
    fills: Any  # FILL
    events: Any  # EVENT
    working: Any  # numbers of orders in the queue that is matched, oldest first
    sent: Any  # numbers of orders that wait for the cash check
    groups: Any  # (n, 2) OCO number and its leader by hash; -1 where free


def market_of(panel: Panel) -> Market:
    """Arrays of a panel."""
    return Market(
        panel.ts, int(panel.daily), panel.open, panel.high, panel.low, panel.close, panel.volume
    )


def stamp_of(market: Market, t: int) -> Any:
    """Time that backtrader is given for row ``t``: the day of a daily bar, else its close."""
    return label_of(market, market.ts[t])


def label_of(market: Market, ts: int) -> Any:
    """Microseconds of a time in UTC nanoseconds, labelled as the panel labels its bars."""
    if market.midnight:
        return (ts - 1) // (DAY_US * 1000) * DAY_US
    return ts // 1000


def new_state(n_bars: int, n_symbols: int, cash: float, n_memory: int = 0) -> State:
    """State before the first bar."""
    count = np.zeros(12, np.int64)
    count[[BAR, SYMBOL, LAST]] = -1
    whole = [np.zeros(n_symbols, np.int64) for _ in range(3)]
    return State(
        size=np.zeros(n_symbols),
        price=np.zeros(n_symbols),
        base=np.zeros(n_symbols),
        carry=np.zeros(n_symbols),
        carry_day=whole[0],
        row=np.full(n_symbols, -1),
        before=np.full(n_symbols, -1),
        listed=whole[1],
        is_listed=whole[2],
        draft=np.zeros(n_symbols),
        draft_price=np.zeros(n_symbols),
        drafted=np.full(n_symbols, -1),
        intents=np.zeros(room_for_intents(n_symbols), INTENT),
        memory=np.zeros((n_symbols, n_memory)),
        equity=np.full(1, cash),
        n_working=np.zeros(1, np.int64),
        money=np.array([cash, 0.0]),
        count=count,
        curves=np.zeros((3, n_bars)),
    )


@inlined
def room_of_a_bar(n_symbols: int) -> int:
    """Orders that one bar can make at most: a wish sends one and its two children."""
    return 3 * room_for_intents(n_symbols)


def new_log(n_symbols: int) -> Log:
    """Empty records; memory that nothing is written to costs nothing."""
    n = 2 * room_of_a_bar(n_symbols) + n_symbols + FIRST_ROOM
    return Log(
        np.empty(n, ORDER),
        np.empty(n, TWIN),
        np.empty(n, FILL),
        np.empty(n, EVENT),
        np.empty(n, np.int64),
        np.empty(n, np.int64),
        np.full((_power_above(2 * n), 2), -1),
    )


@inlined
def room_needed(state: State) -> tuple[int, int, int, int, int]:
    """Rows of orders, fills, events, queue and OCO numbers that suffice for one bar more."""
    count, n = state.count, len(state.size)
    room = room_of_a_bar(n) + n
    queue = state.n_working[0] + count[SENT] + room
    return (
        count[ORDERS] + room,
        count[FILLS] + 2 * queue,  # one through zero is two
        count[EVENTS] + room,
        queue,
        2 * (count[GROUPS] + room),
    )


def grown(log: Log, state: State) -> Log:
    """Return the records with room for at least one bar more."""
    orders, fills, events, queue, numbers = room_needed(state)
    groups = log.groups
    if len(groups) < numbers:
        groups = np.full((_power_above(2 * numbers), 2), -1)
        for number, leader in log.groups[log.groups[:, 1] >= 0]:
            groups[slot_of(groups, number)] = number, leader
    return Log(
        _longer(log.orders, orders),
        _longer(log.twins, orders),
        _longer(log.fills, fills),
        _longer(log.events, events),
        _longer(log.working, queue),
        _longer(log.sent, queue),
        groups,
    )


def _longer(records: Records, n: int) -> Records:
    """Return ``records`` with room for ``n`` rows, at four times its length where that is short."""
    if len(records) >= n:
        return records
    longer = np.empty(max(4 * len(records), n), records.dtype)
    longer[: len(records)] = records
    return longer


def _power_above(n: int) -> int:
    return 1 << int(n - 1).bit_length()


def slot_of(groups: Any, number: int) -> int:
    """Row of an OCO number in the table, or the free row where it belongs."""
    last = len(groups) - 1
    slot = (number ^ (number >> 15)) & last
    while groups[slot, 1] >= 0 and groups[slot, 0] != number:
        slot = (slot + 1) & last
    return slot


def touch(state: State, k: int) -> None:
    """Enter column ``k`` in the list of positions, which are summed in the order of entry."""
    if state.is_listed[k] == 0:
        state.is_listed[k] = 1
        state.listed[state.count[LISTED]] = k
        state.count[LISTED] += 1


def list_all(state: State) -> None:
    """Enter every column, as a strategy does that asks for all its positions."""
    for k in range(len(state.size)):
        touch(state, k)

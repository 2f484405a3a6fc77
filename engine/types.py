"""Facts, frozen: what a bar was, what was asked, what was filled. Standard library only."""

from dataclasses import dataclass
from enum import IntEnum
from math import nan


class OrderType(IntEnum):
    """How an order meets the market."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    STOP_LIMIT = 3
    TRAILING_STOP = 4
    MARKET_ON_CLOSE = 5


class Action(IntEnum):
    """What a wish asks for."""

    TARGET = 0  # hold this much; replaces what works for the symbol
    ORDER = 1  # send this order beside what works
    CANCEL = 2  # withdraw one order, or all of the symbol
    REPLACE = 3  # withdraw one order and send it again with other prices or units


class TimeInForce(IntEnum):
    """How long an order works; ``until`` of the wish says the number of bars or the time."""

    GTC = 0  # until cancelled
    DAY = 1  # the day of the first bar it can work on
    GTD = 2  # bars that close at or before ``until``, UTC nanoseconds
    BARS = 3  # ``until`` bars of the clock
    IOC = 4  # the first bar the symbol trades on


class Reason(IntEnum):
    """Why an order ended; a closed list, every order carries exactly one."""

    WORKING = 0
    FILLED = 1
    PARTLY_FILLED = 2  # the rest could not be paid for or borrowed
    CANCELLED_REBALANCE = 3  # a newer decision for the same symbol replaced it
    REJECTED_CASH = 4
    REJECTED_LEVERAGE = 5
    REJECTED_MINIMUM = 6
    DELISTED = 7
    END_OF_DATA = 8  # no bar followed the decision
    REJECTED_SIZING = 9  # the sizing had no number for it: too little history, no price, no equity
    CANCELLED_USER = 10
    CANCELLED_REPLACED = 11
    CANCELLED_OCO = 12
    CANCELLED_BRACKET = 13  # its entry never filled, its sibling did, or the position is gone
    CANCELLED_REDUCE_ONLY = 14  # nothing was left to reduce
    CANCELLED_REST = 15  # the part that participation or the first bar left over
    CANCELLED_LIQUIDATION = 16
    EXPIRED = 17
    REJECTED_PRICE = 18  # contradictory, missing or not positive
    REJECTED_NOT_SHORTABLE = 19
    REJECTED_BORROW = 20
    REJECTED_CAP = 21  # a cap of the sizing left nothing
    LIQUIDATED = 22
    RECALLED = 23
    REJECTED_RISK = 24  # the gate in front of a live market refused it
    REJECTED_VENUE = 25  # a broker outside refused it


LIVE_ALONE = frozenset({Reason.REJECTED_RISK, Reason.REJECTED_VENUE})
"""Reasons that an order can have while the market is open, and in no backtest."""


class Happening(IntEnum):
    """What an event of a run is; amounts in the account's currency, positive = paid to us."""

    BORROW = 0
    INTEREST = 1
    DIVIDEND = 2
    SPLIT = 3  # ``amount`` is the ratio of new to old units
    AMBIGUOUS = 4  # a bar whose path would have decided a trade; ``amount`` is the order
    MARGIN_CALL = 5  # ``amount`` is equity / gross exposure
    CUT = 6  # a cap of the sizing lowered a wish; ``amount`` is its number in Cut


class Cut(IntEnum):
    """Which cap of the sizing lowered a wish."""

    NONE = 0
    NAME = 1
    GROUP = 2
    GROSS = 3
    PYRAMIDING = 4
    DRAWDOWN = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """One symbol over one interval; ``ts`` is the close of the bar, UTC nanoseconds."""

    symbol: str
    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask of one symbol at ``ts``, UTC nanoseconds; quantities in units."""

    symbol: str
    ts: int
    bid: float
    ask: float
    bid_qty: float
    ask_qty: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Log return of one symbol over the next ``horizon`` bars, as known at ``asof``."""

    symbol: str
    asof: int
    horizon: int
    mean: float
    std: float
    quantiles: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Intent:
    """What a strategy wants of one symbol; the executor turns it into orders.

    Attributes
    ----------
    symbol : int
        Column of the symbol in the panel: a rule works on arrays, names come back at the edges.
    weight : float
        Signed strength, 1 = the full position the sizing allows, 0 = flat.
    action : Action
    qty : float
        Signed units of an order; NaN: ``weight`` says how much.
    order_type : OrderType
    limit, stop : float
        The order's own prices; NaN where its type has none.
    trail, trail_fraction : float
        Distance of a trailing stop, in price units or as a fraction of the price followed.
    stop_loss, take_profit : float
        Prices of protective children; NaN where not asked for.
    stop_trail, stop_trail_fraction : float
        Distance of a protective trailing stop, in place of ``stop_loss``.
    tif : TimeInForce
    until : int
        Bars for BARS, UTC nanoseconds for GTD.
    oco : int
        Orders of one number > 0 cancel each other.
    reduce_only : bool
    order : int
        Number of the order to cancel or replace; -1 cancels all of the symbol.
    """

    symbol: int
    weight: float = 0.0
    action: Action = Action.TARGET
    qty: float = nan
    order_type: OrderType = OrderType.MARKET
    limit: float = nan
    stop: float = nan
    trail: float = nan
    trail_fraction: float = nan
    stop_loss: float = nan
    take_profit: float = nan
    stop_trail: float = nan
    stop_trail_fraction: float = nan
    tif: TimeInForce = TimeInForce.GTC
    until: int = 0
    oco: int = 0
    reduce_only: bool = False
    order: int = -1


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked of the market, decided at ``ts``; ``qty`` in signed units."""

    id: str
    symbol: str
    ts: int
    qty: float
    order_type: OrderType
    reason: Reason
    filled_qty: float


@dataclass(frozen=True, slots=True)
class Fill:
    """What the market answered.

    ``price`` already holds the half-spread and slippage; ``mid`` is the price without them, and
    ``fee`` (currency, >= 0) stands apart. ``qty`` in signed units.
    """

    order_id: str
    symbol: str
    ts: int
    qty: float
    price: float
    mid: float
    fee: float

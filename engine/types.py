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


class Reason(IntEnum):
    """Why an order ended; a closed list, every order carries exactly one."""

    WORKING = 0
    FILLED = 1
    PARTLY_FILLED = 2  # the rest could not be paid for
    CANCELLED_REBALANCE = 3  # a newer decision for the same symbol replaced it
    REJECTED_CASH = 4
    REJECTED_LEVERAGE = 5
    REJECTED_MINIMUM = 6
    DELISTED = 7
    END_OF_DATA = 8  # no bar followed the decision
    REJECTED_SIZING = 9  # the sizing had no number for it: too little history, no price, no equity


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
    """What a strategy wants one symbol to be; the executor turns it into orders.

    Attributes
    ----------
    symbol : int
        Column of the symbol in the panel: a rule works on arrays, names come back at the edges.
    weight : float
        Signed strength, 1 = the full position the sizing allows, 0 = flat.
    order_type : OrderType
    limit, stop, trail, take_profit : float
        Prices (``trail`` a distance); NaN where not asked for.
    expiry_bars : int
        Bars the order works for; 0 = until cancelled.
    """

    symbol: int
    weight: float
    order_type: OrderType = OrderType.MARKET
    limit: float = nan
    stop: float = nan
    trail: float = nan
    take_profit: float = nan
    expiry_bars: int = 0


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

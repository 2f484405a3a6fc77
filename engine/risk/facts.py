"""What the gate in front of the market is asked, and what it answers."""

from collections.abc import Sequence
from typing import NamedTuple

from tradewind.engine.records import Floats, Ints
from tradewind.engine.types import OrderType


class Asked(NamedTuple):
    """An order that wants to work, or works.

    Attributes
    ----------
    number : int
        Of the run.
    symbol : int
        Column.
    qty : float
        Signed units that are left of it.
    order_type : OrderType
    limit, stop : float
        NaN where its type has none.
    reduce_only : bool
    parent : int
        Order whose position it protects; -1: none.
    client_id : str
    """

    number: int
    symbol: int
    qty: float
    order_type: OrderType
    limit: float
    stop: float
    reduce_only: bool
    parent: int
    client_id: str


class Situation(NamedTuple):
    """What is known when orders are asked for.

    Attributes
    ----------
    now : int
        UTC nanoseconds.
    day : int
        Number of the session's day.
    equity : float
        Account currency.
    qty : ndarray of float64, shape (n_symbols,)
        Signed units held.
    price : ndarray of float64, shape (n_symbols,)
        Last known, account currency per unit; NaN where there is none.
    quoted_at : ndarray of int64, shape (n_symbols,)
        Last tick, UTC nanoseconds; 0: not known.
    working : sequence of Asked
    """

    now: int
    day: int
    equity: float
    qty: Floats
    price: Floats
    quoted_at: Ints
    working: Sequence[Asked]


class Refusal(NamedTuple):
    """An order that does not get through.

    Attributes
    ----------
    number : int
    rule : str
        One of :data:`RULES`.
    reason : str
        A sentence: what was found, what is wanted.
    """

    number: int
    rule: str
    reason: str


class Breach(NamedTuple):
    """A loss stop that has just tripped.

    Attributes
    ----------
    rule : str
        ``max_daily_loss`` or ``max_drawdown``.
    reason : str
    flatten : bool
        Whether everything is to be closed; either way nothing that adds gets through from now on.
    """

    rule: str
    reason: str
    flatten: bool


class Used(NamedTuple):
    """How much of a limit is used, for the page.

    Attributes
    ----------
    limit : str
    used, of : float
    share : float
        ``used / of``.
    """

    limit: str
    used: float
    of: float
    share: float


RULES = (
    "killed", "frozen", "halted", "not_shortable", "no_price", "stale", "price_collar", "duplicate",
    "orders_per_minute", "max_order_notional", "max_weight", "max_gross",
)  # fmt: skip

"""What the gate in front of the market is asked, and what it answers."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from tradewind.engine.records import Floats, Ints
from tradewind.engine.types import OrderType

RULES = (
    "malformed", "duplicate", "halted", "price_collar", "protection", "entry", "killed", "frozen",
    "no_price", "no_equity", "stale", "not_shortable", "orders_per_minute", "max_order_notional",
    "max_weight", "max_gross",
)  # fmt: skip
"""Why an order does not get through: a closed list, in the order in which they are looked at."""


class Asked(NamedTuple):
    """An order that wants to work, or works.

    Attributes
    ----------
    number : int
        Of the run; a later order has a greater one.
    symbol : int
        Column.
    qty : float
        Signed units that are left of it.
    order_type : OrderType
    limit, stop : float
        In the symbol's own currency; NaN where its type has none.
    reduce_only : bool
        Whoever fills it takes no more than what is held.
    parent : int
        Order whose position it protects, possibly its own number; -1: none. Such a child is taken
        for one that only reduces, and may work only while there is something to protect.
    client_id : str
    oco : int
        Group of which any fill ends the others; 0: none.
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
    oco: int = 0


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
        Last tick by the clock of ``now``, UTC nanoseconds; 0: not known.
    working : sequence of Asked
        What works already; none of what is asked for.
    quote : ndarray of float64, shape (n_symbols,), or None
        ``price`` in each symbol's own currency, to which the prices of orders are held; None: every
        symbol is in the account's.
    instead : mapping of int to Asked
        Number of an order that is asked for -> the one that works on if it is refused; none of
        ``working``.
    """

    now: int
    day: int
    equity: float
    qty: Floats
    price: Floats
    quoted_at: Ints
    working: Sequence[Asked]
    quote: Floats | None = None
    instead: Mapping[int, Asked] = MappingProxyType({})


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
        ``max_daily_loss`` or ``max_drawdown``; the latter where both did.
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
        ``used / of``; infinite where the account is worth nothing.
    """

    limit: str
    used: float
    of: float
    share: float

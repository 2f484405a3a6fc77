"""Bulk forms: market data as aligned arrays, orders and fills as record arrays.

``Panel`` is the one shape in which history travels through tradewind. Pandas stays at the edges.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine.errors import DataError, UnknownSymbolError
from tradewind.engine.types import Fill, Order, OrderType, Reason

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Records = npt.NDArray[np.void]

DAY_NS = 86_400_000_000_000
FIELDS = ("open", "high", "low", "close", "volume")
ELIGIBLE, MEMBER, GROUP = "eligible", "member", "group"
"""Columns of a panel with a meaning of their own. 1 = yes and 0 or NaN = no: ``eligible``: bars at
whose close a training sample may be taken and a forecast given. ``member``: bars on which a symbol
belongs to the universe; cross-sections and market averages are taken over members alone. Without a
column everybody is. ``group``: number of the symbol's sector or other group, NaN = in none."""

ORDER = np.dtype(
    [
        ("id", np.int64),
        ("symbol", np.int64),
        ("bar", np.int64),  # the bar at whose close it was decided
        ("qty", np.float64),  # signed units asked for
        ("order_type", np.int64),
        ("reason", np.int64),
        ("filled_qty", np.float64),
        ("limit", np.float64),  # NaN where the type has none
        ("stop", np.float64),  # trigger; of a trailing stop where the trail stands
        ("trail", np.float64),  # distance in price units
        ("trail_fraction", np.float64),  # distance as a fraction of the price followed
        ("tif", np.int64),
        ("until", np.int64),
        ("parent", np.int64),  # order that a child protects, else -1
        ("oco", np.int64),  # group number, 0 = none
        ("reduce_only", np.int64),
        ("triggered", np.int64),  # a stop-limit that has become a limit
        ("fee", np.float64),  # charged so far, account currency
        ("raw_fee", np.float64),  # before minimum and maximum
        ("value", np.float64),  # traded so far, account currency
    ]
)
FILL = np.dtype(
    [
        ("order", np.int64),
        ("symbol", np.int64),
        ("bar", np.int64),
        ("qty", np.float64),
        ("price", np.float64),
        ("mid", np.float64),
        ("quote", np.float64),  # the side's own price before slippage: ask to buy, bid to sell
        ("fee", np.float64),  # account currency
        ("fx", np.float64),  # account currency per unit of the symbol's
    ]
)
EVENT = np.dtype(
    [
        ("bar", np.int64),
        ("symbol", np.int64),  # -1 where it concerns the account
        ("kind", np.int64),  # tradewind.engine.types.Happening
        ("amount", np.float64),
    ]
)
TRADE = np.dtype(
    [
        ("symbol", np.int64),
        ("entry_bar", np.int64),
        ("exit_bar", np.int64),  # -1 while open
        ("qty", np.float64),  # signed, the most held, in units of the trade's last day
        ("entry_price", np.float64),  # average over the fills that opened it
        ("exit_price", np.float64),  # average over the fills that closed it; NaN while open
        ("pnl", np.float64),  # account currency, after fees, with dividends; marked while open
        ("fee", np.float64),
    ]
)


@dataclass(frozen=True)
class Simulation:
    """What an executor gives back; the same from each of them.

    Attributes
    ----------
    equity : ndarray of float64, shape (n_bars,)
        Account value at the close of each bar, account currency.
    orders : ndarray of ORDER
        In order of submission.
    fills : ndarray of FILL
        In order of execution.
    events : ndarray of EVENT
        In order of time: carry, corporate actions, ambiguous bars, margin calls, cuts.
    sums : ndarray of float64, shape (4,), or None
        Of the simple returns of all bars after the first decision: how many, their sum, the sum of
        their squares; and the largest drawdown, a fraction.
    curves : function
        Makes (cash, gross, borrow) from the fills, when they are asked for.
    """

    equity: Floats
    orders: Records
    fills: Records
    events: Records
    sums: Floats | None
    curves: Callable[[], tuple[Floats, Floats, Floats]]

    @classmethod
    def with_curves(
        cls,
        equity: Floats,
        cash: Floats,
        gross: Floats,
        borrow: Floats,
        orders: Records,
        fills: Records,
        events: Records,
    ) -> "Simulation":
        """Simulation whose curves are known instead of folded from its fills."""
        return cls(equity, orders, fills, events, None, lambda: (cash, gross, borrow))

    @cached_property
    def _curves(self) -> tuple[Floats, Floats, Floats]:
        return self.curves()

    @property
    def cash(self) -> Floats:
        """Cash at the close of each bar, account currency, shape (n_bars,)."""
        return self._curves[0]

    @property
    def gross(self) -> Floats:
        """Sum of absolute position values at each close, account currency, shape (n_bars,)."""
        return self._curves[1]

    @property
    def borrow(self) -> Floats:
        """Borrow fee paid on each bar, account currency, shape (n_bars,)."""
        return self._curves[2]

    def paid(self, kind: int) -> float:
        """Sum of the events of one kind, account currency; positive = paid to us."""
        return float(self.events["amount"][self.events["kind"] == kind].sum())


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of several symbols on one clock.

    Attributes
    ----------
    symbols : tuple of str
        Column names, unique.
    ts : ndarray of int64, shape (n_bars,)
        Close of each bar, UTC nanoseconds, strictly increasing.
    open, high, low, close, volume : ndarray of float64, shape (n_bars, n_symbols)
        NaN in all five where a symbol has no bar (before its listing, while halted, after its end).
    interval : str
        Nominal length of a bar: ``1d``, ``1h``, ``5min`` ...
    calendar : str or None
        Exchange calendar by its ISO code (``XNYS``), None where none applies or symbols differ.
    ends : ndarray of int64, shape (n_symbols,)
        Row of the last bar of a symbol that stopped trading inside the panel, -1 for the living.
    columns : mapping of str to ndarray of float64, shape (n_bars, n_symbols)
        Whatever else the source had: bid and ask, a spread, a user's own features.
    calendars : tuple of (str or None)
        Calendar of each symbol where they differ, else empty.
    """

    symbols: tuple[str, ...]
    ts: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    interval: str = "1d"
    calendar: str | None = None
    ends: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    columns: Mapping[str, Floats] = field(default_factory=dict)
    calendars: tuple[str | None, ...] = ()

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together; the content is checked by the feeds."""
        if len(set(self.symbols)) != len(self.symbols):
            twice = sorted({s for s in self.symbols if self.symbols.count(s) > 1})
            raise DataError(f"panel: symbols {twice} stand twice; each may have one column")
        if self.ends.size == 0:
            object.__setattr__(self, "ends", last_rows(self.close))
        for name, array in self._arrays():
            if array.shape != self.shape or array.dtype != np.float64:
                raise DataError(
                    f"panel: {name} has shape {array.shape} and type {array.dtype}, "
                    f"wanted {self.shape} float64: one row a bar, one column a symbol"
                )
        if self.calendars and (self.calendar or len(self.calendars) != self.n_symbols):
            raise DataError(
                f"panel: calendars {self.calendars} beside calendar {self.calendar!r}; wanted one "
                f"for each of the {self.n_symbols} symbols, or one calendar for all"
            )
        steps = np.flatnonzero(np.diff(self.ts) <= 0)
        if steps.size:
            row = int(steps[0]) + 1
            raise DataError(
                f"panel: bar {row} closes at {label(self.ts[row])}, bar {row - 1} at "
                f"{label(self.ts[row - 1])}; sort the bars by time and keep one of each"
            )

    def _arrays(self) -> list[tuple[str, Floats]]:
        """Name every (n_bars, n_symbols) array held."""
        return [(name, getattr(self, name)) for name in FIELDS] + list(self.columns.items())

    @property
    def n_bars(self) -> int:
        """Number of rows."""
        return len(self.ts)

    @property
    def n_symbols(self) -> int:
        """Number of columns."""
        return len(self.symbols)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of every array: (n_bars, n_symbols)."""
        return self.n_bars, self.n_symbols

    @property
    def calendar_of_each(self) -> tuple[str | None, ...]:
        """Calendar of each symbol."""
        return self.calendars or (self.calendar,) * self.n_symbols

    def marked(self, name: str) -> Bools:
        """Bars that ``ELIGIBLE`` or ``MEMBER`` marks, shape (n_bars, n_symbols).

        Where the panel has no such column, every bar there is.
        """
        if name in self.columns:
            return np.asarray(self.columns[name] > 0)  # a NaN is no yes
        return ~np.isnan(self.close)

    @property
    def daily(self) -> bool:
        """Whether a bar spans a day or more and is labelled with a day."""
        return self.interval.endswith(("d", "wk", "mo"))

    @property
    def dates(self) -> npt.NDArray[np.datetime64]:
        """Label of each bar, shape (n_bars,): its day for daily bars, else its close in UTC."""
        if self.daily:
            # A bar that closes at midnight belongs to the day that ends there.
            return (self.ts - 1).astype("datetime64[ns]").astype("datetime64[D]")
        return self.ts.astype("datetime64[ns]")

    @property
    def nbytes(self) -> int:
        """Bytes held by the arrays."""
        return self.ts.nbytes + sum(array.nbytes for _, array in self._arrays())

    def column(self, symbol: str) -> int:
        """Column of ``symbol``; raises UnknownSymbolError."""
        try:
            return self.symbols.index(symbol)
        except ValueError:
            raise UnknownSymbolError(f"panel: no symbol {symbol!r} among {self.symbols}") from None

    def rows(self, start: int, stop: int) -> "Panel":
        """Bars ``start`` to ``stop - 1``, as views; what ends later than that is not known."""
        ends = np.where((self.ends >= start) & (self.ends < stop), self.ends - start, -1)
        return replace(
            self,
            ts=self.ts[start:stop],
            ends=ends.astype(np.int64),
            columns={name: array[start:stop] for name, array in self.columns.items()},
            **{name: getattr(self, name)[start:stop] for name in FIELDS},
        )

    def past(self, stop: int) -> "Panel":
        """Everything known at the close of bar ``stop - 1``."""
        return self.rows(0, stop)

    def select(self, symbols: Sequence[str]) -> "Panel":
        """Return the named columns in the order given, on the same clock."""
        at = [self.column(symbol) for symbol in symbols]
        calendar, calendars = one_or_each([self.calendar_of_each[k] for k in at])
        return replace(
            self,
            calendar=calendar,
            calendars=calendars,
            symbols=tuple(symbols),
            ends=self.ends[at],
            columns={name: array[:, at] for name, array in self.columns.items()},
            **{name: getattr(self, name)[:, at] for name in FIELDS},
        )

    def digest(self) -> str:
        """SHA-256 of everything held: equal panels have equal digests on every machine."""
        words = (*self.symbols, self.interval, str(self.calendar), *map(str, self.calendars))
        seal = sha256("\x1f".join(words).encode())
        seal.update(self.ts.tobytes())
        seal.update(self.ends.tobytes())
        for name, array in self._arrays():
            seal.update(name.encode())
            seal.update(np.ascontiguousarray(array).ravel().view(np.uint8).data)
        return seal.hexdigest()


def one_or_each(calendars: Sequence[str | None]) -> tuple[str | None, tuple[str | None, ...]]:
    """(common calendar, nothing) where all are alike, else (None, calendar of each symbol)."""
    alike = len(set(calendars)) <= 1
    return (calendars[0] if calendars and alike else None), (() if alike else tuple(calendars))


def last_rows(close: Floats) -> Ints:
    """Row of each symbol's last bar where it lies before the panel's end, else -1.

    Parameters
    ----------
    close : ndarray of float64, shape (n_bars, n_symbols)

    Returns
    -------
    ndarray of int64, shape (n_symbols,)
    """
    alive = ~np.isnan(close)
    last = len(close) - 1 - np.argmax(alive[::-1], axis=0)
    ended = alive.any(axis=0) & (last < len(close) - 1)
    return np.where(ended, last, -1).astype(np.int64)


def label(ts: int | np.int64) -> str:
    """UTC nanoseconds as a person reads them, to the second."""
    return str(np.datetime64(int(ts), "ns").astype("datetime64[s]")).replace("T", " ") + " UTC"


def order_facts(orders: Records, panel: Panel, run: str) -> list[Order]:
    """Rows of ``ORDER`` as :class:`Order` facts; ids are ``run-number``, so they repeat."""
    return [
        Order(
            id=f"{run}-{row['id']}",
            symbol=panel.symbols[row["symbol"]],
            ts=int(panel.ts[row["bar"]]),
            qty=float(row["qty"]),
            order_type=OrderType(int(row["order_type"])),
            reason=Reason(int(row["reason"])),
            filled_qty=float(row["filled_qty"]),
        )
        for row in orders
    ]


def fill_facts(fills: Records, panel: Panel, run: str) -> list[Fill]:
    """Rows of ``FILL`` as :class:`Fill` facts."""
    return [
        Fill(
            order_id=f"{run}-{row['order']}",
            symbol=panel.symbols[row["symbol"]],
            ts=int(panel.ts[row["bar"]]),
            qty=float(row["qty"]),
            price=float(row["price"]),
            mid=float(row["mid"]),
            fee=float(row["fee"]),
        )
        for row in fills
    ]


def empty(dtype: np.dtype[Any]) -> Records:
    """Record array without rows."""
    return np.empty(0, dtype)

"""The simulator one bar at a time, while the market is open: the very loop of a backtest.

What a strategy prepares, what orders are sized and charged with, is made anew at each bar from
everything known by then; where a strategy or the terms can do with less, only the new row is made.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine import spreads
from tradewind.engine.compiling import compiled_with
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import InvariantError
from tradewind.engine.executors import kernel
from tradewind.engine.executors import state as states
from tradewind.engine.executors.callback import Caller
from tradewind.engine.executors.callback import rule as called_rule
from tradewind.engine.executors.paper_orders import PaperOrders, states_rate
from tradewind.engine.executors.reference import check_status, compiled_kernel
from tradewind.engine.executors.terms import constant_terms
from tradewind.engine.executors.terms import market as market_of
from tradewind.engine.executors.terms import terms as terms_of
from tradewind.engine.features.stream import Row
from tradewind.engine.growing import Growing, GrowingPanel
from tradewind.engine.live_doors import RowByRow
from tradewind.engine.protocols import Signals, Strategy, has_rule
from tradewind.engine.records import Floats, Ints, Panel, Records
from tradewind.engine.types import Reason

NOBODY = np.empty(0, np.int64)
NOBODY_ASKED = 2**62  # a first bar of decision that never comes


class Step(NamedTuple):
    """What one bar brought.

    Attributes
    ----------
    bar : int
        Row of the panel.
    asked : ndarray of int64
        Numbers of the orders decided at its close that will work from the next bar on.
    changed : ndarray of int64
        Numbers of all orders of which anything changed, the new ones among them.
    fills, happenings : record arrays of FILL and EVENT
    equity, cash, gross : float
        At its close, account currency.
    """

    bar: int
    asked: Ints
    changed: Ints
    fills: Records
    happenings: Records
    equity: float
    cash: float
    gross: float


class PaperBook(PaperOrders):
    """One strategy's account at a market that is open.

    Parameters
    ----------
    config : RunConfig
    strategy : Strategy
    history : Panel
        Everything before the first step.
    bars_per_year : float
        Of the history: what comes later must not change what a volatility target means.
    start : int
        First row at whose close the strategy is asked.
    at_a_venue : bool
        Whether somebody else fills the orders.
    """

    def __init__(
        self,
        config: RunConfig,
        strategy: Strategy,
        history: Panel,
        *,
        bars_per_year: float,
        start: int,
        at_a_venue: bool = False,
    ) -> None:
        self.config, self.strategy, self.start = config, strategy, start
        self.bars_per_year = bars_per_year
        self.bars = GrowingPanel(history)
        self.log = states.new_log(history.n_symbols)
        memory = int(getattr(strategy, "memory", 0))
        self.state = states.new_state(
            2 * history.n_bars + 256, history.n_symbols, config.account.cash, memory
        )
        self.state.count[states.BAR] = history.n_bars - 1
        self._shelves = {}
        self.make_room(0)
        self.state.equity_curve[: history.n_bars] = config.account.cash
        self.state.money[states.LAST] = config.account.cash
        self._caller = None if has_rule(strategy) else Caller(strategy, None, self.state)
        self._loop = self._compiled(strategy, at_a_venue)
        self._inputs: Any = None
        self._rows: dict[str, Growing] = {}
        self._terms: states.Terms | None = None
        self._leaves: Growing | None = None
        self._open, self._known, self._ended = np.empty(0, np.int64), 0, _outcomes(NOBODY)
        self._quoted = -1, np.empty(0)  # (row, last closes by then)
        self.terms: Any = None
        self.market: Any = None

    def _compiled(self, strategy: Strategy, at_a_venue: bool) -> Callable[..., int]:
        rule = strategy.rule if has_rule(strategy) else called_rule
        if at_a_venue:
            loop = compiled_with(kernel.walk, rule, kernel.with_rule_at_a_venue)
        else:
            loop = compiled_kernel(rule)
        return loop if self._caller is None else self._caller.bound(loop)

    @property
    def panel(self) -> Panel:
        """Everything known so far."""
        return self.bars.panel

    @property
    def fills(self) -> Records:
        """Every fill so far."""
        return np.asarray(self.log.fills[: self.state.count[states.FILLS]])

    @property
    def happenings(self) -> Records:
        """Carry, corporate actions, margin calls, cuts and ambiguous bars so far."""
        return np.asarray(self.log.events[: self.state.count[states.EVENTS]])

    @property
    def equity(self) -> Floats:
        """Account value at each close, shape (n_bars,)."""
        return np.asarray(self.state.equity_curve[: self.panel.n_bars])

    def take(self, row: Row, leaving: Sequence[int] = ()) -> Panel:
        """Put the next bar behind the others; :meth:`step` then trades it."""
        self.bars.append(row, leaving)
        return self.panel

    def step(self, signals: Signals, *, asks: bool = True) -> Step:
        """Trade the newest bar: orders meet it, then the strategy decides at its close.

        Parameters
        ----------
        signals : Signals
            With a row for each bar of the panel.
        asks : bool
            Whether the strategy is asked; what works goes on working either way.

        Raises
        ------
        StrategyError
            If the strategy breaks its contract, naming bar and symbol.
        """
        panel, t = self.panel, self.panel.n_bars - 1
        self._make_room(panel.n_bars)
        self.look(signals)
        count = self.state.count
        before = tuple(int(count[k]) for k in (states.ORDERS, states.FILLS, states.EVENTS))
        open_before = self.unended()
        was = self.log.orders[open_before].copy()
        self._walk(self.start if asks else NOBODY_ASKED)
        if count[states.BAR] != t:
            raise InvariantError(f"bar {t} was not walked; the loop stands at {count[states.BAR]}")
        self.give_back()
        return self._told(t, before, open_before, was)

    def _walk(self, start: int) -> None:
        params = self._caller.params if self._caller else self.strategy.params  # type: ignore[attr-defined]
        given = () if self._caller else self._inputs
        if self._caller:
            self._caller.inputs = self._inputs
        room = 3 * states.room_of_a_bar(len(self.state.qty))
        code = states.NO_ROOM
        while code == states.NO_ROOM:
            code = self._loop(
                self.market, given, params, self.terms, self.state, self.log, start, True
            )
            if code == states.NO_ROOM:
                self.make_room(room)
        self.state.count[states.CODE] = code
        check_status(self.state, self.strategy, self.panel)

    def _make_room(self, n_bars: int) -> None:
        curve = self.state.equity_curve
        if n_bars > len(curve):
            larger = np.empty(2 * n_bars)
            larger[: len(curve)] = curve
            self.state = self.state._replace(equity_curve=larger)
            if self._caller:
                self._caller.state = self.state

    def look(self, signals: Signals) -> None:
        """Make what the loop reads, for all bars or, where that is enough, for the newest."""
        panel = self.panel
        self.market = self._market(panel)
        if self._terms is None:
            self.terms = terms_of(self.config, panel, self.bars_per_year, signals)
            self._terms = self.terms if constant_terms(self.terms) else None
        if self._rows:
            strategy: Any = self.strategy  # one that prepares row by row, or there were no rows
            for name, row in strategy.prepare_next(self._inputs, panel, signals).items():
                self._rows[name].append(row)
            fresh = {name: grown.view for name, grown in self._rows.items()}
            self._inputs = self._inputs._replace(**fresh)
            return
        self._inputs = self.strategy.prepare(panel, signals)
        if isinstance(self.strategy, RowByRow):  # asking a protocol takes long: once is enough
            self._rows = {
                name: Growing(getattr(self._inputs, name)) for name in self.strategy.row_by_row
            }

    def _market(self, panel: Panel) -> states.Market:
        """Market of everything so far; a plain one is the last one with a row more."""
        old = self.market
        if old is None or old.foreign or old.quoted or old.actions.by_bar:
            self._leaves = None
            return market_of(self.config, spreads.traded_on(self.config.costs.spread, panel))
        if self._leaves is None:
            self._leaves = Growing(old.leaves)
        for t in range(len(self._leaves.view), panel.n_bars):
            self._leaves.append(bool((panel.ends == t).any()))
        grown: states.Market = old._replace(
            ts=panel.ts, open=panel.open, high=panel.high, low=panel.low, close=panel.close,
            volume=panel.volume, ends=panel.ends, leaves=self._leaves.view,
        )  # fmt: skip
        return grown

    def unended(self) -> Ints:
        """Numbers of the orders that work or sleep."""
        n = int(self.state.count[states.ORDERS])
        maybe = np.concatenate([self._open, np.arange(self._known, n)])
        reasons = self.log.orders["reason"][maybe]
        self._open = maybe[reasons == states.WORKING]
        self._ended += _outcomes(reasons)
        self._known = n
        return self._open

    def outcomes(self) -> Ints:
        """How many orders have ended for each :class:`Reason`, by its value."""
        n = int(self.state.count[states.ORDERS])
        maybe = np.concatenate([self._open, np.arange(self._known, n)])
        return np.asarray(self._ended + _outcomes(self.log.orders["reason"][maybe]))

    def _told(self, t: int, before: tuple[int, ...], numbers: Ints, was: Records) -> Step:
        orders, count = self.log.orders, self.state.count
        now = orders[numbers]
        size = now.dtype.itemsize
        same = (
            (now.view(np.uint8).reshape(-1, size) == was.view(np.uint8).reshape(-1, size)).all(1)
            if len(numbers) else np.empty(0, bool)
        )  # fmt: skip
        new = np.arange(before[0], count[states.ORDERS])
        works = orders["reason"][new] == states.WORKING
        return Step(
            bar=t,
            asked=new[works],
            changed=np.concatenate([numbers[~same], new]).astype(np.int64),
            fills=self.log.fills[before[1] : count[states.FILLS]].copy(),
            happenings=self.log.events[before[2] : count[states.EVENTS]].copy(),
            equity=float(self.state.equity[0]),
            cash=float(self.state.money[states.CASH]),
            gross=self.gross(),
        )

    def quotes(self) -> Floats:
        """Last close of each symbol in its own currency, shape (n_symbols,)."""
        t, close = self.panel.n_bars - 1, self.market.close
        if self._quoted[0] != t:
            found = np.array(close[t])
            for k in np.flatnonzero(np.isnan(found)):
                found[k] = states.last_price(close, t, k)
            self._quoted = t, found
        return self._quoted[1]

    def prices(self) -> Floats:
        """Last close of each symbol in the account's currency, shape (n_symbols,)."""
        t, market, found = self.panel.n_bars - 1, self.market, self.quotes()
        if not market.foreign:
            return found
        rates = [states_rate(market, t, k) for k in range(len(found))]
        return np.asarray(found * np.array(rates))

    def gross(self) -> float:
        """Sum of |value| of what is held, account currency."""
        held = self.state.held[: self.state.count[states.HELD]]
        return float(np.abs(self.state.qty[held] * self.prices()[held]).sum())

    def dump(self) -> dict[str, Any]:
        """Everything that a restart needs besides the bars, as arrays."""
        n_orders, n_fills, n_events = (
            int(self.state.count[k]) for k in (states.ORDERS, states.FILLS, states.EVENTS)
        )
        found = {f"state_{name}": value for name, value in self.state._asdict().items()}
        found["state_equity_curve"] = self.equity
        return found | {
            "orders": self.log.orders[:n_orders],
            "fills": self.log.fills[:n_fills],
            "events": self.log.events[:n_events],
            "working": np.asarray(self.working),
        }

    def load(self, arrays: Mapping[str, Any]) -> None:
        """Take over what was dumped when the panel had as many bars as now."""
        self._open, self._known, self._ended = np.empty(0, np.int64), 0, _outcomes(NOBODY)
        for name, value in self.state._asdict().items():
            given = arrays[f"state_{name}"]
            if name == "equity_curve":
                self._make_room(len(given))
                self.state.equity_curve[: len(given)] = given
            else:
                value[...] = given
        needed = max(len(arrays[name]) for name in ("orders", "fills", "events", "working"))
        while any(len(records) < needed for records in self.log):
            self.make_room(needed)
        for name in ("orders", "fills", "events", "working"):
            getattr(self.log, name)[: len(arrays[name])] = arrays[name]


def _outcomes(reasons: Ints) -> Ints:
    """How many of each reason but that of an order that has not ended."""
    counts = np.bincount(reasons, minlength=max(Reason) + 1)
    counts[states.WORKING] = 0
    return counts

"""Run a strategy under ``rules: backtrader``: the compiled twin of plain backtrader.

The door for a strategy is the one it has under ``rules: tradewind``; what a wish becomes is in
docs/backtrader-rules.md: an ORDER is ``buy`` or ``sell`` (a bracket where it brings a stop or a
target), a TARGET is ``order_target_percent``, a CANCEL is ``cancel``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradewind.engine.books.ledger import Curves, Prices, balance, fold, nothing_held
from tradewind.engine.compiling import compiled, compiled_with
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors import backtrader_kernel as kernel
from tradewind.engine.executors import backtrader_state as states
from tradewind.engine.executors.backtrader_book import OVER
from tradewind.engine.executors.backtrader_options import (
    Options,
    check_volume,
    options_of,
    rules_of,
    schemes_of,
)
from tradewind.engine.executors.callback import Caller
from tradewind.engine.executors.callback import rule as called_rule
from tradewind.engine.executors.compile_errors import explained, is_refusal
from tradewind.engine.protocols import Book, Rule, Strategy, has_rule
from tradewind.engine.records import Floats, Panel, Simulation
from tradewind.engine.series import Series, series

__all__ = ["Options", "Outcome", "options_of", "outcome", "simulate"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A simulation, and what only backtrader says of an order.

    Attributes
    ----------
    simulation : Simulation
    statuses : ndarray of int64, shape (n_orders,)
        ``backtrader.Order.Status`` of each order at the end.
    fill_prices : ndarray of float64, shape (n_orders,)
        ``order.executed.price``.
    stale : int
        Orders that something happened to on a bar that was over already.
    """

    simulation: Simulation
    statuses: Any
    fill_prices: Any
    stale: int


def simulate(
    strategy: Strategy, inputs: Any, panel: Panel, options: Options, *, start: int
) -> Simulation:
    """Run one strategy over one panel.

    Parameters
    ----------
    strategy : Strategy
        Compiled if it offers a ``rule``, else its ``decide`` is called from the same loop.
    inputs : NamedTuple
        What ``strategy.prepare`` gave.
    panel : Panel
    options : Options
    start : int
        First bar at whose close the strategy is asked.

    Returns
    -------
    Simulation
        ``equity`` is ``broker.getvalue()``, ``cash`` is ``broker.getcash()``, ``borrow`` the
        interest charged on a bar. A fill stands on the bar it was made on, and its ``fee`` is the
        commission alone; an order's ``fee`` is ``order.executed.comm``, with interest.

    Raises
    ------
    StrategyError
        If the rule cannot be compiled, or asks for what backtrader could not be asked for.
    DataError
        If a filler needs a volume that the panel does not have.
    InvariantError
        If the account value is not what the fills come to, where backtrader's own adds up.
    """
    found = outcome(strategy, inputs, panel, options, start=start).simulation
    check_books(found, panel, options)
    return found


def check_books(found: Simulation, panel: Panel, options: Options) -> None:
    """Prove the account value from fills and interest alone; raises InvariantError.

    Left out where backtrader's own value does not add up: a future's margin that follows its price
    is paid at one and valued at another, and leverage divides what is not bound.
    """
    schemes = [options.scheme(symbol) for symbol in panel.symbols]
    if all(s.is_stock or (s.automargin == 0.0 and s.leverage == 1.0) for s in schemes):
        fold(
            panel, options.cash, found.equity, found.orders, found.fills, found.events,
            fx=_mult(panel, options),
        )  # fmt: skip


def outcome(
    strategy: Strategy, inputs: Any, panel: Panel, options: Options, *, start: int
) -> Outcome:
    """Run as :func:`simulate` does, and give backtrader's own states and prices of orders too."""
    check_volume(panel, options)
    state = states.new_state(panel.n_bars, panel.n_symbols, options.cash, memory_of(strategy))
    log, market = states.new_log(panel.n_symbols), states.market_of(panel)
    terms = states.Terms(rules_of(options, panel), schemes_of(options, panel))
    if has_rule(strategy):
        loop = compiled_loop(strategy.rule)
        try:
            code, log = kernel.simulate(
                loop, market, inputs, strategy.params, terms, state, log, start
            )
        except Exception as error:
            if not is_refusal(error):
                raise
            raise explained(error, strategy.rule, type(strategy).__name__) from None
    else:
        with Asked(strategy, inputs, state) as caller:
            loop = caller.bound(compiled_loop(called_rule))
            code, log = kernel.simulate(loop, market, (), caller.params, terms, state, log, start)
    check_code(code, state, strategy, panel)
    return _told(state, log, panel, options)


class Asked(Caller):
    """Calls ``decide`` back with the book of this profile."""

    def __init__(self, strategy: Strategy, inputs: Any, state: Any) -> None:
        super().__init__(strategy, inputs, state)

    def _open(self, log: Any) -> None:
        state: Any = self.state
        self.book = Book(
            state.size, state.equity, state.price, log.orders, log.working, state.n_working,
            state.memory,
        )  # fmt: skip


def memory_of(strategy: Strategy) -> int:
    """Numbers a rule remembers for each symbol."""
    return int(getattr(strategy, "memory", 0))


def compiled_loop(rule: Rule) -> Callable[..., Any]:
    """Return the loop with ``rule`` compiled into it; raises StrategyError."""
    return compiled_with(kernel.walk, rule, kernel.with_rule)  # type: ignore[no-any-return]


def _told(state: states.State, log: states.Log, panel: Panel, options: Options) -> Outcome:
    """Cut the records to what was written."""
    count = state.count
    orders, twins = (rows[: count[states.ORDERS]] for rows in (log.orders, log.twins))
    orders["reason"][twins["status"] < states.COMPLETED] = OVER
    fills, events = log.fills[: count[states.FILLS]], log.events[: count[states.EVENTS]]
    value, cash, interest = state.curves

    def curves() -> tuple[Floats, Floats, Floats]:
        """Cash and interest as they were, exposure folded from the fills."""
        worth = _mult(panel, options)
        prices = Prices(panel.close, worth.values, worth.by_bar, worth.by_symbol)
        made = Curves(value, np.empty_like(value), np.empty_like(value), np.zeros_like(value))
        compiled(balance)(prices, options.cash, fills, events, made, nothing_held(panel))
        return cash, made.gross, interest

    found = Simulation(value, orders, fills, events, None, curves)
    return Outcome(
        found, twins["status"].copy(), twins["fill_price"].copy(), int(count[states.STALE])
    )


def _mult(panel: Panel, options: Options) -> Series:
    """Currency a point, by symbol."""
    worth = [options.scheme(symbol).mult for symbol in panel.symbols]
    return series(worth, panel.n_bars, panel.n_symbols, "mult")


FAULTS = {
    states.BAD_WEIGHT: "asked for a weight of {name} that is not a finite number",
    states.BAD_SYMBOL: "named {name}; wanted a column of the panel",
    states.TOO_MANY: "wrote more wishes than its buffer holds; a rule may write len(intents)",
    states.BAD_ACTION: "asked for an action of {name} that backtrader has not; wanted TARGET, "
    "ORDER, or CANCEL with the number of an order or -1. To replace an order, cancel it and send "
    "another",
    states.BAD_TYPE: "asked for an order type of {name} that does not exist; wanted 0 to 5",
    states.BAD_TIME: "asked for a time in force of {name} that backtrader has not; wanted GTC, "
    "DAY or GTD",
    states.BAD_PRICE: "sent an order for {name} with a price that is infinite or that its type "
    "does not look at; limit, stop and trail belong to the types of their name",
    states.NO_REDUCE_ONLY: "asked for a reduce-only order of {name}; backtrader has none",
    states.BARE_TARGET: "gave a TARGET of {name} a stop or a target; backtrader's "
    "order_target_percent takes none: send an ORDER with them, which is a bracket",
    states.BAD_GROUP: "gave an order of {name} an OCO number below 0; 0 is no group",
    states.BAD_SIZE: "sent an order for {name} without a finite quantity; give qty, or NaN and a "
    "weight of 1 or -1 so that the sizer decides",
}


def check_code(code: int, state: states.State, strategy: Strategy, panel: Panel) -> None:
    """Raise StrategyError for what the rule did wrong, naming bar and symbol."""
    if code == states.FINE:
        return
    bar, k = int(state.count[states.LAST]), int(state.count[states.SYMBOL])
    name = panel.symbols[k] if 0 <= k < panel.n_symbols else f"column {k}"
    raise StrategyError(
        f"{type(strategy).__name__}: at bar {bar} ({panel.dates[bar]}) the strategy "
        f"{FAULTS[code].format(name=name)}"
    )

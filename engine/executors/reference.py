"""Run a strategy through the reference simulator: its rule compiled, or ``decide`` called back."""

from collections.abc import Callable
from typing import Any

from tradewind.engine.books.fill_checks import Rules
from tradewind.engine.books.ledger import fold
from tradewind.engine.compiling import compiled_with
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors import kernel
from tradewind.engine.executors import state as states
from tradewind.engine.executors.callback import Caller
from tradewind.engine.executors.callback import rule as called_rule
from tradewind.engine.protocols import Rule, Strategy, has_rule
from tradewind.engine.records import Panel, Simulation


def simulate(
    strategy: Strategy,
    inputs: Any,
    panel: Panel,
    terms: states.Terms,
    *,
    start: int,
    market: states.Market | None = None,
) -> Simulation:
    """Run one strategy over one panel.

    Parameters
    ----------
    strategy : Strategy
        Compiled if it offers a ``rule``, else its ``decide`` is called from the same loop.
    inputs : NamedTuple
        What ``strategy.prepare`` gave.
    panel : Panel
    terms : Terms
    start : int
        First bar at whose close the strategy is asked.
    market : Market, optional
        With currencies, corporate actions and finer bars; by default the panel alone.

    Raises
    ------
    StrategyError
        If the rule cannot be compiled (naming its line), or asks for something impossible (naming
        bar and symbol).
    InvariantError
        If the books do not balance.
    """
    market = states.market_of(panel) if market is None else market
    memory = int(getattr(strategy, "memory", 0))
    state = states.new_state(panel.n_bars, panel.n_symbols, terms.account.cash, memory)
    log = states.new_log(panel.n_symbols)
    if has_rule(strategy):
        loop, params = compiled_kernel(strategy.rule), strategy.params
        try:
            log = kernel.simulate(loop, market, inputs, params, terms, state, log, start)
        except Exception as error:
            from tradewind.engine.executors.compile_errors import explained, is_refusal

            if not is_refusal(error):
                raise
            raise explained(error, strategy.rule, type(strategy).__name__) from None
    else:
        with Caller(strategy, inputs, state) as caller:
            loop = caller.bound(compiled_kernel(called_rule))
            log = kernel.simulate(loop, market, (), caller.params, terms, state, log, start)
    check_status(state, strategy, panel)
    return fold(
        panel, terms.account.cash, state.equity_curve, log.orders, log.fills, log.events,
        sums=state.sums, fx=market.fx_close if market.foreign else None, rules=rules_of(terms),
    )  # fmt: skip


def rules_of(terms: states.Terms) -> Rules:
    """What the fills of a run are held to."""
    return Rules(terms.costs, terms.execution.tick, terms.account.cash_only)


def compiled_kernel(rule: Rule) -> Callable[..., Any]:
    """Return the loop with ``rule`` compiled into it; raises StrategyError."""
    return compiled_with(kernel.walk, rule, kernel.with_rule)  # type: ignore[no-any-return]


def check_status(state: states.State, strategy: Strategy, panel: Panel) -> None:
    """Raise StrategyError for what the rule did wrong, naming bar and symbol."""
    code = int(state.count[states.CODE])
    if code == states.FINE:
        return
    bar, k = int(state.count[states.BAR]), int(state.count[states.SYMBOL])
    name = panel.symbols[k] if 0 <= k < panel.n_symbols else f"column {k}"
    found = {
        states.NAN_WEIGHT: f"asked for a weight or quantity of {name} that is not a finite number; "
        "name a symbol only when there is a number to trade on",
        states.BAD_SYMBOL: f"named {name}; the panel has columns 0 to {panel.n_symbols - 1}",
        states.TOO_MANY: f"wrote more intents than there is room for ({len(state.intents)})",
        states.BAD_KIND: f"wrote a wish for {name} with an unknown action, order type or time in "
        "force, or a target with a quantity or reduce_only of its own (send an ORDER for that)",
        states.ASKED_TWICE: f"wrote two targets for {name}; write one for each symbol",
    }[code]
    raise StrategyError(
        f"{type(strategy).__name__}: at bar {bar} ({panel.dates[bar]}) the strategy {found}"
    )

"""Run a strategy through the reference simulator, compiled where it can be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tradewind.engine.compiling import compiled, compiled_with
from tradewind.engine.config import RunConfig, VolatilityTargetConfig
from tradewind.engine.costs import costs
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors import kernel
from tradewind.engine.executors import state as states
from tradewind.engine.intents import INTENT
from tradewind.engine.ledger import fold
from tradewind.engine.protocols import CompiledStrategy, Rule, Strategy, View
from tradewind.engine.records import Floats, Panel, Simulation
from tradewind.engine.sizing import Sizing, ewma_volatility

NO_VOL = np.zeros((1, 1))


def bars_needed(strategy: Strategy, config: RunConfig) -> int:
    """Closed bars needed before the first decision: the strategy's and the sizing's."""
    lookback = config.sizing.lookback if isinstance(config.sizing, VolatilityTargetConfig) else 0
    return max(strategy.warmup, lookback + 1)


def terms(config: RunConfig, panel: Panel, bars_per_year: float) -> states.Terms:
    """Costs, sizing and account of a config in the units of the kernel.

    Parameters
    ----------
    config : RunConfig
    panel : Panel
    bars_per_year : float
        Turns annual volatility into that of one bar.
    """
    account = config.account
    return states.Terms(
        costs(
            config.costs.fee_bps,
            config.costs.spread.bps,
            config.costs.slippage_bps,
            config.costs.borrow_annual,
        ),
        _sizing(config, panel.n_symbols, bars_per_year),
        states.Account(
            account.cash,
            account.max_leverage,
            account.on_short_cash == "reject",
            config.data.delisting_return,
        ),
        _volatility(config, panel.close),
    )


def _sizing(config: RunConfig, n_symbols: int, bars_per_year: float) -> Sizing:
    rule, account = config.sizing, config.account
    lot = 0.0 if account.fractional else account.lot
    if isinstance(rule, VolatilityTargetConfig):
        share = rule.share or 1.0 / n_symbols
        vol = rule.vol_annual / float(np.sqrt(bars_per_year))
        return Sizing(share, rule.max_weight, vol, lot, account.min_notional)
    return Sizing(rule.weight or 1.0 / n_symbols, rule.max_weight, 0.0, lot, account.min_notional)


def _volatility(config: RunConfig, close: Floats) -> Floats:
    if not isinstance(config.sizing, VolatilityTargetConfig):
        return NO_VOL
    return compiled(ewma_volatility)(close, config.sizing.lookback)  # type: ignore[no-any-return]


def simulate(
    strategy: Strategy, inputs: Any, panel: Panel, terms: states.Terms, *, start: int
) -> Simulation:
    """Run one strategy over one panel.

    Parameters
    ----------
    strategy : Strategy
        Compiled if it offers a ``rule``, else its ``decide`` runs in the same loop, interpreted.
    inputs : NamedTuple
        What ``strategy.prepare`` gave.
    panel : Panel
    terms : Terms
    start : int
        First bar at whose close the strategy is asked.

    Raises
    ------
    StrategyError
        If the rule cannot be compiled (naming its line), or asks for something impossible (naming
        bar and symbol).
    """
    market = states.market_of(panel)
    state = states.new_state(panel.n_bars, panel.n_symbols, terms.account.cash)
    params = getattr(strategy, "params", None)
    with _translated(strategy):
        orders, fills = kernel.simulate(
            loop_for(strategy), market, inputs, params, terms, state, start
        )
    check_status(state, strategy, panel)
    return fold(panel, terms.account.cash, state.equity_curve, state.borrow_curve, orders, fills)


def loop_for(strategy: Strategy) -> Callable[..., Any]:
    """Return the loop bound to a strategy's rule, or to its ``decide``."""
    if isinstance(strategy, CompiledStrategy):
        return compiled_kernel(strategy.rule)
    return kernel.with_rule(as_rule(strategy))


def compiled_kernel(rule: Rule) -> Callable[..., Any]:
    """Return the loop with ``rule`` compiled into it; raises StrategyError."""
    return compiled_with(kernel.walk, rule, kernel.with_rule)  # type: ignore[no-any-return]


def as_rule(strategy: Strategy) -> Rule:
    """Wrap ``decide`` so that it can be called as a rule is: facts in, rows of INTENT out."""

    def rule(bar: int, inputs: Any, params: Any, book: Any, intents: Any) -> int:
        del params
        n = 0
        for n, wish in enumerate(strategy.decide(View(bar, inputs, book)), 1):
            if n > len(intents):
                break
            intents[n - 1] = tuple(getattr(wish, name) for name in INTENT.names or ())
        return n

    return rule


@contextmanager
def _translated(strategy: Strategy) -> Iterator[None]:
    """Turn a refusal by numba into an error that names the user's line."""
    try:
        yield
    except Exception as error:
        if not type(error).__module__.startswith("numba"):
            raise
        lines = [text.strip() for text in str(error).splitlines() if text.strip()]
        where = next((text for text in lines if text.startswith("File ")), "its rule")
        what = next((t for t in lines if "Error" not in t and not t.startswith("Failed")), lines[0])
        raise StrategyError(
            f"{type(strategy).__name__}: numba cannot compile {where.rstrip(':')} {what}\n"
            "Rewrite that line in the subset numba supports, or leave out the 'rule' property: "
            "'decide' alone then runs through the same simulator, interpreted."
        ) from None


def check_status(state: states.State, strategy: Strategy, panel: Panel) -> None:
    """Raise StrategyError for what the rule did wrong, naming bar and symbol."""
    code = int(state.count[states.CODE])
    if code == states.FINE:
        return
    bar, k = int(state.count[states.BAR]), int(state.count[states.SYMBOL])
    name = panel.symbols[k] if 0 <= k < panel.n_symbols else f"column {k}"
    found = {
        states.NAN_WEIGHT: f"asked for a weight of {name} that is not a finite number; "
        "name a symbol only when there is a number to trade on",
        states.BAD_SYMBOL: f"named {name}; the panel has columns 0 to {panel.n_symbols - 1}",
        states.TOO_MANY: f"wrote more intents than there are symbols ({panel.n_symbols}); "
        "write at most one for each",
        states.NOT_MARKET: f"asked for more than a market order of {name}; limit, stop, trail, "
        "take_profit and expiry_bars are not filled yet: leave them out, or they would be ignored",
        states.ASKED_TWICE: f"named {name} twice; write one intent for each symbol",
    }[code]
    raise StrategyError(
        f"{type(strategy).__name__}: at bar {bar} ({panel.dates[bar]}) the strategy {found}"
    )

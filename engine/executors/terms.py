"""From a config to what the simulators read: costs, sizing, account, execution, market."""

from math import inf
from typing import Any

import numpy as np

from tradewind.engine.bars.adjusting import DIVIDEND, SPLIT, forward_adjusted, has_actions
from tradewind.engine.config.run import RunConfig
from tradewind.engine.executors import state as states
from tradewind.engine.executors.cost_terms import by_symbol, costs_of
from tradewind.engine.executors.sizing_terms import bars_of_sizing, sizing_of
from tradewind.engine.feeds.beside import with_rates
from tradewind.engine.feeds.borrow_rates import check_symbols
from tradewind.engine.feeds.exchange_rates import CLOSE, OPEN
from tradewind.engine.protocols import Signals, Strategy
from tradewind.engine.records import Floats, Panel
from tradewind.engine.series import Series, series

NO_SIGNALS = Signals()
INTRABAR = {"worst": states.WORST, "best": states.BEST, "path": states.BY_PATH}


def bound_of(intrabar: str, *, best: bool) -> int:
    """Value of ``Execution.intrabar`` that sends every ambiguous bar one way.

    With ``intrabar: path`` only what the finer bars leave open goes that way.
    """
    if intrabar == "path":
        return states.BEST_OF_PATH if best else states.BY_PATH
    return states.BEST if best else states.WORST


def bars_needed(strategy: Strategy, config: RunConfig) -> int:
    """Closed bars needed before the first decision: the strategy's and the sizing's."""
    return max(strategy.warmup, bars_of_sizing(config.sizing))


def terms(
    config: RunConfig, panel: Panel, bars_per_year: float, signals: Signals = NO_SIGNALS
) -> states.Terms:
    """Costs, sizing, account and execution of a config in the units of the kernel.

    Parameters
    ----------
    config : RunConfig
    panel : Panel
        Rates of exchange and of borrowing are read from the config's files unless it has them
        (:func:`tradewind.engine.feeds.beside.with_rates`).
    bars_per_year : float
        Turns annual volatility into that of one bar.
    signals : Signals
        Forecasts, for a sizing that reads them.

    Raises
    ------
    UnknownSymbolError
        If a key names a symbol that the panel does not have.
    DataError
        If a file that the config names cannot be used.
    """
    panel = with_rates(config, panel)
    return states.Terms(
        costs=costs_of(config, panel),
        sizing=sizing_of(config, forward_adjusted(panel), bars_per_year, signals),
        account=_account(config, panel),
        execution=_execution(config, panel),
    )


def market(config: RunConfig, panel: Panel, *, path: states.Path = states.NO_PATH) -> states.Market:
    """Bars of a panel with its currencies, splits and dividends, as the kernel reads them.

    Parameters
    ----------
    config : RunConfig
    panel : Panel
        As for :func:`terms`.
    path : Path
        Finer bars, for ``execution.intrabar: path``.

    Raises
    ------
    DataError
        If a file that the config names cannot be used.
    """
    panel = with_rates(config, panel)
    fx = None
    if CLOSE in panel.columns:
        at_open, at_close = (_rates(panel, name) for name in (OPEN, CLOSE))
        fx = at_open, at_close
    return states.market_of(panel, fx=fx, actions=actions_on(panel), path=path)


def _rates(panel: Panel, name: str) -> Series:
    """Rates of exchange; 1 where a symbol does not trade, since 0 units times NaN is no worth."""
    rates = panel.columns[name]
    return series(np.where(np.isnan(rates), 1.0, rates), panel.n_bars, panel.n_symbols, name)


def actions_on(panel: Panel) -> states.Actions:
    """Splits and dividends of a panel of raw prices; none where its prices are adjusted."""
    if not has_actions(panel):
        return states.NO_ACTIONS
    split = np.where(np.isnan(panel.columns[SPLIT]), 1.0, panel.columns[SPLIT])
    dividend = np.where(np.isnan(panel.columns[DIVIDEND]), 0.0, panel.columns[DIVIDEND])
    some = ((split != 1.0) | (dividend != 0.0)).any(axis=1)

    def given(values: Floats) -> Series:
        return series(values, panel.n_bars, panel.n_symbols, "data.actions")

    return states.Actions(some, 1, given(split), given(dividend))


def _account(config: RunConfig, panel: Panel) -> states.Account:
    account = config.account
    check_symbols(account.not_shortable, panel, "account.not_shortable")
    return states.Account(
        account.cash,
        account.max_leverage,
        account.on_short_cash == "reject",
        config.data.delisting_return,
        account.kind == "cash",
        account.maintenance_margin,
        np.array([symbol not in account.not_shortable for symbol in panel.symbols]),
    )


def _execution(config: RunConfig, panel: Panel) -> states.Execution:
    given = config.execution
    return states.Execution(
        given.participation or inf,
        given.rest == "carry",
        given.through_ticks,
        by_symbol(given.tick, 0.0, panel, "execution.tick"),
        INTRABAR[given.intrabar],
    )


def constant_terms(terms: states.Terms) -> bool:
    """Whether nothing that orders are sized and charged with differs from bar to bar."""
    return not any(_by_bar(part) for part in terms)


def _by_bar(value: Any) -> bool:
    if hasattr(value, "by_bar") and hasattr(value, "values"):
        return bool(value.by_bar)
    if isinstance(value, tuple):
        return any(_by_bar(part) for part in value)
    return False

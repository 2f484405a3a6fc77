"""From a config to what the simulators read: costs, sizing, account, execution, market."""

from math import inf

import numpy as np

from tradewind.engine.config import RunConfig
from tradewind.engine.costs import DAYS_PER_YEAR, Costs, costs
from tradewind.engine.executors import state as states
from tradewind.engine.executors.sizing_terms import bars_of_sizing, sizing_of
from tradewind.engine.protocols import Signals, Strategy
from tradewind.engine.records import Panel
from tradewind.engine.series import constant
from tradewind.engine.spreads import half_spread

NO_SIGNALS = Signals()
INTRABAR = {"worst": states.WORST, "best": states.BEST, "path": states.BY_PATH}


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
    bars_per_year : float
        Turns annual volatility into that of one bar.
    signals : Signals
        Forecasts, for a sizing that reads them.
    """
    return states.Terms(
        costs=_costs(config, panel),
        sizing=sizing_of(config, panel, bars_per_year, signals),
        account=_account(config, panel),
        execution=_execution(config),
    )


def _costs(config: RunConfig, panel: Panel) -> Costs:
    given = config.costs
    plain = costs(given.fee_bps, 0.0, given.slippage_bps, given.borrow_annual)
    return plain._replace(
        half_spread=half_spread(given.spread, panel),
        debit_daily=config.account.debit_annual / DAYS_PER_YEAR,
        credit_daily=config.account.credit_annual / DAYS_PER_YEAR,
    )


def _account(config: RunConfig, panel: Panel) -> states.Account:
    account = config.account
    for symbol in account.not_shortable:
        panel.column(symbol)
    return states.Account(
        account.cash,
        account.max_leverage,
        account.on_short_cash == "reject",
        config.data.delisting_return,
        account.kind == "cash",
        account.maintenance_margin,
        np.array([symbol not in account.not_shortable for symbol in panel.symbols]),
    )


def _execution(config: RunConfig) -> states.Execution:
    given = config.execution
    return states.Execution(
        given.participation or inf,
        given.rest == "carry",
        given.through_ticks,
        constant(given.tick),
        INTRABAR[given.intrabar],
    )

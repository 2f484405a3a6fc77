"""From a config to what the simulators read: costs, sizing, account, execution, market."""

from math import inf

import numpy as np

from tradewind.engine.compiling import compiled
from tradewind.engine.config import RunConfig
from tradewind.engine.config_sizing import VolatilityTargetConfig
from tradewind.engine.costs import DAYS_PER_YEAR, Costs, costs
from tradewind.engine.executors import state as states
from tradewind.engine.protocols import Strategy
from tradewind.engine.records import Floats, Panel
from tradewind.engine.series import Series, constant
from tradewind.engine.sizing import Sizing, ewma_volatility, fixed_weight

INTRABAR = {"worst": states.WORST, "best": states.BEST, "path": states.BY_PATH}


def bars_needed(strategy: Strategy, config: RunConfig) -> int:
    """Closed bars needed before the first decision: the strategy's and the sizing's."""
    lookback = config.sizing.lookback if isinstance(config.sizing, VolatilityTargetConfig) else 0
    return max(strategy.warmup, lookback + 1)


def terms(config: RunConfig, panel: Panel, bars_per_year: float) -> states.Terms:
    """Costs, sizing, account and execution of a config in the units of the kernel.

    Parameters
    ----------
    config : RunConfig
    panel : Panel
    bars_per_year : float
        Turns annual volatility into that of one bar.
    """
    return states.Terms(
        _costs(config), _sizing(config, panel, bars_per_year), _account(config, panel),
        _execution(config),
    )  # fmt: skip


def _costs(config: RunConfig) -> Costs:
    given = config.costs
    plain = costs(given.fee_bps, given.spread.bps, given.slippage_bps, given.borrow_annual)
    return plain._replace(
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


def _sizing(config: RunConfig, panel: Panel, bars_per_year: float) -> Sizing:
    rule, account = config.sizing, config.account
    lot = 0.0 if account.fractional else account.lot
    if isinstance(rule, VolatilityTargetConfig):
        share = rule.share or 1.0 / panel.n_symbols
        vol = rule.vol_annual / float(np.sqrt(bars_per_year))
        full = Series(share * vol / _volatility(rule, panel.close), 1, int(panel.n_symbols > 1))
    else:
        full = constant(rule.weight or 1.0 / panel.n_symbols)
    plain = fixed_weight(1.0, panel.n_symbols, max_weight=rule.max_weight, lot=lot)
    return plain._replace(full=full, min_notional=account.min_notional)


def _volatility(rule: VolatilityTargetConfig, close: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return compiled(ewma_volatility)(close, rule.lookback)  # type: ignore[no-any-return]

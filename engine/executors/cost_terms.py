"""From the ``costs:`` block of a config to what the simulators charge."""

from collections.abc import Mapping
from math import inf

import numpy as np

from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.config.costs import BorrowConfig
from tradewind.engine.config.fees import AnyFeesConfig, PerShareFeesConfig, TieredFeesConfig
from tradewind.engine.config.run import RunConfig
from tradewind.engine.costs import DAYS_PER_YEAR, Costs, Fees
from tradewind.engine.feeds.borrow_rates import AVAILABLE, RATE, check_symbols
from tradewind.engine.records import Panel
from tradewind.engine.series import Series, constant, series
from tradewind.engine.spreads import half_spread


def costs_of(config: RunConfig, panel: Panel) -> Costs:
    """Costs of a config for a panel that has the columns of its borrow file, if it names one.

    Raises
    ------
    UnknownSymbolError
        If a key names a symbol that the panel does not have.
    """
    slips, borrow, account = config.costs.slippage_rule, config.costs.borrow_rule, config.account
    tick = by_symbol(config.execution.tick, 0.0, panel, "execution.tick")
    spread = config.costs.spread
    seen = forward_adjusted(panel) if spread.kind == "estimated" else panel  # a split is no spread
    return Costs(
        fees=fees_of(config.costs.fee_rule),
        half_spread=half_spread(spread, seen),
        spread_scale=1.0,
        slippage=slips.bps / 1e4,
        slippage_fixed=tick._replace(values=slips.fixed + slips.ticks * tick.values),
        impact=slips.impact,
        borrow_daily=_borrow_daily(borrow, panel),
        borrowable=_borrowable(borrow, panel),
        debit_daily=account.debit_annual / DAYS_PER_YEAR,
        credit_daily=account.credit_annual / DAYS_PER_YEAR,
    )


def fees_of(rule: AnyFeesConfig) -> Fees:
    """Table of rates by value traded in the month; one row where they do not depend on it."""
    if isinstance(rule, TieredFeesConfig):
        tiers = [(t.from_value, t.taker_bps, t.maker_bps, t.per_unit) for t in rule.tiers]
    elif isinstance(rule, PerShareFeesConfig):
        tiers = [(0.0, 0.0, 0.0, rule.per_unit)]
    else:
        tiers = [(0.0, rule.taker_bps, rule.maker_bps, 0.0)]
    return Fees(
        from_value=np.array([value for value, _, _, _ in tiers]),
        taker=np.array([taker / 1e4 for _, taker, _, _ in tiers]),
        maker=np.array([(taker if maker is None else maker) / 1e4 for _, taker, maker, _ in tiers]),
        per_unit=np.array([per_unit for _, _, _, per_unit in tiers]),
        minimum=rule.minimum,
        maximum=inf if rule.maximum is None else rule.maximum,
    )


def by_symbol(given: float | Mapping[str, float], other: float, panel: Panel, key: str) -> Series:
    """One number for all symbols, or one for each of those named and ``other`` for the rest.

    Parameters
    ----------
    given : float or mapping of str to float
    other : float
    panel : Panel
    key : str
        Of the config, for messages.

    Raises
    ------
    UnknownSymbolError
        If a symbol named is none of the panel's.
    """
    if not isinstance(given, Mapping):
        return constant(given)
    check_symbols(given, panel, key)
    values = [given.get(symbol, other) for symbol in panel.symbols]
    return series(values, panel.n_bars, panel.n_symbols, key)


def _borrow_daily(rule: BorrowConfig, panel: Panel) -> Series:
    if RATE in panel.columns:
        daily = panel.columns[RATE] / DAYS_PER_YEAR
        return series(daily, panel.n_bars, panel.n_symbols, "costs.borrow")
    if not rule.symbols:
        return constant(rule.annual / DAYS_PER_YEAR)
    annual = by_symbol(rule.symbols, rule.annual, panel, "costs.borrow.symbols")
    return annual._replace(values=annual.values / DAYS_PER_YEAR)


def _borrowable(rule: BorrowConfig, panel: Panel) -> Series:
    if AVAILABLE in panel.columns:
        return series(panel.columns[AVAILABLE], panel.n_bars, panel.n_symbols, "costs.borrow")
    if not rule.available:
        return constant(inf)
    return by_symbol(rule.available, inf, panel, "costs.borrow.available")

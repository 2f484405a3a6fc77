"""From the ``sizing:`` block of a config to what the simulators size with.

Every estimate is made for all bars at once; row t of it knows bars up to t and nothing later, which
``tests/engine/executors/test_sizing_terms.py`` holds every kind to.
"""

from math import inf, nan

import numpy as np

from tradewind.engine import sizing as kinds
from tradewind.engine.compiling import compiled
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.sizing import (
    AtrRiskConfig,
    FixedNotionalConfig,
    FixedUnitsConfig,
    KellyConfig,
    RiskParityConfig,
    SizingBlock,
    TargetWeightConfig,
    VolatilityTargetConfig,
)
from tradewind.engine.errors import ConfigError
from tradewind.engine.executors.cost_terms import by_symbol
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.engine.series import Series, constant
from tradewind.engine.sizing import Sizing, ewma_volatility
from tradewind.engine.true_range import average_true_range, last_known

LOT = "account.lot"


def bars_of_sizing(rule: SizingBlock) -> int:
    """Closed bars that the estimates of a sizing need before there is a number."""
    if isinstance(rule, VolatilityTargetConfig | RiskParityConfig):
        return rule.lookback + 1  # as many returns
    if isinstance(rule, AtrRiskConfig) and rule.multiple is not None:
        return rule.lookback
    return 1


def sizing_of(config: RunConfig, panel: Panel, bars_per_year: float, signals: Signals) -> Sizing:
    """Sizing of a config for a panel.

    Parameters
    ----------
    config : RunConfig
    panel : Panel
    bars_per_year : float
        Turns annual volatility into that of one bar.
    signals : Signals
        Forecasts for ``kelly``.

    Raises
    ------
    ConfigError
        If a group names a symbol that the data does not have, or ``kelly`` finds no forecasts.
    """
    rule, account = config.sizing, config.account
    kind, full = _full(rule, panel, bars_per_year, signals)
    throttle = rule.throttle
    return Sizing(
        kind=kind,
        full=full,
        distance=_distance(rule, panel),
        vol=_vol(rule, panel),
        max_weight=rule.max_weight,
        group=_groups(rule, panel),
        max_group=inf if rule.caps.group is None else rule.caps.group,
        max_gross=inf if rule.caps.gross is None else rule.caps.gross,
        max_adds=2**31 if rule.pyramiding is None else rule.pyramiding,
        throttle_from=throttle.start if throttle else inf,
        throttle_to=throttle.to if throttle else inf,
        lot=constant(0.0) if account.fractional else by_symbol(account.lot, 1.0, panel, LOT),
        min_notional=account.min_notional,
    )


def _full(
    rule: SizingBlock, panel: Panel, bars_per_year: float, signals: Signals
) -> tuple[int, Series]:
    """Kind, and what it takes at strength 1."""
    match rule:
        case TargetWeightConfig():
            return kinds.WEIGHT, constant(rule.weight or 1.0 / panel.n_symbols)
        case FixedUnitsConfig():
            return kinds.UNITS, constant(rule.units)
        case FixedNotionalConfig():
            return kinds.NOTIONAL, constant(rule.notional)
        case VolatilityTargetConfig():
            share = rule.share or 1.0 / panel.n_symbols
            vol_bar = rule.vol_annual / float(np.sqrt(bars_per_year))
            return kinds.WEIGHT, _by_bar(share * vol_bar / _volatility(panel, rule.lookback))
        case AtrRiskConfig():
            return kinds.RISK, constant(rule.risk)
        case RiskParityConfig():
            return kinds.PARITY, constant(rule.budget)
        case KellyConfig():
            return kinds.KELLY, _by_bar(_kelly(rule, panel, signals))
    raise ConfigError(f"sizing: {type(rule).__name__} has no meaning here")


def _distance(rule: SizingBlock, panel: Panel) -> Series:
    """Distance to a stop that nobody has placed, as a fraction of the close."""
    if not isinstance(rule, AtrRiskConfig) or rule.multiple is None:
        return constant(nan)
    ranges = compiled(average_true_range)(panel.high, panel.low, panel.close, rule.lookback)
    return _by_bar(rule.multiple * ranges / last_known(panel.close))


def _vol(rule: SizingBlock, panel: Panel) -> Series:
    if not isinstance(rule, RiskParityConfig):
        return constant(nan)
    return _by_bar(_volatility(panel, rule.lookback))


def _volatility(panel: Panel, lookback: int) -> Floats:
    """Volatility of one bar; NaN where it is 0 as well: what never moves cannot be sized by it."""
    vol: Floats = compiled(ewma_volatility)(panel.close, lookback)
    vol[vol == 0.0] = np.nan
    return vol


def _kelly(rule: KellyConfig, panel: Panel, signals: Signals) -> Floats:
    """Signed weight of full strength; NaN where there is no forecast."""
    forecasts = signals.forecasts
    if forecasts is None:
        raise ConfigError("sizing.kind kelly needs forecasts: add a forecaster block")
    if forecasts.mean.shape != panel.shape:
        raise ConfigError(
            f"sizing.kind kelly: forecasts have shape {forecasts.mean.shape}, wanted "
            f"{panel.shape}: one row a bar of the data and one column a symbol"
        )
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        full: Floats = rule.fraction * forecasts.mean / (forecasts.std * forecasts.std)
    return full


def _groups(rule: SizingBlock, panel: Panel) -> Ints:
    """Number of each symbol's group, -1 for those in none."""
    found = np.full(panel.n_symbols, -1, np.int64)
    for number, (name, symbols) in enumerate(rule.groups.items()):
        for symbol in symbols:
            if symbol not in panel.symbols:
                raise ConfigError(
                    f"sizing.groups.{name}: the data has no symbol {symbol}; it has "
                    f"{', '.join(panel.symbols[:20])}{' ...' if panel.n_symbols > 20 else ''}"
                )
            found[panel.column(symbol)] = number
    return found


def _by_bar(values: Floats) -> Series:
    return Series(np.ascontiguousarray(values), 1, int(values.shape[1] > 1))

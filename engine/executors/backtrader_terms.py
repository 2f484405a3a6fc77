"""A config in the settings of backtrader's own broker, or the keys it has no setting for.

backtrader knows one slippage, one commission and one rate for shorts. What a config says beyond
that is refused key by key: a cost that is silently left out would be worse than an error.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from tradewind.engine.config.fees import PercentFeesConfig, PerShareFeesConfig, TieredFeesConfig
from tradewind.engine.config.file import Document
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError

EXPRESSED = {
    "costs.fee_bps",
    "costs.fees.kind",  # tiers are told apart below
    "costs.fees.tiers",
    "costs.fees.taker_bps",
    "costs.fees.maker_bps",
    "costs.fees.per_unit",
    "costs.spread.bps",
    "costs.slippage_bps",
    "costs.slippage.bps",
    "costs.slippage.fixed",
    "costs.borrow_annual",
    "costs.borrow.annual",
    "account.cash",
    "account.currency",
}
"""Keys that become settings of the broker; every other one must have its default."""

NO_RULE = "backtrader's broker has no such rule"
WHY = {
    "sizing": "a backtrader strategy sizes its own orders, by the units it asks for or by a sizer",
    "costs": "backtrader's broker has no such cost",
    "account": NO_RULE,
    "execution": NO_RULE,
}
WHY_DATA = {
    "delisting_return": "backtrader goes on holding a symbol that stops trading, at its last close",
    "prices": "backtrader's broker knows no splits and dividends",
    "actions": "backtrader's broker knows no splits and dividends",
    "currencies": "backtrader's broker has one currency",
}

OTHER = "another kind of block"
Keys = tuple[str, ...]


class StockSettings(NamedTuple):
    """What backtrader's broker is set to."""

    cash: float
    slippage: float  # fraction of the price, half-spread included
    half_spread: float  # the part of it that is spread
    slippage_fixed: float  # price units; 0 where there is a fraction
    commission: float  # fraction of value
    per_unit: float  # commission in currency; 0 where there is a fraction
    interest: float  # annual rate on shorts, on their average price


def stock_settings(config: RunConfig, document: Document | None = None) -> StockSettings:
    """Settings of the broker for a config.

    Half-spread and slippage add up to one percentage: backtrader knows no bid and ask.

    Raises
    ------
    ConfigError
        One line for every key that the broker cannot express, at its place.
    """
    document = document or Document("config", Path(), {}, {})
    refused = [str(document.error(path, why)) for path, why in _refused(config)]
    if refused:
        raise ConfigError("\n".join(refused))
    costs, fees = config.costs, config.costs.fee_rule
    half = getattr(costs.spread, "bps", 0.0) / 2e4
    return StockSettings(
        cash=config.account.cash,
        slippage=half + costs.slippage_rule.bps / 1e4,
        half_spread=half,
        slippage_fixed=costs.slippage_rule.fixed,
        commission=fees.taker_bps / 1e4 if isinstance(fees, PercentFeesConfig) else 0.0,
        per_unit=fees.per_unit if isinstance(fees, PerShareFeesConfig) else 0.0,
        interest=costs.borrow_rule.annual,
    )


def _refused(config: RunConfig) -> Iterator[tuple[Keys, str]]:
    """Keys that the broker cannot express, and why."""
    for name, why in WHY.items():
        plain = RunConfig.model_fields[name].get_default(call_default_factory=True)
        for path, found, wanted in _differences(getattr(config, name), plain, (name,)):
            if ".".join(path) not in EXPRESSED:
                yield (
                    path[:-1] if path[-1] == OTHER else path,
                    (f"{found!r} cannot be had: {why}; leave it at {wanted!r}"),
                )
    for name, why in WHY_DATA.items():
        plain = type(config.data).model_fields[name].get_default(call_default_factory=True)
        if getattr(config.data, name) != plain:
            yield ("data", name), f"cannot be had: {why}; leave it out"
    for i, source in enumerate(config.data.sources):
        if source.prices != "adjusted" or source.actions is not None:
            yield ("data", "sources", str(i)), f"cannot be had raw: {WHY_DATA['prices']}"
    yield from _mixtures(config)


def _mixtures(config: RunConfig) -> Iterator[tuple[Keys, str]]:
    """What the broker has one by one, but not together."""
    fees, slip, spread = config.costs.fee_rule, config.costs.slippage_rule, config.costs.spread
    if isinstance(fees, TieredFeesConfig):
        yield ("costs", "fees", "kind"), "tiered cannot be had: backtrader has one rate for all"
    maker = getattr(fees, "maker_bps", None)
    if isinstance(fees, PercentFeesConfig) and maker not in (None, fees.taker_bps):
        what = "backtrader tells makers from takers nowhere; leave it out"
        yield ("costs", "fees", "maker_bps"), what
    if slip.fixed and (slip.bps or getattr(spread, "bps", 0.0)):
        what = (
            "backtrader slips by a percentage or by a fixed amount, not by both; "
            "leave it out, or set costs.spread.bps and costs.slippage.bps to 0"
        )
        yield ("costs", "slippage", "fixed"), what


def _differences(found: Any, plain: Any, path: Keys) -> Iterator[tuple[Keys, Any, Any]]:
    """Leaves in which a block is not what it would be by default."""
    if not isinstance(found, BaseModel):
        if found != plain:
            yield path, found, plain
    elif isinstance(plain, BaseModel) and type(found) is not type(plain):
        kinds = getattr(found, "kind", None), getattr(plain, "kind", None)
        yield (*path, "kind", OTHER), *kinds
    else:
        for name, field in type(found).model_fields.items():
            default = None if field.is_required() else field.get_default(
                call_default_factory=True, validated_data={}
            )  # fmt: skip
            wanted = getattr(plain, name) if isinstance(plain, BaseModel) else default
            yield from _differences(getattr(found, name), wanted, (*path, name))

"""A config in the settings of backtrader's own broker, or the keys it has no setting for.

backtrader knows one slippage, one commission and one rate for shorts. What a config says beyond
that is refused key by key: a cost that is silently left out would be worse than an error.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from tradewind.engine.config import RunConfig
from tradewind.engine.config_file import Document
from tradewind.engine.errors import ConfigError

EXPRESSED = {
    "costs.fee_bps",
    "costs.spread.kind",
    "costs.spread.bps",
    "costs.slippage_bps",
    "costs.borrow_annual",
    "account.cash",
}
"""Keys that become settings of the broker; every other one must have its default."""

WHY = {
    "sizing": "a backtrader strategy sizes its own orders, by the units it asks for or by a sizer",
    "costs": "backtrader's broker has no such cost",
    "account": "backtrader's broker has no such rule",
    "execution": "backtrader's broker has no such rule",
}


class StockSettings(NamedTuple):
    """What backtrader's broker is set to."""

    cash: float
    slippage: float  # fraction of the price, half-spread included
    half_spread: float  # the part of it that is spread
    commission: float  # fraction of value
    interest: float  # annual rate on shorts, on their average price


def stock_settings(config: RunConfig, document: Document | None = None) -> StockSettings:
    """Settings of the broker for a config.

    Half-spread and slippage add up to one percentage: backtrader knows no bid and ask.

    Raises
    ------
    ConfigError
        One line for every key that the broker cannot express, at its place.
    """
    refused = list(_refused(config, document or Document("config", Path(), {}, {})))
    if refused:
        raise ConfigError("\n".join(refused))
    half = config.costs.spread.bps / 2e4
    return StockSettings(
        cash=config.account.cash,
        slippage=half + config.costs.slippage_rule.bps / 1e4,
        half_spread=half,
        commission=(config.costs.fee_bps or 0.0) / 1e4,
        interest=config.costs.borrow_rule.annual,
    )


def _refused(config: RunConfig, document: Document) -> Iterator[str]:
    for name, why in WHY.items():
        block = getattr(config, name)
        plain = RunConfig.model_fields[name].get_default(call_default_factory=True)
        for path, found, wanted in _differences(block, plain, (name,)):
            if ".".join(path) not in EXPRESSED:
                yield str(
                    document.error(path, f"{found!r} cannot be had: {why}; leave it at {wanted!r}")
                )
    if config.data.delisting_return != 0.0:
        where = ("data", "delisting_return")
        why = "backtrader goes on holding a symbol that stops trading, at its last close"
        yield str(document.error(where, f"cannot be had: {why}; leave it at 0"))


def _differences(
    found: Any, plain: Any, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Leaves in which a block is not what it would be by default."""
    if isinstance(found, BaseModel) and type(found) is type(plain):
        for name in type(found).model_fields:
            yield from _differences(getattr(found, name), getattr(plain, name), (*path, name))
    elif isinstance(found, BaseModel) and isinstance(plain, BaseModel):
        yield (*path, "kind"), getattr(found, "kind", None), getattr(plain, "kind", None)
    elif found != plain:
        yield path, found, plain

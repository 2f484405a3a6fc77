"""Which keys of a config backtrader's broker can express, and that all others are refused."""

from typing import Any

import pytest

from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.executors.backtrader_terms import EXPRESSED, stock_settings


def config(**blocks: Any) -> RunConfig:
    return RunConfig.model_validate({"strategy": {"kind": "x"}, **blocks})


def test_half_spread_and_slippage_add_up_and_the_rest_goes_over_as_it_is() -> None:
    found = stock_settings(
        config(
            costs={"fee_bps": 10, "spread": {"bps": 4}, "slippage_bps": 1, "borrow_annual": 0.02},
            account={"cash": 500},
        )
    )
    assert found.cash == 500
    assert found.half_spread == pytest.approx(2e-4)
    assert found.slippage == pytest.approx(3e-4)
    assert found.commission == pytest.approx(1e-3)
    assert found.interest == 0.02
    assert (found.per_unit, found.slippage_fixed) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("costs", "name", "value"),
    [
        ({"fees": {"kind": "percent", "taker_bps": 7.0}}, "commission", 7e-4),
        ({"fees": {"kind": "percent", "taker_bps": 7.0, "maker_bps": 7.0}}, "commission", 7e-4),
        ({"fees": {"kind": "per_share", "per_unit": 0.005}}, "per_unit", 0.005),
        ({"slippage": {"bps": 3.0}}, "slippage", 5e-4),
        ({"slippage": {"fixed": 0.01}, "spread": {"bps": 0}}, "slippage_fixed", 0.01),
        ({"borrow": {"annual": 0.07}}, "interest", 0.07),
    ],
)
def test_the_long_forms_say_the_same(costs: dict[str, Any], name: str, value: float) -> None:
    assert getattr(stock_settings(config(costs=costs)), name) == pytest.approx(value)


@pytest.mark.parametrize(
    ("blocks", "key"),
    [
        ({"costs": {"fees": {"kind": "percent", "maker_bps": 0.5}}}, "costs.fees.maker_bps"),
        ({"costs": {"fees": {"kind": "percent", "minimum": 1.0}}}, "costs.fees.minimum"),
        ({"costs": {"fees": {"kind": "per_share", "per_unit": 0.01, "maximum": 0.01}}},
         "costs.fees.maximum"),
        ({"costs": {"fees": {"kind": "tiered", "tiers": [{"from_value": 0}]}}}, "costs.fees.kind"),
        ({"costs": {"spread": {"kind": "by_symbol", "bps": {"A": 1.0}}}}, "costs.spread.kind"),
        ({"costs": {"spread": {"kind": "estimated"}}}, "costs.spread.kind"),
        ({"costs": {"spread": {"kind": "column"}}}, "costs.spread.kind"),
        ({"costs": {"spread": {"kind": "quotes"}}}, "costs.spread.kind"),
        ({"costs": {"slippage": {"impact": 0.1}}}, "costs.slippage.impact"),
        ({"costs": {"slippage": {"fixed": 0.1}}}, "costs.slippage.fixed"),
        ({"costs": {"borrow": {"symbols": {"A": 0.1}}}}, "costs.borrow.symbols"),
        ({"costs": {"borrow": {"available": {"A": 5.0}}}}, "costs.borrow.available"),
        ({"sizing": {"kind": "volatility_target"}}, "sizing.kind"),
        ({"sizing": {"kind": "target_weight", "weight": 0.5}}, "sizing.weight"),
        ({"account": {"max_leverage": 2.0}}, "account.max_leverage"),
        ({"account": {"fractional": False}}, "account.fractional"),
        ({"account": {"on_short_cash": "reject"}}, "account.on_short_cash"),
        ({"account": {"kind": "cash"}}, "account.kind"),
        ({"account": {"maintenance_margin": 0.2}}, "account.maintenance_margin"),
        ({"account": {"debit_annual": 0.02}}, "account.debit_annual"),
        ({"account": {"not_shortable": ["A"]}}, "account.not_shortable"),
        ({"account": {"min_notional": 10.0}}, "account.min_notional"),
        ({"execution": {"participation": 0.1}}, "execution.participation"),
        ({"execution": {"tick": 0.01}}, "execution.tick"),
        ({"execution": {"intrabar": "best"}}, "execution.intrabar"),
        ({"data": {"delisting_return": -0.3}}, "data.delisting_return"),
    ],
)  # fmt: skip
def test_what_the_broker_has_no_setting_for_is_refused_by_its_key(
    blocks: dict[str, Any], key: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^config: {key}: "):
        stock_settings(config(**blocks))


def test_every_fault_has_its_line() -> None:
    with pytest.raises(ConfigError) as caught:
        stock_settings(config(account={"max_leverage": 2.0}, execution={"tick": 0.01}))
    assert len(str(caught.value).splitlines()) == 2


def keys(block: Any, path: tuple[str, ...]) -> set[str]:
    """Every key of a config, as deep as it goes by default."""
    if not hasattr(type(block), "model_fields"):
        return {".".join(path)}
    fields = type(block).model_fields
    return {key for name in fields for key in keys(getattr(block, name), (*path, name))}


def test_what_is_said_to_be_expressed_is_a_key_of_a_config() -> None:
    long = config(
        costs={
            "fees": {"kind": "percent"}, "slippage": {"bps": 1.0}, "borrow": {"annual": 0.1},
        }
    )  # fmt: skip
    known = set().union(*(keys(getattr(long, n), (n,)) for n in ("costs", "account", "data")))
    assert EXPRESSED - {"costs.fees.tiers", "costs.fees.per_unit"} <= known

"""Costs, account and currencies in a config: short forms, contradictions, and the way back."""

from pathlib import Path

import pytest

from tradewind.engine.config.file import parse, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.report.text import config_text

HEAD = "strategy: {kind: x}\n"


def config(text: str, folder: str = "/work-of-mine") -> RunConfig:
    return validate(RunConfig, parse(HEAD + text, where="c.yaml", folder=Path(folder)))


def test_the_short_forms_are_what_a_run_has_by_default() -> None:
    costs = config("").costs
    assert (costs.fee_bps, costs.slippage_bps, costs.borrow_annual) == (1.0, 1.0, 0.005)
    assert (costs.fee_rule.kind, costs.slippage_rule.bps) == ("percent", 1.0)
    assert costs.borrow_rule.annual == 0.005


def test_a_block_takes_the_place_of_its_short_form() -> None:
    text = (
        "costs:\n  fees: {kind: per_share, per_unit: 0.005}\n"
        "  slippage: {impact: 0.1}\n  borrow: {symbols: {GME: 0.8}}\n"
    )
    costs = config(text).costs
    assert (costs.fee_bps, costs.slippage_bps, costs.borrow_annual) == (None, None, None)
    assert (costs.fee_rule, costs.slippage_rule, costs.borrow_rule) == (
        costs.fees,
        costs.slippage,
        costs.borrow,
    )


EVERYTHING = """
costs:
  fees:
    kind: tiered
    tiers: [{from_value: 0, taker_bps: 10, maker_bps: 8}, {from_value: 1e6, per_unit: 0.002}]
    minimum: 0.35
    maximum: 0.01
  slippage: {bps: 1, fixed: 0.01, ticks: 2, impact: 0.1}
  borrow: {annual: 0.01, symbols: {GME: 0.8}, available: {GME: 5000}, path: rates/borrow.csv}
execution: {tick: {KO: 0.01}}
account:
  currency: EUR
  fx: {USD: {path: usd.csv, inverse: true}, GBP: 1.15}
  fractional: false
  lot: {VOD: 100}
  initial_margin: 0.5
  maintenance_margin: 0.25
data:
  source: csv
  path: prices.csv
  prices: raw
  actions: {kind: lean, path: factors}
  currencies: {KO: USD, VOD: GBP}
"""


def test_a_config_with_everything_is_written_and_read_back_to_its_equal() -> None:
    given = config(EVERYTHING)
    again = validate(RunConfig, parse(config_text(given), where="c", folder=Path("/elsewhere")))
    assert again == given
    assert given.account.max_leverage == 2.0


def test_files_are_found_beside_the_config() -> None:
    given = config(EVERYTHING)
    euro = given.account.fx["USD"]
    assert not isinstance(euro, float)
    assert given.costs.borrow is not None and given.data.actions is not None
    found = [euro.path, given.costs.borrow.path, given.data.actions.model_dump()["path"]]
    names = ("usd.csv", "rates/borrow.csv", "factors")
    assert found == [Path("/work-of-mine") / name for name in names]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "costs: {fees: {kind: percent}, fee_bps: 2}",
            "c.yaml:2:1: costs: fees and fee_bps say the same thing twice; keep one of them",
        ),
        (
            "costs: {slippage: {fixed: 1}, slippage_bps: 2}",
            "costs: slippage and slippage_bps say the same thing twice",
        ),
        (
            "costs: {borrow: {annual: 0.1}, borrow_annual: 0.2}",
            "costs: borrow and borrow_annual say the same thing twice",
        ),
        ("costs: {fee_bps: null}", "costs: fee_bps is nothing; write a number, 0 for none"),
        ("costs: {fees: {per_unit: 1}}", "c.yaml:2:9: costs.fees.kind: is missing"),
        (
            "costs: {fees: {kind: per_shar, per_unit: 1}}",
            "costs.fees.kind: unknown 'per_shar' (did you mean 'per_share'?)",
        ),
        (
            "costs: {fees: {kind: per_share, per_unit: -1}}",
            "costs.fees.per_unit: wanted at least 0; found -1",
        ),
        (
            "costs: {fees: {kind: percent, maximum: 5}}",
            "costs.fees.maximum: wanted at most 1; found 5",
        ),
        ("costs: {fees: {kind: tiered, tiers: []}}", "costs.fees.tiers: is empty"),
        (
            "costs: {fees: {kind: tiered, tiers: [{from_value: 5}]}}",
            "costs.fees.tiers: begins at from_value 5, and nothing says what is charged below it",
        ),
        (
            "costs: {fees: {kind: tiered, tiers: [{from_value: 0}, {from_value: 0}]}}",
            "from_value 0 stands behind 0; write the tiers from the lowest value to the highest",
        ),
        (
            "costs: {slippage: {ticks: 1}}",
            "costs.slippage.ticks means nothing without a tick; set execution.tick",
        ),
        ("costs: {borrow: {symbols: {GME: 80}}}", "costs.borrow.symbols.GME: wanted at most 10"),
        (
            "execution: {through_ticks: 1}",
            "execution: through_ticks 1 means nothing without a tick",
        ),
        (
            "account: {kind: cash, max_leverage: 2}",
            "account: kind cash allows no max_leverage of 2; use kind: margin",
        ),
        (
            "account: {kind: cash, debit_annual: 0.1}",
            "account: kind cash has neither debt nor shorts, so debit_annual would do nothing",
        ),
        (
            "account: {kind: cash}\ncosts: {borrow: {annual: 0.1}}",
            "costs.borrow would do nothing: account.kind cash allows no shorts",
        ),
        (
            "account: {initial_margin: 0.5, max_leverage: 3}",
            "initial_margin 0.5 and max_leverage 3 contradict each other",
        ),
        (
            "account: {max_leverage: 4, maintenance_margin: 0.25}",
            "maintenance_margin 0.25 is not below the initial margin 0.25 (1 / max_leverage)",
        ),
        ("account: {lot: 100}", "account: lot would do nothing while fractional is true"),
        (
            "account: {fractional: false, lot: {KO: 0}}",
            "account.lot.KO: wanted more than 0; found 0",
        ),
        ("account: {fx: {USD: 1.1}}", "account: fx names USD, which is the account's own"),
        ("account: {fx: {EUR: 0}}", "account.fx.EUR: wanted more than 0"),
        (
            "data: {currencies: {SAP: EUR}}",
            "data.currencies: SAP is in EUR, and nothing turns that into USD; give its rate with "
            "account.fx: {EUR: ...}",
        ),
        ("data: {prices: raw}", "data: the embedded data has adjusted prices alone"),
        (
            "data: {source: csv, path: x, actions: {kind: columns}}",
            "data: actions are for prices as they were traded, and adjusted prices hold them",
        ),
        (
            "data: {source: csv, path: x, prices: raw, interval: 1wk, actions: {kind: columns}}",
            "data: actions fall on a day, and bars of 1wk hide which; use interval: 1d",
        ),
        (
            "data: {source: yahoo, symbols: [KO], prices: raw, interval: 1mo}",
            "data: raw prices of 1mo hide on which day a split or dividend fell",
        ),
        (
            "data: {source: yahoo, symbols: [KO], prices: raw, actions: {kind: columns}}",
            "data: yahoo brings its own splits and dividends; leave actions out",
        ),
        (
            "data: {source: csv, path: x, prices: raw, "
            "actions: {kind: columns, split: null, dividend: null}}",
            "data.actions: names neither a split nor a dividend column",
        ),
    ],
)
def test_a_contradiction_is_refused_at_its_key(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config(text)
    assert message in str(refused.value)

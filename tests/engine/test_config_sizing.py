"""The sizing block of a config: what it takes, and the contradictions it refuses."""

import re
from pathlib import Path
from typing import Any

import pytest

from tradewind.engine.config.file import validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.yaml import parse
from tradewind.engine.errors import ConfigError
from tradewind.engine.report.text import config_text

FORECASTS = "forecaster: {kind: drift}\n"


def config_of(sizing: str, rest: str = "") -> RunConfig:
    text = f"strategy: {{kind: x}}\nsizing: {{{sizing}}}\n{rest}"
    return validate(RunConfig, parse(text, where="c", folder=Path()))


# fmt: off
REFUSED = [
    ("kind: atr_risc", "",
     r"c:2:10: sizing\.kind: unknown 'atr_risc' \(did you mean 'atr_risk'\?\)"),
    ("kind: magic", "", "unknown 'magic'; known: target_weight, fixed_units, fixed_notional"),
    ("kind: fixed_units", "", r"sizing\.units: is missing and has no default"),
    ("kind: fixed_units, units: 0", "", "wanted more than 0"),
    ("kind: kelly, fraction: 1.5", FORECASTS, "wanted at most 1"),
    ("kind: kelly, vol: 1", FORECASTS, r"sizing\.vol: unknown key; valid keys: caps, fraction"),
    ("kind: kelly", "", r"sizing\.kind kelly needs forecasts: add a forecaster block"),
    ("kind: target_weight, weight: 2", "", r"weight 2\.0 lies above max_weight 1\.0"),
    ("kind: target_weight, weight: 2, max_weight: 2", "",
     r"sizing\.weight 2 asks for more than account\.max_leverage 1"),
    ("kind: target_weight, max_weight: 2", "",
     r"sizing\.max_weight 2 asks for more than account\.max_leverage 1"),
    ("kind: risk_parity, budget: 1.5", "", r"sizing\.budget 1\.5 asks for more than account\.max"),
    ("kind: risk_parity, caps: {gross: 0.8}", "",
     r"sizing\.budget 1 asks for more than sizing\.caps\.gross 0\.8"),
    ("kind: atr_risk, caps: {gross: 1.2}", "", r"sizing\.caps\.gross 1\.2 asks for more than"),
    ("kind: atr_risk, caps: {group: 0.9, gross: 0.8}, groups: {a: [X]}", "",
     r"sizing\.caps: group 0\.9 lies above gross 0\.8, so it would never be reached"),
    ("kind: atr_risk, groups: {a: [X]}", "", "groups do nothing without a cap"),
    ("kind: atr_risk, caps: {group: 0.5}", "", r"caps\.group has nothing to cap; add groups"),
    ("kind: atr_risk, caps: {group: 0.5}, groups: {a: []}", "", r"groups\.a is empty"),
    ("kind: atr_risk, caps: {group: 0.5}, groups: {a: [X], b: [X]}", "",
     "X stands in the groups a and b; keep it once"),
    ("kind: atr_risk, caps: {group: 0.5}, groups: {a: [X, X]}", "",
     r"X stands twice in groups\.a; keep it once"),
    ("kind: atr_risk, throttle: {from: 0.3, to: 0.2}", "", r"from 0\.3 is not below to 0\.2"),
    ("kind: atr_risk, throttle: {from: 0.1}", "", r"sizing\.throttle\.to: is missing"),
    ("kind: atr_risk, throttle: {start: 0.1, to: 0.2}", "",
     r"sizing\.throttle\.start: unknown key; valid keys: from, to"),
    ("kind: atr_risk, pyramiding: -1", "", "wanted at least 0"),
    ("kind: fixed_units, units: 5", "account: {fractional: false, lot: 10}",
     r"sizing\.units 5 is less than account\.lot 10, so nothing would ever be traded"),
    ("kind: fixed_units, units: 5", "account: {fractional: false, lot: {A: 1, B: 10}}",
     r"sizing\.units 5 is less than account\.lot 10 of B, so nothing would ever be traded"),
    ("kind: fixed_notional, notional: 5", "account: {min_notional: 10}",
     r"sizing\.notional 5 is less than account\.min_notional 10, so every order would be refused"),
]
# fmt: on


@pytest.mark.parametrize(("sizing", "rest", "message"), REFUSED)
def test_a_contradiction_is_refused_by_name(sizing: str, rest: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config_of(sizing, rest)


def test_what_the_market_decides_is_not_refused() -> None:
    """Half of equity each is too much for three symbols, but not for a strategy that holds two."""
    config = config_of("kind: target_weight, weight: 0.5", "data: {symbols: [A, B, C]}")
    assert config.sizing.max_weight == 1.0
    config_of("kind: target_weight, weight: 0.2", "account: {max_leverage: 0.5}")


EVERYTHING = """kind: atr_risk, risk: 0.02, multiple: null, max_weight: 0.5, pyramiding: 3,
  caps: {group: 0.6, gross: 0.9}, groups: {tech: [MSFT, AAPL], oil: [XOM]},
  throttle: {from: 0.1, to: 0.25}"""


@pytest.mark.parametrize(
    ("sizing", "rest"),
    [
        (EVERYTHING, ""),
        ("kind: target_weight", "account: {max_leverage: 0.5}"),
        ("kind: fixed_units, units: 5", ""),
        ("kind: fixed_notional, notional: 5", ""),
        ("kind: volatility_target", ""),
        ("kind: kelly", FORECASTS),
        ("kind: risk_parity", ""),
    ],
)
def test_a_resolved_config_reads_back_as_itself(sizing: str, rest: str) -> None:
    config = config_of(sizing, rest)
    text: Any = config_text(config)
    assert validate(RunConfig, parse(text, where="c", folder=Path())) == config


def test_every_example_of_the_page_on_sizing_is_a_valid_config() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sizing.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    kinds = [
        validate(
            RunConfig, parse(f"strategy: {{kind: x}}\n{block}", where="c", folder=Path())
        ).sizing.kind
        for block in blocks
    ]
    assert len(kinds) == 8
    assert len(set(kinds)) == 7, "one of each kind, and the caps"

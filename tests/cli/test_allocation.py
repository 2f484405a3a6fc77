"""An allocation from config to report, and what the terminal says of a contradiction."""

from pathlib import Path

import pytest

from tests.cli.conftest import Command

CONFIG = """
data: {{source: embedded, symbols: [KO, PEP, XOM, CVX], start: 2015-01-01, end: 2015-12-31}}
strategy: {{kind: allocation, {keys}}}
sizing: {{kind: target_weight, weight: 1}}
"""


def write(project: Path, keys: str) -> None:
    (project / "config.yaml").write_text(CONFIG.format(keys=keys))


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("cap: 0.1, count: 5", "at most 5 names of at most 0.1 each hold 0.5"),
        ("method: risk_party", "did you mean 'risk_parity'"),
        ("weights: {KO: 0.5, KOO: 0.5}", "no symbol 'KOO'"),
        ("take: {top: 2}", "nothing to rank names by"),
        ("side: neutral", "needs a ranking"),
        ("sector_cap: 0.5", "data.groups"),
        ("hue: 1", "strategy.hue"),
        ("speed: 2", "strategy.speed"),
    ],
)
def test_what_cannot_be_held_is_said_and_ends_with_2(
    project: Path, inside: Command, keys: str, says: str
) -> None:
    write(project, keys)
    ended = inside("backtest", "config.yaml")
    assert ended.code == 2
    ended.says(says)


def test_what_fell_back_stands_beside_the_numbers(project: Path, inside: Command) -> None:
    write(project, "method: risk_parity, covariance: sample, lookback: 3")
    ended = inside("backtest", "config.yaml")
    assert ended.code == 0
    assert "formations fell back" in ended.out + ended.err
    assert "not positive definite" in ended.out + ended.err


def test_a_weight_below_the_price_of_one_unit_is_told_with_its_numbers(
    project: Path, inside: Command
) -> None:
    write(project, "rebalance: month")
    with (project / "config.yaml").open("a") as file:
        file.write("account: {cash: 200, fractional: false}\n")
    ended = inside("backtest", "config.yaml")
    assert ended.code == 0
    assert "worth less than one unit" in ended.out
    assert "for 25.00 % of 200 = 50.00" in ended.out

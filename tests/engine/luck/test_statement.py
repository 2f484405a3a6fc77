"""What is said of a winner: noise is called luck, skill is not, and trials count over all runs."""

import json
from math import sqrt

import numpy as np
import pytest

from tests.cli.conftest import Command, inside, project  # noqa: F401
from tradewind.engine.luck.statement import Trials, luck
from tradewind.engine.records import Floats


def told(returns: Floats, winner: int, ever: int | None = None) -> Trials:
    n = len(returns)
    benchmark = np.zeros(returns.shape[1])
    return Trials(returns, returns[winner], benchmark, 252.0, n, n if ever is None else ever)


def noise(n: int = 200, n_bars: int = 1_000) -> Floats:
    return np.asarray(np.random.default_rng(3).normal(0, 0.01, (n, n_bars)))


def best(returns: Floats) -> int:
    return int(np.argmax(returns.mean(axis=1) / returns.std(axis=1)))


def test_the_best_of_noise_is_called_luck() -> None:
    returns = noise()
    found = luck(told(returns, best(returns)))
    assert found["sharpe"]["winner"] > 1.0
    assert found["sharpe"]["winner"] < 1.5 * found["sharpe"]["ever"]["expected_maximum"]
    assert found["sharpe"]["ever"]["deflated"] < 0.9
    assert found["sentence"].endswith("call it luck.")
    assert json.loads(json.dumps(found)) == found
    assert sum(found["overfitting"]["logit_counts"]) == 12_870


def test_skill_is_not_called_luck() -> None:
    returns = noise()
    returns[7] += 0.0025
    found = luck(told(returns, 7))
    assert found["overfitting"]["probability"] < 0.05
    assert found["reality_check"]["consistent"] < 0.05
    assert "not luck at the 5 % level" in found["sentence"]


def test_earlier_trials_on_the_data_make_the_winner_smaller() -> None:
    returns = noise()
    returns[7] += 0.001
    few, many = (luck(told(returns, 7, ever))["sharpe"]["ever"] for ever in (200, 200_000))
    assert many["expected_maximum"] > few["expected_maximum"]
    assert many["deflated"] < few["deflated"]
    assert many["least_years"] > few["least_years"]


def test_what_cannot_be_told_is_left_out_and_said() -> None:
    returns = noise(1, 400)
    found = luck(told(returns, 0))
    assert found["overfitting"] is None and "at least two" in found["missing"]["overfitting"]
    still = luck(told(np.zeros((3, 400)), 0))
    assert still["sharpe"] is None and "nothing to be said" in still["sentence"]
    ruined = noise(5, 400)
    ruined[2, 7] = np.nan
    assert "1 trials were ruined" in luck(told(ruined, 0))["missing"]["ruined"]


def test_a_years_ratio_is_that_of_a_bar_times_the_root_of_its_bars() -> None:
    returns = noise(5, 500)
    found = luck(told(returns, 0))["sharpe"]["winner"]
    assert found == pytest.approx(returns[0].mean() / returns[0].std(ddof=1) * sqrt(252))


def test_backtests_are_counted_verified_and_a_lost_line_is_told(
    inside: Command,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    monkeypatch.setenv("TRADEWIND_LEDGER", str(folder))
    for fast in (5, 5, 9):
        run = inside("backtest", "sma-cross", "--set", f"strategy.fast={fast}",
                     "data.symbols=[KO, PEP]", "--json")  # fmt: skip
        assert run.code == 0, run.err
    shown = inside("ledger", "show", "--json").json["ledgers"]
    assert [(one["lines"], one["trials"]) for one in shown] == [(3, 2)]
    assert inside("ledger", "verify").code == 0
    (path,) = folder.glob("*.jsonl")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    ended = inside("ledger", "verify")
    assert ended.code == 1 and "is not the line that was written" in ended.out
    again = inside("backtest", "sma-cross", "--set", "data.symbols=[KO, PEP]")
    assert again.code == 0 and "not in the ledger" in again.out
    monkeypatch.setenv("TRADEWIND_LEDGER", "off")
    assert "ledger" not in inside("backtest", "sma-cross", "--set", "data.symbols=[KO, PEP]").out

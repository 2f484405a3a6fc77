"""Learners find a signal that was planted, and none where there is none.

The whole family is put to this by ``benchmarks/planted.py``; here are those that cost little.
"""

from importlib.util import find_spec

import numpy as np
import pytest
from scipy.stats import binom

from tradewind.contracts.planted import (
    ACCURACY,
    RULES,
    Planted,
    hits,
    net_sharpe,
    permuted,
    planted,
)
from tradewind.engine.protocols import Forecaster, Forecasts
from tradewind.engine.scoring.evaluation import realised
from tradewind.forecasters import Lstm

GOAL = 0.9  # of the Bayes edge, or of the oracle's net Sharpe ratio
FOUR_SE = 4.0  # fails once in 16,000 runs
ONE_RETURN = {"horizon": 1, "features": ("return_1",), "vol_lookback": 20}


@pytest.fixture(scope="module")
def size() -> Planted:
    return planted("size", n_bars=1_600, n_symbols=20, seed=1)


def share(forecaster: Forecaster, one: Planted, first: int = 1_400) -> float:
    fitted = forecaster.fit(one.panel.past(first))
    return one.share_of_edge(fitted.predict(one.panel, first=first), first=first)


def says(best: np.ndarray) -> Forecasts:
    return Forecasts(best, np.ones_like(best), 1)


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_is_right_as_often_as_stated_and_nothing_else_is(rule: str) -> None:
    one = planted(rule, n_bars=4_000, n_symbols=10, seed=2)
    right, n = hits(says(one.best[10:]), one.panel, first=10)
    error = 0.5 / np.sqrt(n)
    assert abs(right / n - ACCURACY) < FOUR_SE * error
    assert one.share_of_edge(says(one.best[10:]), first=10) == 1.0
    assert one.share_of_edge(says(-one.best[10:]), first=10) == -1.0
    last = np.diff(np.log(one.panel.close), axis=0)[9:-1]
    outcome = realised(one.panel, 1)[10:-1]
    line = np.corrcoef(last.ravel(), outcome.ravel())[0, 1]
    limit = FOUR_SE / np.sqrt(last.size)
    assert (abs(line) < limit) == (rule in ("pair", "size"))


def test_permuted_returns_are_those_of_the_panel_and_follow_no_rule() -> None:
    one = planted("size", n_bars=4_000, n_symbols=10, seed=3)
    none = permuted(one.panel, seed=4)
    sizes = [np.sort(np.abs(np.diff(np.log(p.close), axis=0)), axis=0) for p in (one.panel, none)]
    np.testing.assert_allclose(sizes[1], sizes[0], atol=1e-9)
    last = np.abs(np.diff(np.log(none.close), axis=0, prepend=np.nan)) > 0.01
    right, n = hits(says(np.where(last, 1.0, -1.0)[10:]), none, first=10)
    assert abs(right / n - 0.5) < FOUR_SE * 0.5 / np.sqrt(n)


def test_net_sharpe_is_that_of_a_book_kept_by_hand() -> None:
    panel = planted("swing", n_bars=6, n_symbols=2, seed=0).panel
    position = np.array([[1.0, -0.5], [1.0, 0.5], [0.0, 0.5]])
    returns = panel.close[1:] / panel.close[:-1] - 1
    cost = 100e-4  # 100 bps
    first = (1.0 * returns[3, 0] - cost * 1.0 - 0.5 * returns[3, 1] - cost * 0.5) / 2
    second = (1.0 * returns[4, 0] + 0.5 * returns[4, 1] - cost * 1.0) / 2
    wanted = (first + second) / 2 / (abs(first - second) / 2)
    found = net_sharpe(position, panel, first=3, cost_bps=100)
    assert found == pytest.approx(wanted, rel=1e-9)


def test_a_network_finds_what_no_line_sees(size: Planted) -> None:
    from tradewind.forecasters.ridge import Ridge

    network = Lstm(
        window=2, hidden=8, epochs=12, patience=5, learning_rate=0.01, dropout=0.0, stride=1,
        **ONE_RETURN,  # type: ignore[arg-type]
    )  # fmt: skip
    found = share(network, size)
    line = share(Ridge(window=2, stride=1, **ONE_RETURN), size)  # type: ignore[arg-type]
    assert found >= GOAL
    assert abs(line) < 0.3 < found


def test_a_line_finds_what_a_line_can_see() -> None:
    from tradewind.forecasters.ridge import Ridge

    one = planted("trend", n_bars=1_600, n_symbols=20, seed=1)
    assert share(Ridge(window=2, stride=1, **ONE_RETURN), one) >= GOAL  # type: ignore[arg-type]


@pytest.mark.skipif(find_spec("lightgbm") is None, reason="needs lightgbm")
def test_trees_find_what_no_line_sees(size: Planted) -> None:
    from tradewind.forecasters.boosting import LightGbm

    assert share(LightGbm(window=2, stride=1, **ONE_RETURN), size) >= GOAL  # type: ignore[arg-type]


def test_where_nothing_is_to_be_learned_hits_are_those_of_a_coin() -> None:
    runs, outside, learned = 50, 0, 0
    for run in range(runs):
        base = planted("size", n_bars=260, n_symbols=3, seed=run)
        panel = permuted(base.panel, seed=1_000 + run)
        network = Lstm(
            window=2, hidden=4, epochs=4, learning_rate=0.02, dropout=0.0, batch=256, stride=1,
            seed=run, horizon=1, features=("return_1",), vol_lookback=10,
        )  # fmt: skip
        said = network.fit(panel.past(200)).predict(panel, first=200)
        right, n = hits(said, panel, first=200)
        low, high = binom.interval(0.95, n, 0.5)
        outside += not low <= right <= high
        learned += len(np.unique(np.sign(said.mean))) > 1
    assert n > 170
    assert learned > 10  # else nothing was tried
    assert outside <= binom.ppf(0.999, runs, 0.05)  # an honest learner fails once in a thousand


@pytest.mark.slow
def test_learned_positions_earn_what_the_oracle_earns_after_costs() -> None:
    one = planted("swing", n_bars=3_000, n_symbols=24, seed=4)
    first = 2_600
    learner = Lstm(
        window=2, epochs=25, patience=25, batch=512, learning_rate=0.01, dropout=0.0,
        head={"kind": "position", "cost_bps": 2.0}, **ONE_RETURN,  # type: ignore[arg-type]
    )  # fmt: skip
    said = learner.fit(one.panel.past(first)).predict(one.panel, first=first)
    learned, oracle = (
        net_sharpe(position, one.panel, first=first, cost_bps=2.0)
        for position in (said.mean / said.std, one.best[first:])
    )
    assert learned >= GOAL * oracle > 0.1

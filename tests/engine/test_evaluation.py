import json
from collections.abc import Callable
from dataclasses import replace
from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tradewind.engine.errors import ForecastError
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Floats, Panel
from tradewind.engine.scoring.evaluation import (
    crps_gaussian,
    direction,
    pinball,
    rank_ic,
    realised,
    score,
    suspicion,
    verdict,
)
from tradewind.engine.scoring.statistics import LossTest

nan = float("nan")
# A calibrated 95 % interval misses one truth in twenty; of 200 runs more than 20 miss with a
# probability below 0.001.
RUNS, MISSES_ALLOWED = 200, 20


def forecasts_of(mean: Any, std: float = 0.02, horizon: int = 1) -> Forecasts:
    mean = np.array(mean, float)
    return Forecasts(mean, np.where(np.isnan(mean), nan, std), horizon)


@pytest.fixture(scope="module")
def walk(make_walk: Callable[..., Panel]) -> Panel:
    made: Panel = make_walk(0, 400, 6)
    return made


def peeking(panel: Panel, *, skill: float, horizon: int, seed: int = 1) -> Forecasts:
    """Outcome times ``skill`` plus as much noise as the outcome varies."""
    truth = np.nan_to_num(realised(panel, horizon))
    noise = np.random.default_rng(seed).normal(0, 0.01 * sqrt(horizon), panel.shape)
    return forecasts_of(skill * truth + (1 - skill) * noise, 0.01 * sqrt(horizon), horizon)


def test_outcomes_are_known_only_where_both_ends_traded(make_panel: Callable[..., Panel]) -> None:
    close = np.array([[1.0, 1.0], [2.0, nan], [4.0, 3.0], [8.0, nan]])
    np.testing.assert_allclose(
        realised(make_panel(close), 2), [[log(4), log(3)], [log(4), nan], [nan, nan], [nan, nan]]
    )


def test_a_horizon_longer_than_the_panel_has_no_outcome(walk: Panel) -> None:
    assert np.isnan(realised(walk.past(5), 5)).all()
    assert np.isnan(realised(walk.past(5), 9)).all()


def test_scores_small_enough_to_check_by_eye(make_panel: Callable[..., Panel]) -> None:
    growth = np.array([[0.0, 0.0], [0.01, -0.01], [0.02, 0.02], [0.03, -0.03], [0.01, 0.01]])
    panel = make_panel(100 * np.exp(np.cumsum(growth, axis=0)))
    mean = [[9, 9], [0.02, 0.01], [0.01, -0.01], [-0.01, 0.03], [9, 9]]
    result = score(forecasts_of(mean), panel, first_bar=1, rivals={})
    # Outcomes of bars 1 to 3: (.02, .02), (.03, -.03), (.01, .01); bar 4 has none.
    ours = result["forecaster"]
    assert (result["n"], result["n_dates"], result["n_unknown"]) == (6, 3, 2)
    assert ours["mae"] == pytest.approx((0 + 0.01 + 0.02 + 0.02 + 0.02 + 0.02) / 6)
    assert ours["rmse"] == pytest.approx(sqrt((0 + 1 + 4 + 4 + 4 + 4) / 6) * 0.01)
    assert ours["direction"]["value"] == pytest.approx(5 / 6)
    assert ours["direction"]["n"] == 6
    assert ours["direction"]["share_up"] == pytest.approx(5 / 6)
    # 4 of 6 said up: by chance 5/6 x 4/6 + 1/6 x 2/6.
    assert ours["direction"]["by_chance"] == pytest.approx(22 / 36)
    assert ours["direction"]["skill"] == pytest.approx(5 / 6 - 22 / 36)
    assert ours["coverage_80"]["value"] == 1.0
    assert ours["rank_ic"]["value"] is None  # two symbols


def test_forecasts_before_the_first_bar_do_not_count(walk: Panel) -> None:
    late = score(peeking(walk, skill=0.1, horizon=5), walk, first_bar=300, rivals={})
    assert late["n"] == (400 - 300 - 5) * 6
    assert late["n_unknown"] == 5 * 6


def test_all_are_scored_on_what_all_forecast(walk: Panel) -> None:
    ours = peeking(walk, skill=0.1, horizon=5)
    gappy = ours.mean.copy()
    gappy[:200] = nan
    gappy[:, 3] = nan
    result = score(ours, walk, first_bar=0, rivals={"gappy": forecasts_of(gappy, 0.02, 5)})
    assert result["n"] == (400 - 200 - 5) * 5
    assert result["forecaster"]["mae"] == pytest.approx(result["rivals"]["gappy"]["mae"])


def test_a_forecaster_that_knows_beats_one_that_does_not_and_the_sentence_says_so(
    walk: Panel,
) -> None:
    zero = forecasts_of(np.zeros(walk.shape), 0.02, 5)
    ours = peeking(walk, skill=0.5, horizon=5)
    result = score(ours, walk, first_bar=50, rivals={"naive": zero}, name="lstm")
    against = result["rivals"]["naive"]["against"]
    assert against["better"] == "lstm"
    assert against["p"] < 0.001
    assert against["verdict"].startswith("lstm's mean absolute error is ")
    assert (
        "smaller than naive's over 345 dates; the difference is significant" in against["verdict"]
    )
    assert result["verdict"] == "lstm beats naive in mean absolute error."
    turned = score(zero, walk, first_bar=50, rivals={"lstm": ours}, name="naive")
    assert turned["rivals"]["lstm"]["against"]["better"] == "lstm"
    assert turned["verdict"] == "naive is beaten by lstm in mean absolute error."


def test_noise_is_not_told_apart_from_noise(walk: Panel) -> None:
    noise = [peeking(walk, skill=0.0, horizon=5, seed=seed) for seed in (2, 3)]
    result = score(noise[0], walk, first_bar=0, rivals={"other": noise[1]})
    assert result["rivals"]["other"]["against"]["better"] is None
    assert "can be chance" in result["rivals"]["other"]["against"]["verdict"]
    assert result["verdict"] == (
        "forecaster is not distinguishable from other in mean absolute error."
    )


def test_the_same_forecast_makes_the_same_errors(walk: Panel) -> None:
    ours = peeking(walk, skill=0.2, horizon=2)
    against = score(ours, walk, first_bar=0, rivals={"twin": ours})["rivals"]["twin"]["against"]
    assert against["p"] is None
    assert against["verdict"] == "forecaster and twin make the same errors."


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        (LossTest(nan, nan, nan, 0, 0, ""), "a and b have no scored forecast in common."),
        (LossTest(0.0, nan, nan, 9, 0, ""), "a and b make the same errors."),
        (LossTest(0.1, nan, nan, 3, 0, ""), "a and b cannot be compared over 3 dates."),
        (
            LossTest(0.1, 9.0, 1e-9, 99, 0, ""),
            "a's mean absolute error is 10.00% larger than b's over 99 dates; "
            "the difference is significant (Diebold-Mariano, p < 0.001).",
        ),
    ],
)
def test_sentences(test: LossTest, sentence: str) -> None:
    assert verdict(test, "a", "b", np.array([1.0])) == sentence


def test_a_forecast_of_nothing_but_up_has_a_hit_rate_and_no_skill() -> None:
    truth = np.random.default_rng(0).normal(0.3, 1.0, (500, 4))
    found = direction(np.ones((500, 4)), truth, np.ones((500, 4), bool), overlap=0)
    assert found["value"] == found["share_up"] == found["by_chance"]
    assert found["value"] > 0.55
    assert found["skill"] == 0.0


def test_a_forecast_without_a_sign_has_no_direction(walk: Panel) -> None:
    zero = forecasts_of(np.zeros(walk.shape))
    found = score(zero, walk, first_bar=0, rivals={})["forecaster"]
    assert found["direction"] == {
        "value": None, "low": None, "high": None, "se": None, "n_dates": 0, "n": 0,
        "share_up": None, "by_chance": None, "skill": None, "p": None,
    }  # fmt: skip
    assert found["rank_ic"]["value"] is None
    assert found["mae"] > 0


def test_intervals_of_a_forecaster_without_skill_hold_the_truth(
    make_walk: Callable[..., Panel],
) -> None:
    misses = {"direction": 0, "rank_ic": 0}
    false_skill = 0
    for seed in range(RUNS):
        panel = make_walk(seed, 250, 5)
        ours = peeking(panel, skill=0.0, horizon=5, seed=10_000 + seed)
        found = score(ours, panel, first_bar=0, rivals={})["forecaster"]
        for name, truth in (("direction", 0.5), ("rank_ic", 0.0)):
            misses[name] += not found[name]["low"] <= truth <= found[name]["high"]
        false_skill += found["direction"]["p"] < 0.05
    assert misses["direction"] <= MISSES_ALLOWED
    assert misses["rank_ic"] <= MISSES_ALLOWED
    assert false_skill <= MISSES_ALLOWED
    assert misses["direction"] + misses["rank_ic"] > 0


def test_rank_correlation_of_each_date_is_spearmans_with_ties() -> None:
    from scipy.stats import spearmanr

    draw = np.random.default_rng(0)
    mean = draw.integers(0, 4, (30, 8)).astype(float)
    truth = draw.normal(size=(30, 8))
    scored = draw.random((30, 8)) < 0.8
    want = [spearmanr(mean[t, scored[t]], truth[t, scored[t]]).statistic for t in range(30)]
    found = rank_ic(mean, truth, scored, overlap=0)
    assert found["value"] == pytest.approx(np.mean(want), rel=1e-12)
    assert found["ratio"] == pytest.approx(np.mean(want) / np.std(want, ddof=1), rel=1e-12)
    assert found["n_dates"] == 30


def test_dates_without_three_symbols_or_with_equal_forecasts_have_no_rank_correlation() -> None:
    mean = np.array([[1.0, 2, 3], [1, 1, 1], [1, 2, 3]])
    truth = np.array([[1.0, 2, 3], [1, 2, 3], [3, 2, 1]])
    scored = np.array([[True, True, True], [True, True, True], [True, True, False]])
    found = rank_ic(mean, truth, scored, overlap=0)
    assert (found["value"], found["n_dates"]) == (pytest.approx(1.0), 1)


def test_coverage_is_what_a_calibrated_gaussian_promises(
    make_walk: Callable[..., Panel],
) -> None:
    panel = make_walk(5, 3_000, 10)
    found = score(forecasts_of(np.zeros(panel.shape), 0.01), panel, first_bar=0, rivals={})
    for level, name in ((0.80, "coverage_80"), (0.95, "coverage_95")):
        coverage = found["forecaster"][name]
        assert coverage["low"] < level < coverage["high"]
        assert coverage["value"] == pytest.approx(level, abs=0.01)


@pytest.mark.parametrize(("error", "std"), [(0.0, 1.0), (0.7, 1.0), (-2.0, 0.5), (0.01, 3.0)])
def test_crps_is_the_integral_it_stands_for(error: float, std: float) -> None:
    from scipy.special import ndtr

    x = np.linspace(-30, 30, 600_001)
    squared = (ndtr(x / std) - (x >= error)) ** 2
    want = float(np.sum((squared[1:] + squared[:-1]) / 2) * (x[1] - x[0]))
    assert crps_gaussian(np.array([error]), np.array([std]))[0] == pytest.approx(want, abs=1e-4)


def test_pinball_by_hand_and_per_level() -> None:
    np.testing.assert_allclose(pinball(np.array([2.0, -2.0]), 0.9), [1.8, 0.2])


def test_quantiles_are_scored_by_level(walk: Panel) -> None:
    zero = np.zeros(walk.shape)
    quantiles = np.stack([zero - 0.01, zero + 0.01], axis=2)
    made = Forecasts(zero, zero + 0.01, 1, (0.1, 0.9), quantiles)
    found = score(made, walk, first_bar=0, rivals={})["forecaster"]["pinball"]
    truth = realised(walk, 1)[:-1]
    assert found["0.1"] == pytest.approx(pinball(truth + 0.01, 0.1).mean())
    assert found["0.9"] == pytest.approx(pinball(truth - 0.01, 0.9).mean())


@pytest.mark.parametrize("wrong", [{"horizon": 2}, {"rows": 399}])
def test_a_rival_of_another_horizon_or_length_is_refused(
    walk: Panel, wrong: dict[str, int]
) -> None:
    rival = forecasts_of(np.zeros((wrong.get("rows", 400), 6)), 0.02, wrong.get("horizon", 5))
    with pytest.raises(ForecastError, match="odd: horizon"):
        score(peeking(walk, skill=0.1, horizon=5), walk, first_bar=0, rivals={"odd": rival})


@settings(max_examples=40, deadline=None)
@given(
    seed=some.integers(0, 10_000),
    n_bars=some.integers(1, 25),
    n_symbols=some.integers(1, 4),
    horizon=some.integers(1, 6),
    holes=some.sampled_from([0.0, 0.5, 1.0]),
    first_bar=some.integers(0, 25),
)
def test_every_result_is_strict_json(
    make_walk: Callable[..., Panel],
    seed: int,
    n_bars: int,
    n_symbols: int,
    horizon: int,
    holes: float,
    first_bar: int,
) -> None:
    panel = make_walk(seed, n_bars, n_symbols)
    draw = np.random.default_rng(seed)
    panel.close[draw.random(panel.shape) < holes / 2] = nan
    mean: Floats = draw.normal(0, 0.01, panel.shape)
    mean[draw.random(panel.shape) < holes] = nan
    zero = forecasts_of(np.zeros(panel.shape), 0.01, horizon)
    ours = forecasts_of(mean, 0.01, horizon)
    result = score(ours, panel, first_bar=first_bar, rivals={"naive": zero, "twin": ours})
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["verdict"].endswith("in mean absolute error.")


def test_the_tested_difference_is_that_of_the_errors_in_the_table(walk: Panel) -> None:
    early = walk.close.copy()
    early[200:, 2:] = np.nan  # four of six symbols leave half way
    panel = replace(walk, close=early)
    made, rival = (peeking(walk, skill=s, horizon=1, seed=s10) for s, s10 in ((0.1, 1), (0.0, 2)))
    found = score(made, panel, first_bar=0, rivals={"r": rival})
    gap = found["forecaster"]["mae"] - found["rivals"]["r"]["mae"]
    assert found["rivals"]["r"]["against"]["difference"] == pytest.approx(gap, rel=1e-9)
    share = f"{abs(gap) / found['rivals']['r']['mae']:.2%}"
    assert share in found["rivals"]["r"]["against"]["verdict"]


def test_scores_that_no_honest_forecast_reaches_raise_a_doubt(walk: Panel) -> None:
    def doubt(skill: float) -> str:
        made = peeking(walk, skill=skill, horizon=1)
        return suspicion(score(made, walk, first_bar=0, rivals={}), "mine")

    assert doubt(0.9).startswith("too good to be true: mine's rank correlation of 0.9")
    assert doubt(0.05) == ""


def test_a_single_symbol_is_doubted_by_its_signs_and_nothing_by_no_scores(walk: Panel) -> None:
    alone = walk.select(walk.symbols[:1])
    found = score(peeking(alone, skill=0.9, horizon=1), alone, first_bar=0, rivals={})
    assert "mine's share of right signs" in suspicion(found, "mine")
    assert suspicion({}, "mine") == ""


@pytest.mark.parametrize("skill", [0.0, 0.5])
def test_scores_that_are_no_returns_are_judged_by_their_signs(walk: Panel, skill: float) -> None:
    said = peeking(walk, skill=skill, horizon=1)
    huge = replace(said, mean=said.mean * 100)  # the same signs, absurd errors
    naive = {"naive": forecasts_of(np.zeros(walk.shape))}
    found = score(huge, walk, first_bar=50, rivals=naive, name="mine", mean_is_return=False)
    assert found["rivals"]["naive"]["against"]["better"] is None
    assert found["verdict"].startswith("mine's mean is a score and no return")
    right = f"its sign is right in {found['forecaster']['direction']['value']:.1%} of cases"
    assert right in found["verdict"]
    ending = "is significant." if skill else "can be chance."
    assert found["verdict"].endswith(ending)
    beaten = score(huge, walk, first_bar=50, rivals=naive, name="mine")
    assert beaten["verdict"] == "mine is beaten by naive in mean absolute error."


def test_scores_without_a_sign_say_so(walk: Panel) -> None:
    silent = forecasts_of(np.zeros(walk.shape))
    found = score(silent, walk, first_bar=50, rivals={}, name="mine", mean_is_return=False)
    assert found["verdict"].endswith("no sign of it could be compared.")

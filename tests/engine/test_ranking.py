"""What came of each formation, by hand; and errors of means that depend on their neighbours."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.flat_panel import flat_panel
from tradewind.engine.config.costs import CostsConfig
from tradewind.engine.leaderboard.rank_rows import Beside, row_of
from tradewind.engine.leaderboard.ranking import common
from tradewind.engine.leaderboard.ranking_words import chance_t
from tradewind.engine.records import DAY_NS, Floats, Ints, Panel
from tradewind.engine.scoring.newey_west import newey_west_intercept, newey_west_mean
from tradewind.engine.scoring.rank_series import (
    classes,
    ends_of,
    formations_a_horizon,
    group_of,
    outcomes,
    rank_series,
)
from tradewind.engine.scoring.ranking import measure

NAN = np.nan


def test_equal_numbers_make_the_groups_and_ties_share_one() -> None:
    scores = np.array([5.0, 1.0, 2.0, NAN, 4.0, 3.0, 0.0])
    assert group_of(scores, ~np.isnan(scores), 3).tolist() == [2, 0, 1, -1, 2, 1, 0]
    tied = np.array([1.0, 1.0, 2.0, 2.0])
    assert group_of(tied, tied > 0, 2).tolist() == [0, 0, 1, 1]


def test_fewer_symbols_than_groups_or_scores_all_alike_make_none() -> None:
    scores = np.array([5.0, 1.0])
    assert group_of(scores, scores > 0, 3).tolist() == [-1, -1]
    assert group_of(np.ones(6), np.ones(6, np.bool_), 3).tolist() == [-1] * 6


def test_an_outcome_is_the_return_over_the_horizon_and_pays_who_ends_the_delisting() -> None:
    close = np.array([[10.0, 10.0], [11.0, 8.0], [12.0, NAN], [15.0, NAN]])
    panel = flat_panel(4)
    fields = dict.fromkeys(("open", "high", "low", "close", "volume"), close)
    ends = np.array([-1, 1])
    panel = replace(panel, ends=ends, **fields)  # type: ignore[arg-type]
    found = outcomes(panel, np.array([0, 1, 2]), np.array([2, 3, 4]), -0.5)
    # AAA: 12/10 and 15/11; BBB ends on bar 1 at 8, and half of that is lost.
    assert found[:, 0] == pytest.approx([0.2, 4 / 11, NAN], nan_ok=True)
    assert found[:, 1] == pytest.approx([-0.6, -0.5, NAN], nan_ok=True)


def test_an_outcome_reaches_to_the_next_formation_where_that_is_about_a_horizon_away() -> None:
    at = np.array([0, 19, 42, 47, 100])
    assert ends_of(at, 21).tolist() == [19, 42, 63, 68, 121]


SCORES = np.array([[1.0, 2.0, 3.0, 4.0], [4.0, 3.0, 2.0, 1.0], [4.0, 3.0, 2.0, 1.0]])
RETURNS = np.array([[0.00, 0.01, 0.02, 0.05], [0.00, 0.01, 0.02, 0.05], [0.01, 0.00, 0.0, 0.0]])


def test_each_formation_is_measured_by_hand() -> None:
    found = rank_series(SCORES, RETURNS, 2, 1)
    assert found.rank_ic[:2].tolist() == pytest.approx([1.0, -1.0])
    assert found.hits.tolist() == [4.0, 0.0, 1.0]  # in the last three returns are the median
    assert found.told.tolist() == [4.0, 4.0, 1.0]
    assert found.groups == pytest.approx(np.array([[0.005, 0.035], [0.035, 0.005], [0.0, 0.005]]))
    # Both sides are bought, then turned over whole (2 + 2), then kept.
    assert found.traded.tolist() == [2.0, 4.0, 0.0]


def test_costs_take_the_turnover_of_both_sides() -> None:
    series = rank_series(SCORES, RETURNS, 2, 1)
    row = row_of(series, {}, Beside(None, None), 10.0, 1)
    assert row["spread"]["value"] == pytest.approx((0.03 - 0.03 + 0.005) / 3)
    assert row["net"]["value"] == pytest.approx(row["spread"]["value"] - 0.001 * (2 + 4 + 0) / 3)
    assert row["turnover"] == pytest.approx((1.0 + 0.0) / 2)
    assert row["less"] == {}
    twin = row_of(series, {"twin": series}, Beside(None, None), None, 1)
    assert twin["less"]["twin"]["value"] == 0.0
    assert twin["net"] is None


def test_portfolios_that_overlap_are_compared_with_the_one_they_replace() -> None:
    scores = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [2.0, 1.0]])
    found = rank_series(scores, np.tile([0.0, 0.1], (4, 1)), 2, 2)
    assert found.traded.tolist() == [2.0, 2.0, 0.0, 0.0]
    assert formations_a_horizon(np.array([0, 21, 43, 63]), 21) == 1
    assert formations_a_horizon(np.arange(50), 21) == 21


def test_the_cost_of_a_side_is_known_where_it_is_one_number() -> None:
    assert CostsConfig.model_validate({"fee_bps": 1, "slippage_bps": 2}).side_bps == 5.0
    assert CostsConfig.model_validate({"spread": {"kind": "quotes"}}).side_bps is None
    assert CostsConfig.model_validate({"slippage": {"impact": 0.1}}).side_bps is None


def ranking(*bars: int, n: int = 4) -> Floats:
    scores = np.full((10, n), NAN)
    scores[list(bars)] = np.arange(n)
    return scores


def test_common_bars_are_those_at_which_all_rank() -> None:
    given_, left_out = common({"a": ranking(1, 4, 7), "b": ranking(*range(10))}, 2)
    assert not left_out
    assert np.flatnonzero(given_.any(axis=1)).tolist() == [4, 7]


def test_who_ranks_at_other_bars_or_few_symbols_is_left_out() -> None:
    few = np.where(np.arange(4) < 1, ranking(1, 4, 7), NAN)
    said = {"a": ranking(1, 4, 7), "b": ranking(1, 4, 7), "odd": ranking(2, 5, 7), "few": few}
    given_, left_out = common(said, 0)
    assert "ranks at 1 of the 3 bars" in left_out["odd"]
    assert "scores 3 pairs of bar and symbol where most score 12" in left_out["few"]
    assert given_.sum() == 12


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**16), overlap=st.integers(0, 8), k=st.integers(0, 3))
def test_errors_are_those_of_statsmodels(seed: int, overlap: int, k: int) -> None:
    sm: Any = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(60, k)), np.convolve(rng.normal(size=63), np.ones(4), "valid")
    found = newey_west_intercept(y, x, overlap=overlap)
    lags = max(3, overlap)  # floor(4 (60 / 100)^(2/9)) = 3
    design = np.column_stack([np.ones(60), x])
    theirs = sm.OLS(y, design).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}
    )
    assert found.value == pytest.approx(theirs.params[0], rel=1e-9, abs=1e-12)
    assert found.se == pytest.approx(theirs.bse[0], rel=1e-9)


def test_what_cannot_be_estimated_is_no_number() -> None:
    assert np.isnan(newey_west_mean(np.array([0.1])).value)
    flat = newey_west_mean(np.full(5, 0.1))
    assert flat.value == pytest.approx(0.1) and np.isnan(flat.t)


def test_the_best_of_many_without_skill_reaches_the_chance_t_in_one_case_of_twenty() -> None:
    draws = np.abs(np.random.default_rng(0).normal(size=(40_000, 7))).max(axis=1)
    share = float((draws > chance_t(7)).mean())
    assert share == pytest.approx(0.05, abs=0.004)  # four standard errors of 40,000 draws
    assert chance_t(1) == pytest.approx(1.95996, abs=1e-4)


def planted(strength: float, *, lag: int = 0) -> tuple[Floats, Panel]:
    """Scores that know a share of the return ``lag`` formations later, every fifth bar."""
    rng = np.random.default_rng(5)
    steps = rng.normal(0.0, 0.02, (400, 30))
    close = 100 * np.exp(np.cumsum(steps, axis=0))
    ts = (np.arange(400, dtype=np.int64) + 1) * DAY_NS
    names = tuple(f"S{k}" for k in range(30))
    panel = Panel(names, ts, close, close, close, close, np.ones_like(close))
    scores = np.full(close.shape, np.nan)
    for bar in range(50, 395 - 5 * lag, 5):
        known = np.log(close[bar + 5 + 5 * lag] / close[bar + 5 * lag]) / 0.02
        scores[bar] = strength * known + rng.normal(size=30)
    return scores, panel


def test_a_planted_ranking_is_found_with_its_horizon() -> None:
    scores, panel = planted(0.3)
    found = measure(scores, panel, first_bar=50, horizon=5)
    assert found["n_dates"] == 69 and found["n_groups"] == 10
    assert found["rank_ic"]["value"] > 0.35 and found["rank_ic"]["t"] > 8
    assert found["spread"]["value"] > 0.02 and found["spread"]["t"] > 8
    assert found["accuracy"]["low"] > 0.55
    assert found["decay"][0]["value"] > 5 * abs(found["decay"][1]["value"])
    assert "which can be chance" not in found["verdict"]


def test_a_ranking_of_a_later_horizon_shows_in_the_decay() -> None:
    scores, panel = planted(0.3, lag=2)
    found = measure(scores, panel, first_bar=50, horizon=5)
    values = [one["value"] for one in found["decay"]]
    assert int(np.argmax(values)) == 2 and values[2] > 0.35
    assert abs(found["rank_ic"]["t"]) < 3


def test_noise_is_called_what_can_be_chance() -> None:
    scores, panel = planted(0.0)
    found = measure(scores, panel, first_bar=50, horizon=5)
    assert abs(found["rank_ic"]["t"]) < 2
    assert "which can be chance" in found["verdict"]


def test_scores_all_alike_or_without_an_outcome_are_told_apart() -> None:
    scores, panel = planted(0.3)
    alike = np.where(np.isnan(scores), np.nan, 1.0)
    found = measure(alike, panel, first_bar=50, horizon=5)
    assert found["verdict"].endswith("nobody is ranked.")
    assert measure(scores, panel, first_bar=398, horizon=5) == {}


def test_a_formation_before_the_first_bar_or_the_horizons_end_does_not_count() -> None:
    scores, panel = planted(0.3)
    found = measure(scores, panel, first_bar=100, horizon=5)
    assert (found["n_dates"], found["n_unknown"]) == (59, 0)
    assert str(panel.dates[100]) == found["first_date"]


def test_momentum_classes_are_thirds_of_a_date() -> None:
    score = np.array([5.0, 1, np.nan, 4, 2, 3, 6])
    np.testing.assert_array_equal(classes(score), [1, -1, 0, 0, -1, 0, 1])
    np.testing.assert_array_equal(classes(score, low=0.0, high=0.5), [1, 0, 0, 1, 0, 0, 1])
    assert not classes(np.ones(4)).any() and not classes(np.full(3, np.nan)).any()


def test_costs_the_market_and_factors_take_their_part_of_the_spread() -> None:
    draw = np.random.default_rng(3)
    n, names = 120, 20
    factor = draw.normal(0, 0.02, n)
    scores = draw.normal(size=(n, names))
    loading = np.argsort(np.argsort(scores, axis=1), axis=1) / (names - 1) - 0.5
    steps = loading * (0.004 + factor)[:, None] + draw.normal(0, 0.002, (n, names))
    close = 50 * np.cumprod(1 + np.vstack([np.zeros(names), steps]), axis=0)
    ts = (np.arange(n + 1, dtype=np.int64) + 1) * DAY_NS
    symbols = tuple(f"S{k}" for k in range(names))
    panel = Panel(symbols, ts, close, close, close, close, np.ones_like(close))
    ranked = np.vstack([scores, np.full(names, np.nan)])
    days = panel.dates.astype("datetime64[D]").astype(np.int64)

    def returns(begin: Ints, end: Ints) -> Floats:
        return np.asarray(factor[np.searchsorted(days, begin)][:, None])

    found = measure(
        ranked, panel, first_bar=0, horizon=1, side_bps=5.0, factors=returns
    )  # fmt: skip
    spread = found["spread"]["value"]
    # Ranks differ by 0.5 + 0.5 less half a step of two names: 18 / 19 of the whole.
    assert spread == pytest.approx(18 / 19 * (0.004 + factor.mean()), abs=4e-4)
    assert found["alpha"]["value"] == pytest.approx(18 / 19 * 0.004, abs=4e-4)
    assert found["alpha"]["t"] > found["spread"]["t"]
    assert found["net"]["value"] < spread < found["net"]["value"] + 4 * 5e-4 + 1e-9
    traded = (spread - found["net"]["value"]) / 5e-4
    assert found["break_even_bps"] == pytest.approx(1e4 * spread / traded, rel=1e-6)
    assert found["ic"]["value"] > 0.1
    plain = measure(ranked, panel, first_bar=0, horizon=1)
    assert plain["alpha"] is None and plain["net"] is None

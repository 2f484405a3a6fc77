"""Placebos accuse nobody who is honest and find folds that know the outcome."""

from math import isnan

import numpy as np
import pytest

from tests import audit_plants as plants
from tests.audit_research import HORIZON, Research, bars, changed
from tradewind.engine.audit import placebo as placebos
from tradewind.engine.audit.findings import Danger
from tradewind.engine.audit.placebo import permuted, placebo, random_walk, skill
from tradewind.engine.causality import probe
from tradewind.engine.records import Floats, Panel
from tradewind.engine.scoring.evaluation import realised

N_RUNS = 200
ALLOWED = 0.08  # share of runs beyond a 5 % band: 200 runs exceed it with chance 0.04


def trend(panel: Panel) -> Floats:
    """An honest forecast: the last ten bars' return goes on."""
    out = np.full(panel.shape, np.nan)
    log_close = np.log(panel.close)
    out[10:] = log_close[10:] - log_close[:-10]
    return out


@pytest.mark.parametrize("make", [random_walk, permuted])
def test_a_placebo_looks_like_the_panel_and_moves_otherwise(make: object) -> None:
    panel = probe(seed=2, n_bars=300)
    other = make(panel, 1)  # type: ignore[operator]
    assert (np.isnan(other.close) == np.isnan(panel.close)).all()
    has = ~np.isnan(panel.close)
    assert (other.high[has] >= other.low[has]).all()
    steps, ours = (np.nanstd(np.diff(np.log(p.close), axis=0)) for p in (other, panel))
    assert 0.8 < steps / ours < 1.25
    assert not np.array_equal(other.close, panel.close, equal_nan=True)
    assert make(panel, 1).digest() == other.digest()  # type: ignore[operator]
    assert make(panel, 2).digest() != other.digest()  # type: ignore[operator]


@pytest.mark.parametrize("make", [random_walk, permuted])
def test_the_null_band_of_an_honest_forecaster_holds_what_it_says(make: object) -> None:
    panel = probe(seed=5, n_bars=120)
    beyond = 0
    for run in range(N_RUNS):
        panels = [make(panel, 10 * run + i) for i in range(6)]  # type: ignore[operator]
        found = skill(trend, panels, 3)
        assert found.n == 6
        beyond += found.p < 0.05
    assert 0 < beyond <= ALLOWED * N_RUNS


def test_a_forecaster_that_knows_the_outcome_is_found() -> None:
    def peeks(panel: Panel) -> Floats:
        noise = np.random.default_rng(0).normal(0, 0.03, panel.shape)
        return realised(panel, 3) + noise

    findings, checks = placebo("peeks", peeks, bars(1), horizon=3, n_panels=8)
    assert {one.means for one in findings} == {"placebo, random walk", "placebo, permuted"}
    assert all(one.danger == Danger.PLACEBO for one in findings)
    assert all(one.worth is not None and one.worth.ic > 0.2 for one in findings)
    assert all("would have found" in check.note for check in checks)


def test_shuffled_folds_show_skill_on_random_walks() -> None:
    """Neighbouring days share outcomes: the nearest neighbours know them."""
    research = Research("neighbours", panel=bars(4, n_bars=200))
    leaky = changed(research, splits=plants.shuffled_folds, features=slow_features)
    findings, _ = placebo("folds", leaky.evaluate, leaky.panel, horizon=HORIZON, n_panels=6)
    assert findings
    assert all("outcomes of the test window" in one.advice for one in findings)
    honest = changed(research, features=slow_features)
    assert not placebo("folds", honest.evaluate, honest.panel, horizon=HORIZON, n_panels=6)[0]


def slow_features(panel: Panel) -> Floats:
    """Inputs that change little from day to day: the neighbours in them are those in time."""
    log_close = np.log(np.where(np.isnan(panel.close), 1.0, panel.close))
    n = np.arange(1, panel.n_bars + 1)[:, None]
    level = np.where(np.isnan(panel.close), np.nan, log_close)
    return np.stack([level, np.cumsum(log_close, axis=0) / n], axis=2)


def test_forecasts_that_do_not_vary_give_no_verdict() -> None:
    findings, checks = placebo(
        "zero", lambda panel: np.zeros(panel.shape), bars(1), horizon=3, n_panels=4
    )
    assert not findings
    assert [check.n_tried for check in checks] == [0, 0]
    assert all("nothing to correlate" in check.note for check in checks)


def test_too_few_panels_are_no_test() -> None:
    assert isnan(skill(trend, [bars(1)], 3).p)
    assert placebos.placebo("t", trend, bars(1), horizon=3, n_panels=2) == ([], [])

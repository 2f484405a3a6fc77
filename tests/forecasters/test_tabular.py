"""Ridge, LightGBM and scikit-learn over the networks' windows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.walks import go, same, schedule
from tradewind.engine.causality import probe
from tradewind.engine.content import code_content
from tradewind.engine.errors import CheckpointError, ConfigError, ForecastError
from tradewind.engine.forecaster_spec import spec_of
from tradewind.engine.records import DAY_NS, Floats, Panel
from tradewind.forecasters import LightGbm, Lstm, Ridge, ScikitLearn, checkpoints
from tradewind.forecasters.inputs import windows
from tradewind.forecasters.ridge import _equations, _solved
from tradewind.forecasters.tabular import Part, TabularForecaster

SHORT: dict[str, Any] = {"window": 2, "features": ("return_1",), "stride": 1, "vol_lookback": 20}
FOREST = "sklearn.ensemble.RandomForestRegressor"


def swinging(n_bars: int, seed: int, names: str = "AB") -> Panel:
    """Symbols whose next return is the opposite of half the last, plus noise."""
    shocks = np.random.default_rng(seed).normal(0.0, 0.01, (n_bars, len(names)))
    returns = np.zeros(shocks.shape)
    for t in range(1, n_bars):
        returns[t] = -0.5 * returns[t - 1] + shocks[t]
    close = 100 * np.exp(np.cumsum(returns, axis=0))
    ts = (np.arange(n_bars, dtype=np.int64) + 1) * DAY_NS
    return Panel(tuple(names), ts, close, close, close, close, np.ones_like(close))


def last_returns(panel: Panel, first: int) -> Floats:
    return np.diff(np.log(panel.close), axis=0)[first - 1 :]


@pytest.mark.parametrize(
    ("made", "least"),
    [
        (Ridge(horizon=1, **SHORT), 0.95),
        (LightGbm(horizon=1, least_rows=20, learning_rate=0.1, **SHORT), 0.9),
        (
            ScikitLearn(
                horizon=1, estimator=FOREST, settings={"n_estimators": 30, "min_samples_leaf": 40},
                **SHORT,
            ),
            0.9,
        ),
    ],
    ids=["ridge", "lightgbm", "sklearn"],
)  # fmt: skip
def test_a_planted_reversal_is_found(made: TabularForecaster, least: float) -> None:
    panel = swinging(1_500, seed=3)
    said = made.fit(panel.past(1_300)).predict(panel, first=1_300)
    wanted = -0.5 * last_returns(panel, 1_300)
    assert np.corrcoef(said.mean.ravel(), wanted.ravel())[0, 1] > least
    # What cannot be known is a shock of 1 %.
    assert np.median(said.std) == pytest.approx(0.01, rel=0.15)


def test_ridge_is_the_textbook_formula_with_a_free_constant() -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(0.3, 1.0, (90, 3)).astype(np.float32)
    y = x @ np.array([0.5, 0.0, -0.2]) + 0.7 + draw.normal(0.0, 0.1, 90)
    found = _solved(_equations(Part(x, y)), (0.25,))[0]
    centred, about = x - x.mean(0, dtype=np.float64), y - y.mean()
    slope = np.linalg.solve(centred.T @ centred / 90 + 0.25 * np.eye(3), centred.T @ about / 90)
    np.testing.assert_allclose(found[:3], slope, rtol=1e-9)
    np.testing.assert_allclose(found[3], y.mean() - x.mean(0, dtype=np.float64) @ slope, rtol=1e-9)


def test_ridge_takes_a_large_penalty_where_there_is_nothing_to_learn() -> None:
    """On a random walk the chosen forecast is close to none."""
    close = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, (1_500, 2)), axis=0))
    ts = (np.arange(1_500, dtype=np.int64) + 1) * DAY_NS
    walk = Panel(("A", "B"), ts, close, close, close, close, np.ones_like(close))
    wide = {**SHORT, "window": 40}
    chosen = Ridge(horizon=1, **wide).fit(walk.past(900)).predict(walk, first=900)
    loose = Ridge(horizon=1, penalty=1e-4, **wide).fit(walk.past(900)).predict(walk, first=900)
    assert chosen.mean.std() < 0.3 * loose.mean.std()


def test_the_standard_deviation_comes_from_rows_that_were_not_learned_from() -> None:
    panel = swinging(700, seed=5)
    learner = ScikitLearn(
        horizon=1, estimator="sklearn.tree.DecisionTreeRegressor", refit=False, **SHORT
    )
    said = learner.fit(panel.past(600)).predict(panel, first=600)
    # A tree without limits learns its rows by heart; unseen, it errs by more than the shock.
    assert np.median(said.std) > 0.012


def test_an_unpooled_learner_knows_its_own_symbol_alone() -> None:
    panel = swinging(400, seed=7)
    both = Ridge(pooled=False, **SHORT).fit(panel.past(300)).predict(panel, first=300)
    alone = panel.select(["B"])
    only = Ridge(pooled=False, **SHORT).fit(alone.past(300)).predict(alone, first=300)
    np.testing.assert_array_equal(both.mean[:, 1], only.mean[:, 0])
    np.testing.assert_array_equal(both.std[:, 1], only.std[:, 0])


def test_lightgbm_stops_where_the_validation_error_stops_falling() -> None:
    panel = swinging(600, seed=2)
    learner = LightGbm(trees=400, patience=10, learning_rate=0.2, least_rows=20, **SHORT)
    learner.fit(panel)
    curve = learner.history
    assert 11 <= len(curve) < 400
    best = int(np.argmin([point["stopping"] for point in curve]))
    assert len(curve) == best + 1 + 10
    kept = learner._learnt_or_raise("look")["all symbols"].model
    assert kept.num_trees() == best + 1


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"estimator": "xgboost.XGBRegressor"}, "wanted a class of scikit-learn with its module"),
        ({"estimator": "sklearn.ensemble.RandomForestRegresor"}, "mean 'RandomForestRegressor'?"),
        ({"estimator": "sklearn.ensamble.Forest"}, "No module named 'sklearn.ensamble'"),
        ({"estimator": "sklearn.svm.SVC"}, "sklearn.svm.SVC is no regressor"),
        ({"settings": {"n_trees": 5}}, "RandomForestRegressor has no setting 'n_trees'"),
        ({"settings": {"n_estimater": 5}}, "did you mean 'n_estimators'?"),
        ({"settings": {"n_estimators": -5}}, "'n_estimators' parameter of RandomForestRegressor"),
        ({"settings": {"n_jobs": 2}}, "folds run side by side"),
        ({"features": ()}, "'features' is empty"),
        ({"window": 0}, "ScikitLearn: window is 0; wanted >= 1"),
    ],
)
def test_what_scikit_learn_does_not_know_is_refused(params: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        ScikitLearn(**{"estimator": FOREST, **params})
    assert told in str(error.value)


def test_an_estimator_that_fails_is_named_with_its_reason() -> None:
    learner = ScikitLearn(
        estimator="sklearn.linear_model.RANSACRegressor", settings={"residual_threshold": 1e-9},
        **SHORT,
    )  # fmt: skip
    with pytest.raises(ForecastError, match=r"RANSACRegressor could not be fitted on \d+ rows"):
        learner.fit(swinging(300, seed=1))


@pytest.mark.parametrize("package", ["lightgbm", "sklearn"])
def test_without_the_package_it_says_what_to_install(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradewind.forecasters.optional.find_spec", lambda name: None)
    with pytest.raises(ForecastError, match=rf"'{package}'.*pip install 'tradewind\[ml\]'"):
        LightGbm() if package == "lightgbm" else ScikitLearn(estimator=FOREST)


@pytest.mark.parametrize(
    ("target", "package"),
    [
        ("tradewind.forecasters.boosting:LightGbm", "lightgbm"),
        ("tradewind.forecasters.scikit:ScikitLearn", "sklearn"),
        ("tradewind.forecasters.classical:AutoEts", "statsforecast"),
    ],
)
def test_another_version_of_the_package_means_another_entry_in_the_cache(
    target: str, package: str
) -> None:
    assert code_content(target)["versions"][package]


def test_a_checkpoint_whose_model_is_another_is_refused(tmp_path: Path) -> None:
    panel = probe(n_bars=300)
    for cls in (Ridge, LightGbm):
        folder = tmp_path / cls.__name__
        made = cls(**SHORT)
        made.fit(panel).save(folder)
        kept = checkpoints.read(folder, kind=cls.__name__, config=made._params)
        cut = {name: array[:-40] for name, array in kept.weights.items()}
        checkpoints.write(folder, checkpoints.Checkpoint(kept.kind, kept.config, kept.state, cut))
        with pytest.raises(CheckpointError):
            cls(**SHORT).restore(folder)


def test_rows_are_the_windows_of_the_networks_oldest_bar_first() -> None:
    panel = probe(n_bars=300)
    learner = Ridge(window=3, features=("return_1", "range"), stride=1)
    samples, scale = learner._framing.labelled(panel)
    seen: list[Part] = []

    class Watching(Ridge):
        def _learn(self, fitting: Part, stopping: Part) -> Any:
            seen.extend((fitting, stopping))
            return super()._learn(fitting, stopping)

    Watching(window=3, features=("return_1", "range"), stride=1).fit(panel)
    fitting, _ = learner._framing.split(samples, "here")
    scaling = windows.fit_scaling(fitting, where="here")
    wanted = np.clip((fitting.x - scaling.mean) / scaling.std, -5, 5).reshape(fitting.n, 6)
    np.testing.assert_allclose(seen[0].x, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(seen[0].y, np.clip(fitting.target / scale[fitting.row], -5, 5))


@pytest.mark.parametrize("kind", [Ridge, Lstm])
def test_a_feature_named_twice_is_refused(kind: Any) -> None:
    with pytest.raises(ConfigError, match="'features' names 'range' twice; name it once"):
        kind(features=("range", "return_1", "range"))


def test_processes_share_the_symbols_of_unpooled_learners_with_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = swinging(330, seed=4, names="ABCDE")  # five symbols: two parts
    spec = spec_of(Ridge, {"pooled": False, "horizon": 1, **SHORT})
    shared = go(spec, panel, config=schedule(train=260, refit=70))
    assert [len(fold.fits) for fold in shared.folds] == [2]
    monkeypatch.setattr("tradewind.engine.walkforward.plan.SYMBOLS_PER_TASK", 5)
    alone = go(spec, panel, config=schedule(train=260, refit=70))
    assert [len(fold.fits) for fold in alone.folds] == [1]
    assert same(shared.forecasts, alone.forecasts)
    assert np.isfinite(shared.forecasts.mean[260:]).all()


def test_a_part_without_enough_history_is_silent_says_why_and_comes_back(tmp_path: Path) -> None:
    panel = swinging(300, seed=1)
    close = panel.close.copy()
    close[:250, 1] = np.nan
    young = replace(panel, open=close, high=close, low=close, close=close, volume=0 * close + 1)
    whole = Ridge(pooled=False, **SHORT).fit(young)
    assert len(whole.notes) == 1 and "Ridge, B" in whole.notes[0]
    part = Ridge(pooled=False, **SHORT).for_symbols(("B",)).fit(young)
    assert part.notes == whole.notes
    assert np.isnan(part.predict(young, first=0).mean).all()
    part.save(tmp_path / "kept")
    again = Ridge(pooled=False, **SHORT).for_symbols(("B",)).restore(tmp_path / "kept")
    assert np.isnan(again.predict(young, first=0).mean).all()
    with pytest.raises(CheckpointError, match="holds no learner"):
        Ridge(pooled=False, **SHORT).restore(tmp_path / "kept")


def test_dividing_refuses_a_stranger_and_a_shared_learner() -> None:
    with pytest.raises(ForecastError, match="asked for NOBODY"):
        Ridge(pooled=False, **SHORT).for_symbols(("NOBODY",)).fit(swinging(300, seed=1))
    with pytest.raises(ForecastError, match="set pooled: false"):
        Ridge(**SHORT).for_symbols(("A",))

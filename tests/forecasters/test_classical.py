"""ARIMA and exponential smoothing: filtered forward, they say what the library itself would say."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from statsforecast.models import AutoARIMA, AutoETS

from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.records import DAY_NS, Floats, Panel
from tradewind.engine.tampering import readjusted
from tradewind.forecasters import AutoArima, AutoEts
from tradewind.forecasters.classical import arma_inverse, arma_spread, arma_weights


def panel_of(returns: Floats) -> Panel:
    close = 100 * np.exp(np.cumsum(returns))[:, None]
    ts = (np.arange(len(close), dtype=np.int64) + 1) * DAY_NS
    return Panel(("A",), ts, close, close, close, close, np.ones_like(close))


@pytest.fixture(scope="module")
def returns() -> Floats:
    """An ARMA(1, 1) with a mean, shape (400,)."""
    shocks = np.random.default_rng(4).normal(0.0, 0.01, 400)
    made = np.zeros(400)
    for t in range(1, 400):
        made[t] = 0.6 * made[t - 1] + shocks[t] + 0.3 * shocks[t - 1]
    return made + 0.002


def test_arima_says_the_sum_of_what_the_library_says(returns: Floats) -> None:
    panel = panel_of(returns)
    said = AutoArima(horizon=4, max_p=2, max_q=2).fit(panel).predict(panel, first=399)
    model = AutoARIMA(d=0, seasonal=False, max_p=2, max_q=2).fit(np.diff(np.log(panel.close[:, 0])))
    assert len(model.model_["coef"]) >= 2
    np.testing.assert_allclose(said.mean[0, 0], model.predict(4)["mean"].sum(), rtol=1e-6)


def test_arima_filters_forward_with_the_parameters_of_the_fit(returns: Floats) -> None:
    panel = panel_of(returns)
    said = AutoArima(horizon=1, max_p=2, max_q=2).fit(panel.past(300)).predict(panel, first=300)
    own = np.diff(np.log(panel.close[:, 0]))
    model = AutoARIMA(d=0, seasonal=False, max_p=2, max_q=2).fit(own[:299])
    for bar in (300, 350, 399):
        ahead = model.forward(own[:bar], 1)["mean"][0]
        np.testing.assert_allclose(said.mean[bar - 300, 0], ahead, rtol=1e-6)


def test_weights_and_spread_of_a_textbook_process() -> None:
    ar, ma = np.array([0.5]), np.array([0.4])
    np.testing.assert_allclose(arma_inverse(ar, ma, 4), [1.0, -0.9, 0.36, -0.144])
    one = arma_weights(ar, ma, 1)[:3]
    np.testing.assert_allclose(one, [0.9, -0.36, 0.144])
    np.testing.assert_allclose(arma_weights(ar, ma, 2)[:3], 1.5 * one)
    # Responses 1, 0.9, 0.45: their running sums are what a shock has done to the price.
    np.testing.assert_allclose(arma_spread(ar, ma, 3), np.sqrt(1 + 1.9**2 + 2.35**2))
    np.testing.assert_allclose(arma_spread(np.empty(0), np.empty(0), 9), 3.0)


def test_smoothing_says_what_the_library_says(returns: Floats) -> None:
    panel = panel_of(returns)
    for horizon, damped in ((1, True), (5, False)):
        rule = AutoEts(horizon=horizon, damped=damped).fit(panel)
        said = rule.predict(panel, first=399)
        log_close = np.log(panel.close[:, 0] / panel.close[0, 0])
        theirs = AutoETS(season_length=1, model="AZN", damped=damped).fit(log_close)
        assert theirs.model_["components"][1] == "A"
        ahead = theirs.predict(horizon, level=[95])
        np.testing.assert_allclose(
            said.mean[0, 0], ahead["mean"][-1] - log_close[-1], rtol=1e-6, atol=1e-9
        )
        reach = (ahead["hi-95"] - ahead["mean"])[-1] / 1.959963984540054
        np.testing.assert_allclose(said.std[0, 0], reach, rtol=1e-6)


def test_a_damped_trend_fades_as_in_the_textbook(returns: Floats) -> None:
    # Not compared with the library, which takes the first step of the damping twice.
    panel = panel_of(returns)
    one, three = (
        AutoEts(horizon=h, damped=True).fit(panel).predict(panel, first=399).mean[0, 0]
        for h in (1, 3)
    )
    path = np.log(panel.close[:, 0] / panel.close[0, 0])
    fitted = AutoETS(season_length=1, model="AZN", damped=True).fit(path)
    phi, trend = fitted.model_["par"][3], fitted.model_["states"][-1][1]
    np.testing.assert_allclose(three - one, (phi**2 + phi**3) * trend, rtol=1e-6)


def test_smoothing_does_not_depend_on_the_level_that_later_splits_restate(returns: Floats) -> None:
    panel = panel_of(returns)
    halved = readjusted(panel, panel.n_bars)
    before, after = (AutoEts().fit(one).predict(one, first=300) for one in (panel, halved))
    np.testing.assert_array_equal(before.mean, after.mean)
    np.testing.assert_array_equal(before.std, after.std)
    assert before.mean.std() > 0


def test_a_price_that_stands_still_gets_no_model(returns: Floats) -> None:
    moving = panel_of(returns).close
    close = np.hstack((moving, np.full_like(moving, 7.0)))
    ts = (np.arange(len(close), dtype=np.int64) + 1) * DAY_NS
    panel = Panel(("A", "B"), ts, close, close, close, close, np.ones_like(close))
    said = AutoEts().fit(panel).predict(panel, first=399)
    assert np.isfinite(said.mean[0, 0])
    assert np.isnan(said.mean[0, 1])
    with pytest.raises(ForecastError, match="every symbol with 101 bars stands still"):
        AutoEts().fit(panel.select(["B"]))


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradewind.forecasters.optional.find_spec", lambda name: None)
    with pytest.raises(ForecastError, match=r"'statsforecast'.*pip install 'tradewind\[ml\]'"):
        AutoArima()
    assert importlib.util.find_spec("statsforecast") is not None


def test_a_checkpoint_without_a_model_is_refused(tmp_path: Path, returns: Floats) -> None:
    AutoEts().fit(panel_of(returns)).save(tmp_path)
    assert AutoEts().restore(tmp_path).horizon == 5
    with pytest.raises(CheckpointError, match="made with damped = None, asked for with True"):
        AutoEts(damped=True).restore(tmp_path)

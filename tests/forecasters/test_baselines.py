"""The rules a network must beat, worked out by hand."""

import math
from pathlib import Path

import numpy as np
import pytest

from tradewind.engine.causality import probe
from tradewind.engine.errors import CheckpointError, ConfigError, ForecastError
from tradewind.engine.records import DAY_NS, Floats, Panel
from tradewind.forecasters import Drift, Ewma, Naive, checkpoints


def panel_of(close: Floats) -> Panel:
    ts = (np.arange(len(close), dtype=np.int64) + 1) * DAY_NS
    volume = np.where(np.isnan(close), np.nan, 1.0)
    names = tuple("ABC"[: close.shape[1]])
    return Panel(names, ts, close, close, close, close, volume)


def steady(step: float, n_bars: int) -> Floats:
    """Returns of +-1 % around a drift of ``step`` per bar, in pairs."""
    returns = np.tile([0.01, -0.01], n_bars)[:n_bars] + step
    returns[0] = 0.0
    return np.asarray(100 * np.exp(np.cumsum(returns)))[:, None]


def test_naive_says_zero_with_trailing_volatility_over_the_horizon() -> None:
    panel = panel_of(steady(0.0, 30))
    said = Naive(horizon=4, vol_lookback=10).fit(panel).predict(panel, first=20)
    assert said.mean.shape == (10, 1)
    assert (said.mean == 0.0).all()
    np.testing.assert_allclose(said.std, 0.01 * math.sqrt(4), rtol=1e-10)


def test_drift_is_the_mean_return_since_the_first_bar_times_the_horizon() -> None:
    close = np.exp(np.array([[0.0], [0.02], [0.01], [0.05]])) * 10
    said = Drift(horizon=3, vol_lookback=2).fit(panel_of(close)).predict(panel_of(close), first=0)
    np.testing.assert_allclose(said.mean[2:, 0], [0.01 / 2 * 3, 0.05 / 3 * 3], rtol=1e-12)
    assert np.isnan(said.mean[:2]).all()


def test_drift_with_a_lookback_forgets_what_is_older() -> None:
    close = np.exp(np.array([[5.0], [0.02], [0.01], [0.05]]))
    panel = panel_of(close)
    said = Drift(horizon=1, lookback=2, vol_lookback=2).fit(panel).predict(panel, first=3)
    np.testing.assert_allclose(said.mean, [[0.015]], rtol=1e-12)


def test_an_average_starts_at_each_symbols_own_first_bar() -> None:
    late = np.vstack((np.full((7, 1), np.nan), steady(0.001, 33)))
    panel = panel_of(np.hstack((steady(0.0, 40), late)))
    said = Drift(horizon=1, vol_lookback=5).fit(panel).predict(panel, first=39)
    wanted = math.log(late[39, 0] / late[7, 0]) / 32
    np.testing.assert_allclose(said.mean[0, 1], wanted, rtol=1e-10)


def test_ewma_weights_halve_every_half_life() -> None:
    close = 100 * np.exp(np.cumsum(np.linspace(-0.01, 0.02, 30)))[:, None]
    said = (
        Ewma(horizon=3, halflife=2, vol_halflife=1)
        .fit(panel_of(close))
        .predict(panel_of(close), first=29)
    )
    newest_first = np.diff(np.log(close[:, 0]))[::-1]
    slow, fast = 0.5 ** (np.arange(14) / 2), 0.5 ** np.arange(7)
    np.testing.assert_allclose(said.mean[0, 0], 3 * slow @ newest_first[:14] / slow.sum())
    variance = fast @ newest_first[:7] ** 2 / fast.sum()
    np.testing.assert_allclose(said.std[0, 0], math.sqrt(3 * variance))


def test_ewma_does_not_depend_on_where_history_begins() -> None:
    panel = probe(seed=3, n_bars=300, n_symbols=2)
    rule = Ewma(halflife=5, vol_halflife=5).fit(panel)
    whole, late = rule.predict(panel, first=299), rule.predict(panel.rows(260, 300), first=39)
    np.testing.assert_array_equal(whole.mean, late.mean)
    np.testing.assert_array_equal(whole.std, late.std)


@pytest.mark.parametrize("cls", [Naive, Drift])
def test_a_price_that_stands_still_gets_no_forecast(cls: type[Naive | Drift]) -> None:
    panel = panel_of(np.hstack((steady(0.0, 40), np.full((40, 1), 8.0))))
    said = cls(vol_lookback=10).fit(panel).predict(panel, first=30)
    assert np.isfinite(said.mean[:, 0]).all()
    assert np.isnan(said.mean[:, 1]).all()
    assert np.isnan(said.std[:, 1]).all()


def test_too_little_history_is_refused_with_both_numbers() -> None:
    panel = panel_of(steady(0.0, 40))
    with pytest.raises(ForecastError, match=r"Naive: the longest history has 40 bars.*needs 61"):
        Naive().fit(panel)
    with pytest.raises(ForecastError, match=r"Drift: the longest history has 40 bars.*needs 91"):
        Drift(lookback=90).fit(panel)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"horizon": 0}, "Drift: horizon is 0; wanted >= 1"),
        ({"vol_lookback": 1}, "Drift: vol_lookback is 1; wanted >= 2"),
        ({"lookback": 9_999}, "Drift: lookback is 9999; wanted <= 5000"),
    ],
)
def test_a_parameter_out_of_range_is_refused(params: dict[str, int], told: str) -> None:
    with pytest.raises(ConfigError) as error:
        Drift(**params)
    assert str(error.value) == told


def test_a_checkpoint_of_other_parameters_is_refused(tmp_path: Path) -> None:
    Drift(horizon=5).fit(probe()).save(tmp_path)
    Drift(horizon=5).restore(tmp_path)
    with pytest.raises(CheckpointError, match="made with horizon = 5, asked for with 6"):
        Drift(horizon=6).restore(tmp_path)
    with pytest.raises(CheckpointError, match="kind is 'Drift', wanted 'Naive'"):
        Naive(horizon=5).restore(tmp_path)


def test_a_checkpoint_with_numbers_nobody_learned_is_refused(tmp_path: Path) -> None:
    weights = {"A": np.ones(3)}
    config = {"horizon": 5, "vol_lookback": 60}
    checkpoints.write(tmp_path, checkpoints.Checkpoint("Naive", config, {}, weights))
    with pytest.raises(CheckpointError, match=r"holds numbers \['A'\] that Naive does not learn"):
        Naive(horizon=5).restore(tmp_path)

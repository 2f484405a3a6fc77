"""Autoregression against numpy's least squares and a process whose answer is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tradewind.engine.causality import probe
from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.records import DAY_NS, ELIGIBLE, Floats, Panel
from tradewind.forecasters import Ar


def panel_of(returns: Floats) -> Panel:
    close = 100 * np.exp(np.cumsum(returns, axis=0))
    ts = (np.arange(len(close), dtype=np.int64) + 1) * DAY_NS
    names = tuple("ABC"[: close.shape[1]])
    return Panel(names, ts, close, close, close, close, np.ones_like(close))


def process(coefficient: float, n_bars: int, seed: int) -> Floats:
    """First-order autoregression of returns with shocks of 1 %, shape (n_bars, 1)."""
    shocks = np.random.default_rng(seed).normal(0.0, 0.01, n_bars)
    returns = np.zeros(n_bars)
    for t in range(1, n_bars):
        returns[t] = coefficient * returns[t - 1] + shocks[t]
    return returns[:, None]


def test_the_forecast_is_weighted_least_squares_worked_out_by_numpy() -> None:
    panel = panel_of(np.random.default_rng(5).normal(0.001, 0.02, (120, 1)))
    said = Ar(horizon=2, lags=2, vol_lookback=10).fit(panel).predict(panel, first=119)
    log_close = np.log(panel.close[:, 0])
    r = np.diff(log_close, prepend=np.nan)
    vol = np.array([np.sqrt(np.mean(r[t - 9 : t + 1] ** 2)) for t in range(10, 120)])
    rows = np.arange(10, 120)
    x = np.stack((np.ones(110), r[rows] / vol, r[rows - 1] / vol), axis=1)
    y = (log_close[12:] - log_close[10:-2]) / (vol[:-2] * np.sqrt(2))
    b, rss, *_ = np.linalg.lstsq(x[:-2], y, rcond=None)
    scale = vol[-1] * np.sqrt(2)
    np.testing.assert_allclose(said.mean[0, 0], x[-1] @ b * scale, rtol=1e-9)
    np.testing.assert_allclose(said.std[0, 0], np.sqrt(rss[0] / (108 - 3)) * scale, rtol=1e-9)


def test_a_known_process_is_found_again_over_several_bars() -> None:
    returns = process(0.5, 6_000, seed=1)
    panel = panel_of(returns)
    said = Ar(horizon=3, lags=1, vol_lookback=250).fit(panel).predict(panel, first=5_000)
    wanted = (0.5 + 0.25 + 0.125) * returns[5_000:, 0]
    slope = (said.mean[:, 0] @ wanted) / (wanted @ wanted)
    assert slope == pytest.approx(1.0, abs=0.1)
    assert np.corrcoef(said.mean[:, 0], wanted)[0, 1] > 0.99


def test_pooled_symbols_share_what_none_could_learn_alone() -> None:
    short = np.hstack([process(0.5, 80, seed=k) for k in range(3)])
    panel = panel_of(short)
    with pytest.raises(ForecastError, match=r"at most 25 samples of one symbol.*wants 32"):
        Ar(horizon=5, lags=1, vol_lookback=50).fit(panel)
    pooled = Ar(horizon=5, lags=1, vol_lookback=50, pooled=True).fit(panel)
    assert np.isfinite(pooled.predict(panel, first=79).mean).all()


def test_a_symbol_without_history_at_the_fit_gets_no_forecast() -> None:
    panel = panel_of(np.hstack((process(0.3, 200, seed=1), process(0.3, 200, seed=2))))
    late = panel.close.copy()
    late[:120, 1] = np.nan
    young = Panel(panel.symbols, panel.ts, late, late, late, late, np.where(late > 0, 1.0, np.nan))
    said = Ar(lags=2, vol_lookback=20).fit(young.past(130)).predict(young, first=199)
    assert np.isfinite(said.mean[0, 0])
    assert np.isnan(said.mean[0, 1])


def test_bars_that_are_not_eligible_are_not_learned_from() -> None:
    panel = panel_of(np.vstack((process(0.5, 300, seed=1), process(-0.5, 300, seed=2))))
    eligible = np.ones(panel.shape)
    eligible[300:] = 0.0
    marked = replace(panel, columns={ELIGIBLE: eligible})
    alone = Ar(horizon=1, lags=1, vol_lookback=20).fit(marked)._learned["A"]
    early = Ar(horizon=1, lags=1, vol_lookback=20).fit(panel.past(301))._learned["A"]
    np.testing.assert_allclose(alone, early, rtol=1e-12)
    assert alone[1] > 0.3


def test_a_checkpoint_of_another_number_of_lags_is_refused(tmp_path: Path) -> None:
    Ar(lags=3).fit(probe()).save(tmp_path)
    with pytest.raises(CheckpointError, match="made with lags = 3, asked for with 4"):
        Ar(lags=4).restore(tmp_path)


def test_predicting_and_saving_come_after_fitting(tmp_path: Path) -> None:
    with pytest.raises(ForecastError, match="Ar: predict before fit"):
        Ar().predict(probe(), first=10)
    with pytest.raises(ForecastError, match="Ar: save before fit"):
        Ar().save(tmp_path)

"""The LSTM forecaster: what it refuses, what it may not depend on, what it must find."""

from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tradewind.engine import features
from tradewind.engine.causality import probe
from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.records import DAY_NS, FIELDS, Floats, Panel
from tradewind.forecasters import Lstm
from tradewind.forecasters.inputs.framing import FEATURES, POOLED
from tradewind.forecasters.training import jobs
from tradewind.forecasters.training.loop import Epoch
from tradewind.forecasters.windowed import WindowedForecaster

QUICK: dict[str, Any] = {
    "window": 10,
    "features": ("scaled_return_1", "range"),
    "hidden": 4,
    "epochs": 1,
    "horizon": 2,
    "stride": 2,
}


def panel_of(returns: Floats, seed: int) -> Panel:
    """Bars around closes with the returns given, shape (n_bars, n_symbols)."""
    draw = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(returns, axis=0))
    high = close * np.exp(np.abs(draw.normal(0, 0.003, close.shape)))
    low = close * np.exp(-np.abs(draw.normal(0, 0.003, close.shape)))
    volume = np.exp(draw.normal(12, 0.3, close.shape))
    ts = (np.arange(len(close), dtype=np.int64) + 1) * DAY_NS
    names = tuple(f"S{k}" for k in range(close.shape[1]))
    return Panel(names, ts, close.copy(), high, low, close, volume)


def test_the_defaults_are_eight_features_over_sixty_bars() -> None:
    forecaster = Lstm()
    assert forecaster.horizon == 5
    assert len(FEATURES) == 8
    assert forecaster.warmup == 60 + features.warmup(FEATURES) - 1


def test_the_signature_states_the_defaults_all_networks_share() -> None:
    shared = signature(WindowedForecaster).parameters
    signed = signature(Lstm).parameters
    assert len(shared) > 10
    assert {name: signed[name].default for name in shared} == {
        name: parameter.default for name, parameter in shared.items()
    }


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"window": 1}, "Lstm: window is 1; wanted >= 2"),
        ({"hidden": 0}, "Lstm: hidden is 0; wanted >= 1"),
        ({"learning_rate": 0.0}, "Lstm: learning_rate is 0.0; wanted > 0"),
        ({"dropout": 1.0}, "Lstm: dropout is 1.0; wanted < 1"),
        ({"stride": 0}, "Lstm: stride is 0; wanted >= 1"),
        ({"validation": 1.5}, "Lstm: validation is 1.5; wanted < 1"),
        ({"features": ()}, "Lstm: 'features' is empty; name at least one"),
        ({"features": ("scaled_retrun_1",)}, "did you mean 'scaled_return_1'?"),
        ({"features": ("ta.trend_kst",)}, "ta.trend_kst looks ahead"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused_when_it_is_built(
    params: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError) as error:
        Lstm(**params)
    assert told in str(error.value)


def test_a_window_longer_than_history_is_refused_with_the_numbers() -> None:
    with pytest.raises(ForecastError) as error:
        Lstm(**(QUICK | {"window": 300})).fit(probe(n_bars=200))
    told = "the longest history has 200 bars; a window of 300 over features that need 61 takes 360"
    assert told in str(error.value)


def test_too_few_windows_are_refused_with_the_numbers() -> None:
    with pytest.raises(ForecastError) as error:
        Lstm(**QUICK).fit(probe(n_bars=110, n_symbols=1))
    assert "Lstm: " in str(error.value)
    assert "windows to fit on and" in str(error.value)
    assert "wanted 64 and 16" in str(error.value)
    assert "takes 70 bars and its outcome 2 more; one in 2 bars" in str(error.value)


def test_a_constant_feature_is_refused_by_name() -> None:
    panel = replace(probe(n_bars=300), columns={"flat": np.full((300, 3), 0.1)})
    with pytest.raises(ForecastError, match=r"feature 'column\.flat' is constant \(0\.1"):
        Lstm(**(QUICK | {"features": ("range", "column.flat")})).fit(panel)


def test_a_feature_without_any_value_is_refused_by_name() -> None:
    panel = probe(n_bars=300)
    without = replace(panel, volume=np.where(np.isnan(panel.close), np.nan, 0.0))
    with pytest.raises(ForecastError, match="feature 'volume_20' has no value on any of"):
        Lstm(**(QUICK | {"features": ("range", "volume_20")})).fit(without)


def test_gaps_that_leave_no_whole_window_are_refused() -> None:
    panel = probe(n_bars=300, n_symbols=1)
    holed = np.where(np.arange(300)[:, None] % 7 == 0, np.nan, panel.close)
    given = replace(panel, columns={"holed": holed})
    with pytest.raises(ForecastError, match="no run of 10 bars in which all of range, column"):
        Lstm(**(QUICK | {"features": ("range", "column.holed")})).fit(given)


def test_a_loss_that_explodes_is_an_error_and_the_old_fit_stays() -> None:
    panel = probe(n_bars=300)
    forecaster = Lstm(**QUICK).fit(panel)
    before = forecaster.predict(panel, first=290)
    forecaster.learning_rate, forecaster.epochs = 1e38, 5
    with pytest.raises(ForecastError, match="lower learning_rate"):
        forecaster.fit(panel)
    np.testing.assert_array_equal(forecaster.predict(panel, first=290).mean, before.mean)


def test_predict_and_save_before_fit_say_so() -> None:
    with pytest.raises(ForecastError, match="predict before fit; call fit"):
        Lstm().predict(probe(), first=0)


def test_ctrl_c_while_training_passes_through_and_leaves_threads_and_fit_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = probe(n_bars=300)
    forecaster = Lstm(**QUICK).fit(panel)
    curve, threads = forecaster.history, torch.get_num_threads()

    def interrupted(*_: object, **__: object) -> tuple[Epoch, ...]:
        assert torch.get_num_threads() == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        forecaster.fit(panel)
    assert forecaster.history == curve
    assert torch.get_num_threads() == threads


def test_a_forecast_does_not_depend_on_which_other_bars_are_asked_for() -> None:
    panel = probe(n_bars=500, n_symbols=3)
    forecaster = Lstm(**QUICK).fit(panel.past(300))
    whole = forecaster.predict(panel, first=0)
    for first in (1, 130, 299, 300, 417, 499):
        part = forecaster.predict(panel, first=first)
        assert part.mean.tobytes() == whole.mean[first:].tobytes()
        assert part.std.tobytes() == whole.std[first:].tobytes()


@pytest.mark.parametrize("n_symbols", [1, 2, 7])
def test_symbols_that_stop_trading_do_not_move_the_others(n_symbols: int) -> None:
    panel = probe(n_bars=400, n_symbols=n_symbols + 1)
    forecaster = Lstm(**QUICK).fit(panel.past(300))
    arrays = {}
    for name in FIELDS:
        arrays[name] = getattr(panel, name).copy()
        arrays[name][310:, -1] = np.nan
    gone = replace(panel, **arrays, ends=np.empty(0, np.int64))
    a, b = forecaster.predict(panel, first=300), forecaster.predict(gone, first=300)
    assert a.mean[:, :-1].tobytes() == b.mean[:, :-1].tobytes()
    assert np.isnan(b.mean[10:, -1]).all()
    assert np.isfinite(a.mean[10:, -1]).any()


def test_no_bar_asked_for_and_no_history_at_all_give_no_forecast() -> None:
    panel = probe(n_bars=300)
    forecaster = Lstm(**QUICK).fit(panel)
    assert forecaster.predict(panel, first=300).mean.shape == (0, 3)
    short = forecaster.predict(panel.past(20), first=0)
    assert short.mean.shape == (20, 3)
    assert np.isnan(short.mean).all()
    nothing = np.full((5, 3), np.nan)
    empty = Panel(panel.symbols, panel.ts[:5], nothing, nothing, nothing, nothing, nothing)
    assert np.isnan(forecaster.predict(empty, first=0).std).all()


def test_a_pooled_network_speaks_about_a_symbol_it_never_saw() -> None:
    panel = probe(n_bars=300, n_symbols=3)
    forecaster = Lstm(**QUICK).fit(panel.select(("P0", "P1")))
    said = forecaster.predict(panel.select(("P2",)), first=200)
    assert np.isfinite(said.mean).sum() > 50


def test_symbols_with_strokes_and_spaces_in_their_names_come_back_from_disk(tmp_path: Path) -> None:
    panel = replace(probe(n_bars=300), symbols=("BTC/USD", "all symbols", "BRK B"))
    own = QUICK | {"pooled": False, "stride": 1}
    forecaster = Lstm(**own).fit(panel)
    forecaster.save(tmp_path)
    a = forecaster.predict(panel, first=280)
    b = Lstm(**own).restore(tmp_path).predict(panel, first=280)
    assert a.mean.tobytes() == b.mean.tobytes()
    assert np.isfinite(a.mean).any(axis=0).all()


def test_networks_of_their_own_do_not_depend_on_the_symbols_beside_them() -> None:
    panel = probe(n_bars=300, n_symbols=3)
    own = QUICK | {"pooled": False, "stride": 1}
    together = Lstm(**own).fit(panel).predict(panel, first=250)
    alone = Lstm(**own).fit(panel.select(("P1",))).predict(panel.select(("P1",)), first=250)
    assert together.mean[:, 1].tobytes() == alone.mean[:, 0].tobytes()
    assert np.isfinite(alone.mean).any()


def test_a_symbol_without_history_enough_gets_no_network_of_its_own() -> None:
    panel = probe(n_bars=300, n_symbols=2)
    arrays = {}
    for name in FIELDS:
        arrays[name] = getattr(panel, name).copy()
        arrays[name][:200, 1] = np.nan
    late = replace(panel, **arrays, ends=np.empty(0, np.int64))
    forecaster = Lstm(**(QUICK | {"pooled": False, "stride": 1})).fit(late)
    assert {point.network for point in forecaster.history} == {"P0"}
    said = forecaster.predict(late, first=290)
    assert np.isfinite(said.mean[:, 0]).all()
    assert np.isnan(said.mean[:, 1]).all()


def test_no_network_at_all_is_an_error_that_names_a_symbol() -> None:
    with pytest.raises(ForecastError, match="Lstm, P0: "):
        Lstm(**(QUICK | {"pooled": False, "stride": 50})).fit(probe(n_bars=300))


def test_history_gives_the_learning_curve_from_before_the_first_step() -> None:
    forecaster = Lstm(**(QUICK | {"epochs": 3, "patience": 5}))
    assert forecaster.history == ()
    assert forecaster.n_samples == 0
    points = forecaster.fit(probe(n_bars=300)).history
    assert [point.epoch for point in points] == [0, 1, 2, 3]
    assert {point.network for point in points} == {POOLED}
    assert all(np.isfinite((point.fitting, point.stopping)).all() for point in points)
    assert forecaster.n_samples > 64


def test_the_seed_matters() -> None:
    panel = probe(n_bars=300)
    a, b = (
        Lstm(**(QUICK | {"seed": seed})).fit(panel).predict(panel, first=250) for seed in (1, 2)
    )
    assert not np.array_equal(a.mean, b.mean, equal_nan=True)


def test_forecasts_scale_with_volatility() -> None:
    draw = np.random.default_rng(0)
    calm = draw.normal(0, 0.005, (600, 3))
    panel = panel_of(np.hstack((calm, 4 * draw.normal(0, 0.005, (600, 3)))), 0)
    said = Lstm(**(QUICK | {"epochs": 2})).fit(panel.past(500)).predict(panel, first=500)
    ratio = said.std[:, 3:].mean() / said.std[:, :3].mean()
    assert 3.0 < ratio < 5.0


def test_the_stated_deviation_is_the_one_outcomes_have() -> None:
    draw = np.random.default_rng(1)
    panel = panel_of(draw.normal(0, 0.01, (900, 6)), 1)
    said = (
        Lstm(**(QUICK | {"horizon": 1, "stride": 1})).fit(panel.past(600)).predict(panel, first=600)
    )
    outcome = np.diff(np.log(panel.close), axis=0)[600:]
    z = (outcome - said.mean[:-1]) / said.std[:-1]
    # 1,794 independent outcomes: the standard error of their deviation is 0.017; four of them,
    # and 0.03 for the training part's own error.
    assert z.std() == pytest.approx(1.0, abs=0.1)


# --- a planted signal, and none -------------------------------------------------------------

PLANTED: dict[str, Any] = {
    "horizon": 1,
    "window": 6,
    "features": ("scaled_return_1", "scaled_return_5"),
    "hidden": 8,
    "stride": 1,
    "epochs": 30,
    "patience": 8,
    "learning_rate": 0.01,
    "dropout": 0.0,
}
EDGE = 0.35  # of one deviation; the best possible forecast is right in 63.7 % of the bars
N_BARS, N_FITTED, N_SYMBOLS = 900, 700, 8
N_JUDGED = (N_BARS - N_FITTED - 1) * N_SYMBOLS
STANDARD_ERROR = 0.5 / np.sqrt(N_JUDGED)  # of a share near one half: 1.25 points


def reversing_after_calm(seed: int, edge: float) -> Panel:
    """Returns that continue after a large one and turn after a small one.

    No linear rule sees it: the correlation of neighbours nearly vanishes.
    """
    draw = np.random.default_rng(seed)
    z = draw.normal(size=(N_BARS, N_SYMBOLS))
    for t in range(1, N_BARS):
        sign = np.where(np.abs(z[t - 1]) > 0.8, 1.0, -1.0)
        z[t] += edge * sign * np.sign(z[t - 1])
    return panel_of(0.01 * z, seed)


def accuracy(panel: Panel) -> float:
    said = Lstm(**PLANTED).fit(panel.past(N_FITTED)).predict(panel, first=N_FITTED)
    outcome = np.diff(np.log(panel.close), axis=0)[N_FITTED:]
    assert np.isfinite(said.mean).all()
    return float((np.sign(said.mean[:-1]) == np.sign(outcome)).mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_a_planted_nonlinear_signal_is_found(seed: int) -> None:
    # Half of the possible edge of 13.7 points lies 5.5 standard errors above a coin.
    assert accuracy(reversing_after_calm(seed, EDGE)) > 0.5 + 5.5 * STANDARD_ERROR


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_on_a_random_walk_it_stays_inside_the_null_band(seed: int) -> None:
    # 3.3 standard errors: an honest forecaster leaves the band in 1 of 1,000 seeds.
    assert abs(accuracy(reversing_after_calm(seed, 0.0)) - 0.5) < 3.3 * STANDARD_ERROR


def test_an_embedding_of_the_only_symbol_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Lstm: embedding 4 with pooled false; .* leave"):
        Lstm(embedding=4, pooled=False)

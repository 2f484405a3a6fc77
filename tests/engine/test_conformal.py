"""Conformal intervals against brute force, against what they promise, and against the future."""

from dataclasses import replace
from math import ceil, exp, inf, log, sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Literal

import numpy as np
import pytest

from tradewind.engine import runner
from tradewind.engine.causality import probe
from tradewind.engine.config.conformal import ConformalConfig
from tradewind.engine.config.file import parse, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import DAY_NS, FIELDS, Floats, Panel
from tradewind.engine.report.run import Run
from tradewind.engine.scoring.conformal import MEMORY, RATES, calibrated, ends_of, measured
from tradewind.engine.scoring.evaluation import realised

FOUR_SE = 4.0  # a stochastic bound fails once in 16,000 runs


def panel_of(steps: Floats) -> Panel:
    """Bars whose closes move by ``steps``, (n_bars, n_symbols)."""
    close = 100.0 * np.exp(np.cumsum(steps, axis=0))
    ts = (np.arange(len(steps), dtype=np.int64) + 10_000) * DAY_NS
    names = tuple(f"S{k}" for k in range(steps.shape[1]))
    return Panel(names, ts, close, close, close, close, np.ones_like(close))


def made_up(horizon: int, *, levels: tuple[float, ...] = ()) -> tuple[Forecasts, Panel]:
    """Forecasts with gaps over a panel with gaps."""
    panel = probe(seed=5, n_bars=160, n_symbols=3)
    draw = np.random.default_rng(6)
    mean = draw.normal(0, 0.01, panel.shape)
    mean[np.isnan(panel.close) | (draw.random(panel.shape) < 0.1)] = np.nan
    mean[:10] = np.nan
    std = np.where(np.isnan(mean), np.nan, draw.uniform(0.01, 0.03, panel.shape))
    if not levels:
        return Forecasts(mean, std, horizon), panel
    z = np.array([NormalDist().inv_cdf(level) for level in levels])
    quantiles = mean[..., None] + 0.7 * std[..., None] * z**3
    return Forecasts(mean, std, horizon, levels, quantiles), panel


def brute(forecasts: Forecasts, panel: Panel, config: ConformalConfig, level: float) -> Floats:
    """Reach of each bar in std, symbols pooled, by sorting everything anew at every bar."""
    horizon, n_bars = forecasts.horizon, panel.n_bars
    low, high = forecasts.interval(level)
    truth = realised(panel, horizon)
    score = np.maximum(low - truth, truth - high) / forecasts.std
    alone = (0.0,) if config.method == "split" else (config.rate,) if config.rate else RATES
    alphas, weights = [1 - level] * len(alone), [1 / len(alone)] * len(alone)
    asked: list[list[float]] = []
    reach = np.full(n_bars, np.nan)

    def known(last: int) -> list[float]:
        rows = range(max(0, last + 1 - config.window), last + 1)
        return sorted(x for row in rows for x in score[row] if not np.isnan(x))

    def quantile(values: list[float], alpha: float) -> float:
        n = len(values)
        if ceil((n + 1) * level - 1e-9) > n:
            return np.nan
        return values[min(n, max(1, ceil((n + 1) * (1 - alpha) - 1e-9))) - 1]

    for bar in range(n_bars):
        past = bar - horizon
        came = [x for x in score[past] if not np.isnan(x)] if past >= 0 else []
        if came and not np.isnan(asked[past][0]):
            before, a = known(past - 1), 1 - level
            if len(alone) > 1:
                eager = sqrt(3 / MEMORY) * sqrt(
                    (log(len(alone) * MEMORY) + 2) / ((1 - a) ** 2 * a**3 + a**2 * (1 - a) ** 3)
                )
                for k, alpha in enumerate(alphas):
                    loss = 0.0
                    for x in came:
                        beta = (1 + sum(y >= x for y in before)) / (1 + len(before))
                        loss += (a * (beta - alpha) - min(0.0, beta - alpha)) / len(came)
                    weights[k] *= exp(-eager * loss)
                total = sum(weights)
                weights = [
                    (1 - 1 / (2 * MEMORY)) * w / total + 1 / (2 * MEMORY) / len(weights)
                    for w in weights
                ]
            missed = [sum(x > q for x in came) / len(came) for q in asked[past]]
            alphas = [
                min(1.0, max(0.0, alpha + rate * (a - miss)))
                for alpha, rate, miss in zip(alphas, alone, missed, strict=True)
            ]
        values = known(past)
        asked.append([quantile(values, alpha) for alpha in alphas])
        reach[bar] = quantile(values, sum(w * x for w, x in zip(weights, alphas, strict=True)))
    return reach


@pytest.mark.parametrize("horizon", [1, 4])
@pytest.mark.parametrize(
    "how", [{"method": "split"}, {"rate": 0.05}, {"rate": None}], ids=["split", "step", "steps"]
)
@pytest.mark.parametrize("levels", [(), (0.1, 0.5, 0.9)], ids=["gaussian", "quantiles"])
def test_an_interval_is_what_brute_force_makes_of_the_errors_known(
    how: dict[str, object], horizon: int, levels: tuple[float, ...]
) -> None:
    forecasts, panel = made_up(horizon, levels=levels)
    config = ConformalConfig(levels=(0.8,), window=25, **how)
    held = calibrated(forecasts, panel, config)
    low, high = forecasts.interval(0.8)
    reach = brute(forecasts, panel, config, 0.8)[:, None] * forecasts.std
    middle = (low + high) / 2
    assert held.levels == (0.1, 0.9)
    assert np.isfinite(held.quantiles).sum() > 600
    np.testing.assert_allclose(held.quantiles[..., 0], np.minimum(low - reach, middle), rtol=1e-9)
    np.testing.assert_allclose(held.quantiles[..., 1], np.maximum(high + reach, middle), rtol=1e-9)
    np.testing.assert_array_equal(held.mean, forecasts.mean)
    np.testing.assert_array_equal(held.std, forecasts.std)


@pytest.mark.parametrize("horizon", [1, 5])
@pytest.mark.parametrize("method", ["split", "adaptive"])
@pytest.mark.parametrize("per_symbol", [False, True])
def test_no_bit_of_an_interval_depends_on_what_comes_later(
    method: Literal["split", "adaptive"], horizon: int, per_symbol: bool
) -> None:
    forecasts, panel = made_up(horizon)
    config = ConformalConfig(method=method, window=30, per_symbol=per_symbol)
    whole = calibrated(forecasts, panel, config)
    for cut in (60, 97, 159):
        draw = np.random.default_rng(cut)
        close, mean, std = panel.close.copy(), forecasts.mean.copy(), forecasts.std.copy()
        close[cut:] *= np.exp(draw.normal(0, 0.5, close[cut:].shape))
        mean[cut:] += draw.normal(0, 1, mean[cut:].shape)
        std[cut:] *= 7.0
        tampered = calibrated(Forecasts(mean, std, horizon), replace(panel, close=close), config)
        short = calibrated(Forecasts(mean[:cut], std[:cut], horizon), panel.past(cut), config)
        for other in (tampered, short):
            np.testing.assert_array_equal(other.quantiles[:cut], whole.quantiles[:cut])
    assert np.isfinite(whole.quantiles).any()


def test_split_intervals_hold_their_share_whatever_the_forecaster_is_worth() -> None:
    draw = np.random.default_rng(0)
    steps = 0.02 * draw.standard_t(3, (3_000, 1))
    wrong = Forecasts(draw.normal(0.001, 0.01, steps.shape), np.full(steps.shape, 0.004), 1)
    levels, window = (0.5, 0.95), 99
    config = ConformalConfig(method="split", levels=levels, window=window)
    panel = panel_of(steps)
    found = measured(
        wrong, calibrated(wrong, panel, config), panel, levels=levels, first_bar=window + 1
    )
    for level in levels:
        one = found[f"{level:g}"]
        exact = ceil((window + 1) * level - 1e-9) / (window + 1)
        error = sqrt(exact * (1 - exact) / one["n"])
        assert one["n"] > 2_800
        # Neighbouring intervals share their errors, which makes coverage vary a little less.
        assert abs(one["conformal"]["value"] - exact) < FOUR_SE * error
        assert one["own"]["value"] < level - 0.15
        assert one["conformal"]["low"] <= one["conformal"]["value"] <= one["conformal"]["high"]


@pytest.mark.parametrize("rate", [0.03, None])
def test_where_volatility_drifts_adaptive_intervals_keep_the_share_and_split_ones_lose_it(
    rate: float | None,
) -> None:
    draw = np.random.default_rng(1)
    n = 3_000
    vol = 0.01 * np.exp(np.linspace(0, 3, n))[:, None]
    steps = vol * draw.normal(size=(n, 1))
    steady = Forecasts(np.zeros((n, 1)), np.full((n, 1), 0.01), 1)
    panel = panel_of(steps - steps.mean())
    share = {}
    for method in ("split", "adaptive"):
        config = ConformalConfig(
            method=method, levels=(0.9,), window=500,
            rate=rate if method == "adaptive" else None,
        )  # fmt: skip
        held = calibrated(steady, panel, config)
        share[method] = measured(steady, held, panel, levels=(0.9,), first_bar=500)["0.9"]
    assert share["split"]["conformal"]["value"] < 0.87
    assert share["split"]["conformal"]["high"] < 0.9
    # Gibbs and Candes (2021), proposition 4.1: with one step this holds for certain.
    bound = (0.9 + 0.03) / (2_500 * 0.03)
    assert abs(share["adaptive"]["conformal"]["value"] - 0.9) < bound


def test_quantiles_of_a_skewed_forecast_stay_skewed() -> None:
    draw = np.random.default_rng(2)
    steps = 0.01 * (draw.exponential(1.0, (2_000, 1)) - 1.0)
    flat = np.zeros(steps.shape)
    own = np.stack((flat - 0.009, flat + 0.005), axis=-1)  # 0.009 is right, 0.005 too near
    forecasts = Forecasts(flat, flat + 0.01, 1, (0.1, 0.9), own)
    panel = panel_of(steps)
    held = calibrated(forecasts, panel, ConformalConfig(method="split", levels=(0.8,), window=400))
    found = measured(forecasts, held, panel, levels=(0.8,), first_bar=401)["0.8"]
    assert found["own"]["value"] < 0.75
    assert abs(found["conformal"]["value"] - 0.8) < 0.04
    low, high = held.interval(0.8)
    last = low[-1, 0], high[-1, 0]
    assert last[1] - 0.005 == pytest.approx(-0.009 - last[0])  # both ends moved alike


def test_a_larger_share_has_a_wider_interval_and_waits_for_more_outcomes() -> None:
    forecasts, panel = made_up(2)
    held = calibrated(forecasts, panel, ConformalConfig(levels=(0.5, 0.8, 0.95), window=40))
    assert held.levels == (0.025, 0.1, 0.25, 0.75, 0.9, 0.975)
    assert (np.diff(held.quantiles, axis=-1)[np.isfinite(held.quantiles).all(axis=-1)] >= 0).all()
    first = [
        int(np.argmax(np.isfinite(held.interval(level)[0]).any(axis=1))) for level in (0.5, 0.95)
    ]
    assert first[0] < first[1]
    known = np.isfinite(realised(panel, 2)) & np.isfinite(forecasts.mean)
    assert known[: first[1] - 1].sum() >= 19  # 0.95 / 0.05
    assert known[: first[1] - 2].sum() < 19


def test_symbols_alone_have_widths_of_their_own() -> None:
    draw = np.random.default_rng(3)
    steps = draw.normal(0, 1, (600, 2)) * [0.01, 0.05]
    forecasts = Forecasts(np.zeros(steps.shape), np.full(steps.shape, 0.02), 1)
    alone = calibrated(
        forecasts, panel_of(steps), ConformalConfig(method="split", levels=(0.8,), per_symbol=True)
    )
    low, high = alone.interval(0.8)
    assert (high - low)[-1, 1] / (high - low)[-1, 0] == pytest.approx(5.0, rel=0.25)


@pytest.mark.parametrize("rate", [0.05, None])
def test_symbols_alone_are_treated_as_if_there_were_no_others(rate: float | None) -> None:
    forecasts, panel = made_up(2)
    config = ConformalConfig(levels=(0.8,), window=25, rate=rate, per_symbol=True)
    together = calibrated(forecasts, panel, config)
    for k in range(panel.n_symbols):
        one = replace(forecasts, mean=forecasts.mean[:, k : k + 1], std=forecasts.std[:, k : k + 1])
        fields = {name: getattr(panel, name)[:, k : k + 1] for name in FIELDS}
        alone = replace(panel, symbols=(panel.symbols[k],), **fields, ends=panel.ends[k : k + 1])
        for pooled in (True, False):
            found = calibrated(one, alone, config.model_copy(update={"per_symbol": pooled}))
            np.testing.assert_array_equal(found.quantiles[:, 0], together.quantiles[:, k])
    assert np.isfinite(together.quantiles).sum() > 400


def test_a_forecaster_given_quantiles_answers_for_them_and_not_for_a_normal_distribution() -> None:
    ends = np.array([[[-inf, inf]]])
    forecasts = Forecasts(np.zeros((1, 1)), np.ones((1, 1)), 1, (0.1, 0.9), ends)
    assert forecasts.interval(0.8)[0] == -inf
    assert forecasts.interval(0.8)[1] == inf
    assert forecasts.interval(0.95)[1] == pytest.approx(1.959964)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("{levels: [0.9, 0.8]}", "levels must rise"),
        ("{levels: [1.0]}", "less than 1"),
        ("{levels: []}", "at least 1"),
        ("{method: bayes}", "forecaster.conformal.method"),
        ("{widow: 30}", "did you mean 'window'"),
        ("{rate: 0}", "more than 0"),
        ("{method: split, rate: 0.1}", "rate means nothing"),
    ],
)
def test_a_block_that_means_nothing_is_refused_at_its_line(block: str, message: str) -> None:
    text = f"strategy: {{kind: timing}}\nforecaster:\n  kind: naive\n  conformal: {block}\n"
    with pytest.raises(ConfigError, match=message) as error:
        validate(RunConfig, parse(text, where="c.yaml", folder=Path()))
    assert "c.yaml:4" in str(error.value)


RUN = """
data: {source: embedded, symbols: [MSFT, JPM, KO], end: 2015-12-31}
strategy: {kind: timing, entry: 0.05}
forecaster:
  kind: drift
  walk_forward: {train: 200, refit: 100}
"""


def test_changed_intervals_never_retrain_and_stand_in_run_and_report(tmp_path: Path) -> None:
    def run(block: str) -> tuple[Run, Path]:
        text = RUN + block
        document = parse(text, where="c.yaml", folder=tmp_path)
        made = runner.backtest(
            validate(RunConfig, document), document, results=tmp_path / "results"
        )
        return made, tmp_path / "results" / made.name

    plain, _ = run("")
    held, folder = run("  conformal: {levels: [0.8], window: 60}\n")
    assert any("came from the cache" in note for note in held.notes)
    assert plain.signals.forecasts is not None
    assert held.signals.forecasts is not None
    assert plain.signals.forecasts.levels == ()
    assert held.signals.forecasts.levels == ends_of(0.8)
    np.testing.assert_array_equal(plain.signals.forecasts.mean, held.signals.forecasts.mean)
    found = held.forecast_scores["conformal"]["0.8"]
    assert found["n"] > 500
    assert 0.6 < found["conformal"]["low"] < found["conformal"]["high"] < 1.0
    page = (folder / "report.html").read_text()
    assert "Outcomes inside their interval" in page
    assert (
        "Outcomes inside their interval"
        not in (folder.parent / plain.name / "report.html").read_text()
    )

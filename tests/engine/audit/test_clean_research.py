"""A hundred honest ways from bars to trades, drawn at random: not one is accused."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.audit_research import (
    EFFORT,
    HORIZON,
    KINDS,
    Model,
    Research,
    bars,
    features,
    plain,
    returns,
    rolling,
    samples,
    subject,
    walk_forward,
)
from tradewind.engine import features as own_features
from tradewind.engine.audit.auditing import audit
from tradewind.engine.audit.facts import Split
from tradewind.engine.audit.stages import Effort
from tradewind.engine.records import Floats, Panel

N_CLEAN = 100
LIGHT = replace(EFFORT, cuts=2)
OWN = ("return_5", "z_10", "vol_5", "volume_5", "range", "gap", "body", "location", "log_vol_8")


def expanding(panel: Panel) -> Floats:
    """Returns scaled by all that was known then."""
    steps = np.nan_to_num(returns(panel, 2))
    n = np.arange(1, panel.n_bars + 1)[:, None]
    scale = np.sqrt(np.cumsum(steps**2, axis=0) / n)
    return np.where(scale > 0, steps / np.where(scale > 0, scale, 1.0), np.nan)


def trailing_rank(panel: Panel) -> Floats:
    """Where a return stands among those of the day."""
    steps = returns(panel, 4)
    order = np.argsort(np.argsort(np.where(np.isnan(steps), -np.inf, steps), axis=1), axis=1)
    return np.where(np.isnan(steps), np.nan, order.astype(np.float64))


def market(panel: Panel) -> Floats:
    """The mean return of the day."""
    steps = returns(panel)
    total, n = np.nansum(steps, axis=1), np.maximum(1, (~np.isnan(steps)).sum(axis=1))
    return np.where(np.isnan(steps), np.nan, (total / n)[:, None])


def one_sided(panel: Panel) -> Floats:
    return rolling(returns(panel), 7, np.mean)


MORE: tuple[Callable[[Panel], Floats], ...] = (expanding, trailing_rank, market, one_sided)


def drawn_features(draw: np.random.Generator) -> Callable[[Panel], Floats]:
    """Lags, some of tradewind's own features, and one of the functions above."""
    lags = tuple(int(n) for n in draw.choice([1, 2, 3, 5, 8], 2, replace=False))
    own = tuple(draw.choice(OWN, 1))
    more = MORE[int(draw.integers(len(MORE)))]

    def make(panel: Panel) -> Floats:
        return np.concatenate(
            [features(panel, lags), own_features.compute(panel, own), more(panel)[:, :, None]],
            axis=2,
        )

    return make


def scaled_on_training(split: Split, x: Floats, y: Floats, kind: str, stop: bool) -> Model:
    """Strength chosen on the end of the training, the label's length apart."""
    if not stop:
        return plain(split, x, y, kind)
    cut = split.train[-20]
    judged = samples(x, y, split.train[-20:])
    fit_on = samples(x, y, split.train[split.train < cut - HORIZON])
    models = [Model(kind, strength).fit(fit_on) for strength in (0.5, 2.0)]
    return min(models, key=lambda m: float(np.mean((m.predict(judged.x) - judged.y) ** 2)))


def rolling_windows(n_bars: int) -> list[Split]:
    return [replace(split, train=split.train[-60:]) for split in walk_forward(n_bars)]


def smoothed(said: Floats, panel: Panel) -> Floats:
    """Half of yesterday's wish."""
    before = np.vstack([np.full((1, said.shape[1]), np.nan), said[:-1]])
    return np.where(np.isnan(before), said, (said + before) / 2)


def limited(said: Floats, panel: Panel) -> Floats:
    """Nothing where the day's range was wide."""
    wide = panel.high / panel.low > 1.05
    return np.where(wide, 0.0, said)


def unchanged(said: Floats, panel: Panel) -> Floats:
    return said


def clean(seed: int) -> Research:
    """One of very many honest ways, drawn from a seed."""
    draw = np.random.default_rng([seed, 11])
    steps: dict[str, Any] = {
        "features": drawn_features(draw),
        "splits": (walk_forward, rolling_windows)[int(draw.integers(2))],
        "fit": partial(scaled_on_training, stop=bool(draw.integers(2))),
        "wishes": (unchanged, smoothed, limited)[int(draw.integers(3))],
    }
    return Research(
        KINDS[seed % 3], panel=bars(100 + seed, n_bars=int(draw.integers(115, 135))), **steps
    )


@pytest.mark.parametrize("seed", range(N_CLEAN))
def test_honest_research_is_not_accused(seed: int) -> None:
    made = subject(clean(seed))
    report = audit(replace(made, stages=tuple(replace(s, warmup=None) for s in made.stages)), LIGHT)
    assert not report.findings, [f"{f.where}: {f.text}" for f in report.findings]
    assert not report.failed
    tried = {check.stage: check.n_tried for check in report.checks}
    assert min(tried[stage] for stage in ("feature", "evaluation", "strategy", "run")) > 0
    assert any(check.means == "same-bar fills" and check.n_tried > 0 for check in report.checks)


@pytest.mark.parametrize("seed", range(6))
def test_honest_research_has_no_skill_on_placebos(seed: int) -> None:
    made = subject(clean(seed))
    only = replace(made, stages=(), strategies=(), runs=())
    effort = Effort(cuts=1, worth=0, placebos=12)
    report = audit(only, effort)
    assert not report.findings, [f"{f.where}: {f.text}" for f in report.findings]
    placebos = [check for check in report.checks if check.means.startswith("placebo")]
    assert [check.n_tried for check in placebos] == [12, 12]

"""Leaky steps to put into a research."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from tests.audit_research import (
    HORIZON,
    TEST,
    TRAIN,
    Data,
    Model,
    Research,
    changed,
    features,
    labels,
    returns,
    rolling,
    samples,
    walk_forward,
)
from tradewind.engine.audit.facts import Split
from tradewind.engine.records import DAY_NS, FIELDS, Floats, Panel, Simulation

Plant = Callable[[Research], Research]
HOUR_NS = 3_600_000_000_000


def fed(make: Callable[[Panel], Floats]) -> Plant:
    """One more input, made by a leaky function."""

    def more(panel: Panel) -> Floats:
        return np.concatenate([features(panel), make(panel)[:, :, None]], axis=2)

    return lambda research: changed(research, features=more)


# What touches the future in an input


def centred_smoother(panel: Panel) -> Floats:
    steps = returns(panel)
    out = np.full(panel.shape, np.nan)
    smooth = rolling(steps, 5, np.mean)
    out[:-2] = smooth[2:]
    return out


def symmetric_filter(panel: Panel) -> Floats:
    """An exponential average forwards and then backwards, as filtfilt does it."""
    steps = np.nan_to_num(returns(panel))
    once = _ewma(steps)
    return _ewma(once[::-1])[::-1]


def _ewma(x: Floats) -> Floats:
    out = np.zeros_like(x)
    for t in range(len(x)):
        out[t] = 0.5 * x[t] + (0.5 * out[t - 1] if t else 0.0)
    return out


def next_high(panel: Panel) -> Floats:
    """An indicator drawn with an offset: today's distance to tomorrow's high."""
    out = np.full(panel.shape, np.nan)
    out[:-1] = np.log(panel.high[1:] / panel.close[:-1])
    return out


def week_labelled_left(panel: Panel) -> Floats:
    """The return of a whole block of five bars, standing at each of its bars."""
    out = np.full(panel.shape, np.nan)
    log_close = np.log(panel.close)
    for start in range(0, panel.n_bars, 5):
        stop = min(start + 5, panel.n_bars)
        out[start:stop] = log_close[stop - 1] - log_close[start]
    return out


def over_the_horizon(panel: Panel) -> Floats:
    """A price in units of the window that ends with the horizon, as instance normalisation."""
    log_close = np.log(panel.close)
    out = np.full(panel.shape, np.nan)
    window = 8 + HORIZON
    mean, std = (rolling(log_close, window, how) for how in (np.mean, np.std))
    out[:-HORIZON] = (log_close[:-HORIZON] - mean[HORIZON:]) / std[HORIZON:]
    return out


def drawdown_to_come(panel: Panel) -> Floats:
    """A running minimum from the end."""
    log_close = np.where(np.isnan(panel.close), np.inf, np.log(panel.close))
    lowest = np.minimum.accumulate(log_close[::-1])[::-1]
    with np.errstate(invalid="ignore"):
        out = lowest - log_close
    return np.where(np.isfinite(out), out, np.nan)


def principal_component(panel: Panel) -> Floats:
    """The first common factor of all history."""
    steps = np.nan_to_num(returns(panel))
    _, _, parts = np.linalg.svd(steps, full_matrices=False)
    first = parts[0] * np.sign(parts[0, 0] or 1.0)
    factor = (steps * first).sum(axis=1, keepdims=True)
    return np.where(np.isnan(panel.close), np.nan, factor * np.ones(panel.shape))


# What scales with all history


def scaled_by_all(panel: Panel) -> Floats:
    steps = returns(panel, 5)
    with np.errstate(invalid="ignore"):
        scaled = (steps - np.nanmean(steps, axis=0)) / np.nanstd(steps, axis=0)
    return np.asarray(scaled)


def min_max_of_all(panel: Panel) -> Floats:
    steps = returns(panel, 5)
    low, high = np.nanmin(steps, axis=0), np.nanmax(steps, axis=0)
    return np.asarray((steps - low) / (high - low))


# What changes the data before anybody sees it


def backfilled(panel: Panel) -> Panel:
    """Holes take the next value."""
    filled: dict[str, Any] = {}
    for name in FIELDS:
        values = getattr(panel, name).copy()
        for t in range(len(values) - 2, -1, -1):
            values[t] = np.where(np.isnan(values[t]), values[t + 1], values[t])
        filled[name] = values
    return replace(panel, **filled)


def interpolated(panel: Panel) -> Panel:
    """Holes lie on a line to the next value."""
    drawn: dict[str, Any] = {}
    for name in FIELDS:
        values = getattr(panel, name).copy()
        for k in range(values.shape[1]):
            has = np.flatnonzero(~np.isnan(values[:, k]))
            if len(has) > 1:
                inside = np.arange(has[0], has[-1] + 1)
                values[inside, k] = np.interp(inside, has, values[has, k])
        drawn[name] = values
    return replace(panel, **drawn)


def survivors(panel: Panel) -> Panel:
    """Only those are kept that still trade at the end."""
    alive = ~np.isnan(panel.close[-6:]).all(axis=0)
    kept: dict[str, Any] = {name: np.where(alive, getattr(panel, name), np.nan) for name in FIELDS}
    return replace(panel, **kept)


def restated(panel: Panel) -> Panel:
    """Early values are revised when later ones come in, as fundamentals are."""
    revised = panel.close.copy()
    n = panel.n_bars - 10
    if n > 0:
        revised[:n] *= 1 + 0.01 * np.sign(np.nan_to_num(returns(panel)[10:]))
    return replace(panel, close=revised)


# How folds are cut


def shuffled_folds(n_bars: int) -> list[Split]:
    order = np.random.default_rng(0).permutation(np.arange(20, n_bars))
    parts = np.array_split(order, 3)
    return [
        Split(f"fold {i}", np.sort(np.concatenate(parts[:i] + parts[i + 1 :])), np.sort(part))
        for i, part in enumerate(parts)
    ]


def without_purge(n_bars: int) -> list[Split]:
    return [
        Split(f"window {s}", np.arange(10, s), np.arange(s, min(s + TEST, n_bars)))
        for s in range(TRAIN, n_bars, TEST)
    ]


def contiguous_folds(n_bars: int) -> list[Split]:
    """Blocks apart, but the labels of what stands behind a block overlap its own."""
    edges = np.linspace(20, n_bars, 4).astype(int)
    found = []
    for a, b in pairwise(edges):
        before = np.arange(20, max(20, a - HORIZON + 1))
        found.append(
            Split(f"block {a}", np.concatenate([before, np.arange(b, n_bars)]), np.arange(a, b))
        )
    return found


# How a fit is stopped, chosen and fed

STRENGTHS = (0.0, 0.5, 1.0, 4.0)


def loss(model: Model, data: Data) -> float:
    said = model.predict(data.x)
    return float(np.mean((said - data.y) ** 2)) if len(data.y) else 0.0


def best_on(split: Split, x: Floats, y: Floats, kind: str, bars: Any) -> Model:
    """The strength, standing for the number of epochs or the model, with the least loss."""
    train, judged = samples(x, y, split.train), samples(x, y, bars)
    models = [Model(kind, strength).fit(train) for strength in STRENGTHS]
    return min(models, key=lambda model: loss(model, judged))


def stops_on_test(split: Split, x: Floats, y: Floats, kind: str) -> Model:
    return best_on(split, x, y, kind, split.test)


def chooses_features_on_all(split: Split, x: Floats, y: Floats, kind: str) -> Model:
    """The one input of all that goes best with the outcomes of all bars."""
    everything = samples(x, y, np.arange(len(x)))
    score = np.abs((everything.x * everything.y[:, None]).sum(axis=0))
    mask = score == score.max()
    return Masked(kind, mask=mask).fit(samples(x, y, split.train))


@dataclass
class Masked(Model):
    """Sees some of its inputs."""

    mask: Any = None

    def fit(self, data: Data) -> Model:
        return super().fit(Data(data.x * self.mask, data.y))

    def predict(self, x: Floats) -> Floats:
        return super().predict(x * self.mask)


def declared(column: str, bars: Callable[[Split], Any]) -> Callable[[int], list[Split]]:
    """The honest folds, with what else some of their bars were used for."""

    def folds(n_bars: int) -> list[Split]:
        used: list[dict[str, Any]] = [{column: bars(s)} for s in walk_forward(n_bars)]
        return [replace(s, **more) for s, more in zip(walk_forward(n_bars), used, strict=True)]

    return folds


def validation_reused(n_bars: int) -> list[Split]:
    return [
        replace(s, train=s.train[:-25], stopping=s.train[-15:], choosing=s.train[-20:])
        for s in walk_forward(n_bars)
    ]


# Outcomes


def tail_is_class_zero(panel: Panel) -> Floats:
    """Whether the price rises; a comparison with what is unknown says no."""
    with np.errstate(invalid="ignore"):
        return (labels(panel) > 0).astype(np.float64)


def longer_than_declared(panel: Panel) -> Floats:
    """Outcomes smoothed over the next ones."""
    y = labels(panel)
    out = y.copy()
    out[:-2] = (y[:-2] + y[1:-1] + y[2:]) / 3
    return out


# What is decided and filled


def next_forecast(said: Floats, panel: Panel) -> Floats:
    """Signals moved up by one bar, as a join on the wrong index does it."""
    out = np.full(said.shape, np.nan)
    out[:-1] = said[1:]
    return out


def sized_by_all(said: Floats, panel: Panel) -> Floats:
    """Weights limited by a quantile of every forecast there will be."""
    limit = np.nanquantile(said, 0.6, axis=0) if np.isfinite(said).any() else 0.0
    return np.asarray(said - limit)


def on_the_same_bar(ran: Simulation, panel: Panel) -> Simulation:
    """Fills at the close that decided."""
    fills = ran.fills.copy()
    fills["bar"] -= 1
    fills["price"] = panel.close[fills["bar"], fills["symbol"]]
    return replace(ran, fills=fills)


# What only dates tell


def with_column(name: str, make: Callable[[Panel], Floats], **facts: Any) -> Plant:
    """A column of the data, fed to the model."""

    def plant(research: Research) -> Research:
        panel = replace(research.panel, columns={name: make(research.panel)})

        def more(other: Panel) -> Floats:
            return np.concatenate([features(other), other.columns[name][:, :, None]], axis=2)

        said = {key: make_fact(panel) for key, make_fact in facts.items()}
        return changed(research, panel=panel, features=more, facts=said)

    return plant


def announced_late(panel: Panel) -> dict[str, Floats]:
    """Every value came out two days after the bar it stands at."""
    return {"earnings": np.repeat(panel.ts[:, None] + 2 * DAY_NS, panel.n_symbols, 1).astype(float)}


def earnings(panel: Panel) -> Floats:
    draw = np.random.default_rng(4).normal(0, 1, panel.shape)
    return np.where(np.isnan(panel.close), np.nan, draw)


def made_with_the_future(panel: Panel) -> Floats:
    """A score somebody computed beforehand from the next bar's return."""
    out = np.full(panel.shape, np.nan)
    out[:-1] = returns(panel)[1:]
    noise = np.random.default_rng(4).normal(0, 0.005, panel.shape)
    return out + noise


def lives_of(panel: Panel) -> dict[str, tuple[int, int]]:
    """The names of today trade to the end; as many others ended inside the data."""
    stop = int(panel.ts[-1])
    lives = {name: (0, stop) for name in panel.symbols}
    return lives | {f"GONE{k}": (0, stop - (20 + k) * DAY_NS) for k in range(4)}


def joined_later(panel: Panel) -> Any:
    """Nobody was a member before bar 100."""
    return np.repeat((np.arange(panel.n_bars) >= 100)[:, None], panel.n_symbols, axis=1)


def others_of_the_day(panel: Panel) -> Floats:
    """What the other markets did today."""
    steps = returns(panel)
    total = np.nansum(steps, axis=1, keepdims=True)
    return np.asarray((total - np.nan_to_num(steps)) / (panel.n_symbols - 1) + 0 * panel.close)


def with_facts(plant: Plant, **facts: Any) -> Plant:
    return lambda research: changed(plant(research), facts=facts)


def price_filter(panel: Panel) -> Floats:
    return np.asarray(np.where(np.isnan(panel.close), np.nan, np.log(panel.close) / 4))

"""Three ways from bars to trades, in functions that a test may replace by leaky ones.

``rank``: symbols by features weighted by their past correlation, held long and short. ``linear``: a
ridge regression, timed by symbol. ``neighbours``: the mean outcome of the nearest days, held in
proportion. They share data, features, labels and folds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.audit.auditing import Asked, Evaluated, Simulated, Subject
from tradewind.engine.audit.facts import Facts, Split
from tradewind.engine.audit.made_up import other_future
from tradewind.engine.audit.stages import Effort, Stage, feature_stage
from tradewind.engine.causality import probe
from tradewind.engine.costs import costs
from tradewind.engine.executors import reference
from tradewind.engine.executors.state import PLAIN_EXECUTION, Account, Terms
from tradewind.engine.protocols import Forecasts, Signals, View
from tradewind.engine.records import Floats, Panel, Simulation
from tradewind.engine.sizing import fixed_weight
from tradewind.engine.tampering import tampered
from tradewind.engine.types import Intent

N_BARS, N_SYMBOLS = 140, 4
TRAIN, TEST = 80, 30
HORIZON = 3
EFFORT = Effort(cuts=3, fit_hows=5, worth=12, placebos=0)
KINDS = ("rank", "linear", "neighbours")

Features = Callable[[Panel], Floats]


def returns(panel: Panel, n: int = 1) -> Floats:
    """Log returns over n bars, NaN before."""
    out = np.full(panel.shape, np.nan)
    log_close = np.log(panel.close)
    out[n:] = log_close[n:] - log_close[:-n]
    return out


def rolling(values: Floats, n: int, how: Callable[..., Any]) -> Floats:
    """A function of the last n rows of each row."""
    out = np.full(values.shape, np.nan)
    if len(values) >= n:
        views = np.lib.stride_tricks.sliding_window_view(values, n, axis=0)
        out[n - 1 :] = how(views, axis=-1)
    return out


def features(panel: Panel, lags: Sequence[int] = (1, 3, 8)) -> Floats:
    """Returns over several lags in units of volatility, shape (n_bars, n_symbols, n_features)."""
    vol = np.sqrt(rolling(returns(panel) ** 2, 10, np.mean))
    with np.errstate(invalid="ignore", divide="ignore"):  # prices that stand still
        made = [returns(panel, n) / (vol * np.sqrt(n)) for n in lags]
    return np.stack([np.where(np.isfinite(one), one, np.nan) for one in made], axis=2)


def labels(panel: Panel, horizon: int = HORIZON) -> Floats:
    """Log returns over the next bars; NaN where they are not over."""
    out = np.full(panel.shape, np.nan)
    if panel.n_bars > horizon:
        out[:-horizon] = returns(panel, horizon)[horizon:]
    return out


class Data(NamedTuple):
    """Samples."""

    x: Floats  # (n, n_features)
    y: Floats  # (n,)


def samples(x: Floats, y: Floats, bars: Any) -> Data:
    """Complete pairs of some bars."""
    x, y = x[bars].reshape(-1, x.shape[2]), y[bars].ravel()
    good = np.isfinite(x).all(axis=1) & np.isfinite(y)
    return Data(x[good], y[good])


@dataclass
class Model:
    """What is fitted; ``strength`` is what validation chooses."""

    kind: str
    strength: float = 1.0
    fitted: Any = None

    def fit(self, data: Data) -> "Model":
        x, y = data
        if self.kind == "rank":
            n = max(len(y), 1)
            self.fitted = np.nan_to_num((x * y[:, None]).sum(axis=0) / n) * self.strength
        elif self.kind == "linear":
            square = x.T @ x + self.strength * 10 * np.eye(x.shape[1])
            self.fitted = np.linalg.solve(square, x.T @ y)
        else:
            self.fitted = data
        return self

    def predict(self, x: Floats) -> Floats:
        """(n, n_features) to (n,)."""
        out = np.full(len(x), np.nan)
        good = np.isfinite(x).all(axis=1)
        if self.kind in ("rank", "linear"):
            out[good] = (x[good] * self.fitted).sum(axis=1)  # row by row: the same in every bit
        elif len(self.fitted.y):
            far = ((self.fitted.x[None] - x[good][:, None]) ** 2).sum(axis=2)
            near = np.argsort(far, axis=1, kind="stable")[:, : int(4 * self.strength) + 1]
            out[good] = self.fitted.y[near].mean(axis=1)
        return out


def walk_forward(n_bars: int) -> list[Split]:
    """Training up to a window but for the horizon, again and again."""
    return [
        Split(f"window {start}", np.arange(10, start - HORIZON + 1),
              np.arange(start, min(start + TEST, n_bars)))
        for start in range(TRAIN, n_bars, TEST)
    ]  # fmt: skip


def plain(split: Split, x: Floats, y: Floats, kind: str) -> Model:
    """Fit with what was settled beforehand."""
    return Model(kind).fit(samples(x, y, split.train))


def unchanged(values: Any) -> Any:
    return values


@dataclass(frozen=True)
class Research:
    """The whole way; every step may be replaced."""

    kind: str
    seed: int = 3
    panel: Panel = field(default_factory=lambda: bars(3))
    source: Callable[[Panel], Panel] = unchanged
    features: Features = features
    labels: Callable[[Panel], Floats] = labels
    splits: Callable[[int], list[Split]] = walk_forward
    fit: Callable[[Split, Floats, Floats, str], Model] = plain
    wishes: Callable[[Floats, Panel], Floats] = lambda said, panel: said
    read: Callable[[int], int] = lambda bar: bar
    fills: Callable[[Simulation, Panel], Simulation] = lambda ran, panel: ran
    facts: dict[str, Any] = field(default_factory=dict)

    def evaluate(self, panel: Panel) -> Floats:
        """Out-of-sample forecasts, shape (n_bars, n_symbols)."""
        known = self.source(panel)
        x, y = self.features(known), self.labels(known)
        out = np.full(panel.shape, np.nan)
        for split in self.splits(panel.n_bars):
            model = self.fit(split, x, y, self.kind)
            rows = x[split.test]
            said = model.predict(rows.reshape(-1, x.shape[2]))
            out[split.test] = said.reshape(rows.shape[:2])
        return out


def bars(seed: int, n_bars: int = N_BARS) -> Panel:
    """Made-up bars with gaps, a late start, and nobody leaving."""
    return probe(seed=seed, n_bars=n_bars, n_symbols=N_SYMBOLS)


class Trader(NamedTuple):
    """What prepare gives."""

    weight: Floats


@dataclass(frozen=True)
class Trades:
    """Turns forecasts into weights the way of its kind."""

    research: Research
    warmup: int = 20

    def prepare(self, panel: Panel, signals: Signals) -> Trader:
        assert signals.forecasts is not None
        said = self.research.wishes(signals.forecasts.mean, panel)
        return Trader(np.asarray(said))

    def decide(self, view: View) -> list[Intent]:
        row = view.inputs.weight[self.research.read(view.bar)]
        known = np.isfinite(row)
        if not known.any():
            return []
        if self.research.kind == "rank":
            order = np.argsort(np.argsort(np.where(known, row, 0.0)))
            strength = (order - (len(row) - 1) / 2) / len(row)
        elif self.research.kind == "linear":
            strength = np.sign(row)
        else:
            strength = np.nan_to_num(row) / max(float(np.abs(np.nan_to_num(row)).sum()), 1e-12)
        return [Intent(int(k), float(strength[k])) for k in np.flatnonzero(known)]


def terms(panel: Panel) -> Terms:
    """Costs on, the account shared equally."""
    everything = np.ones(panel.n_symbols, np.bool_)
    return Terms(
        costs(1.0, 4.0, 1.0, 0.005),
        fixed_weight(1.0 / panel.n_symbols, panel.n_symbols),
        Account(100_000.0, 1.5, False, 0.0, False, 0.0, everything),
        PLAIN_EXECUTION,
    )


def simulated(
    research: Research, said: Signals, cut: int | None, how: str
) -> tuple[Panel, Simulation]:
    """Trade forecasts; from ``cut`` on, bars and forecasts are others."""
    panel, others = research.panel, said
    if cut is not None:
        panel = tampered(panel, cut, how)
        others = other_future(said, cut, panel.n_bars)
    strategy = Trades(research)
    inputs = strategy.prepare(panel, others)
    ran = reference.simulate(strategy, inputs, panel, terms(panel), start=TRAIN)
    return panel, research.fills(ran, panel)


def subject(research: Research) -> Subject:
    """All of it, ready to be audited."""
    panel = research.panel
    mean = research.evaluate(panel)
    said = Signals(Forecasts(mean, np.where(np.isnan(mean), np.nan, 0.02), HORIZON))
    schedule = research.splits(panel.n_bars)
    stages: list[Stage] = [
        feature_stage("inputs", lambda p: research.features(p), warmup=19, horizon=HORIZON)
    ]
    if research.source is not unchanged:
        stages.append(
            Stage(kind="data", name="source", compute=lambda p: {"close": research.source(p).close})
        )
    facts = {"horizon": HORIZON, "splits": schedule, "labels": research.labels, "adjusted": True}
    return Subject(
        name=research.kind,
        panel=panel,
        stages=tuple(stages),
        strategies=(Asked("trades", Trades(research), panel, said),),
        runs=(Simulated("trades", partial(simulated, research, said), panel, TRAIN),),
        evaluations=(
            Evaluated("forecasts", research.evaluate, HORIZON, first=int(schedule[0].test[0]),
                      borders=tuple(int(split.test[0]) for split in schedule)),
        ),
        facts=Facts(**{**facts, **research.facts}),
    )  # fmt: skip


def changed(research: Research, **steps: Any) -> Research:
    """The same research with some steps replaced."""
    return replace(research, **steps)

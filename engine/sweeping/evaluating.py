"""Settings to their numbers: all that share a ground in one compiled call, others one by one."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal

import numpy as np

from tradewind.engine import pipeline, spreads, trading
from tradewind.engine.config.constraints import Constraint
from tradewind.engine.config.sweeping import SweepConfig
from tradewind.engine.errors import ConfigError, ForecastError, StrategyError
from tradewind.engine.pipeline import Diary
from tradewind.engine.protocols import Strategy
from tradewind.engine.records import Floats
from tradewind.engine.sweeping import measures, slicing
from tradewind.engine.sweeping.folds import Fold, pooled
from tradewind.engine.sweeping.grounds import Ground, Grounds

CURVES_BYTES = 48 << 20  # of curves kept at once
State = Literal["complete", "undefined", "breached", "refused", "pruned"]
COMBINE: Mapping[str, Callable[..., Any]] = {"mean": np.mean, "median": np.median}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be known of every setting.

    Attributes
    ----------
    objectives : tuple of str
        Full paths of metrics.json.
    signs : tuple of float
        1 where more is better, -1 where less is.
    constraints : tuple of Constraint
        With full paths; held against the whole run, as ``tradewind backtest`` reports it.
    score : str
        ``mean``, ``median``, ``worst`` or ``pooled``.
    """

    objectives: tuple[str, ...]
    signs: tuple[float, ...]
    constraints: tuple[Constraint, ...]
    score: str

    @property
    def whole(self) -> tuple[str, ...]:
        """Metrics of the whole run."""
        return tuple(dict.fromkeys([*self.objectives, *(c.metric for c in self.constraints)]))

    @property
    def max_drawdown(self) -> float | None:
        """Drawdown at which a run may stop, because no constraint can be met any more."""
        limits = [
            c.bound
            for c in self.constraints
            if c.metric == "strategy.max_drawdown" and c.sign[0] == "<"
        ]
        return min(limits) if limits else None


def wanted_of(config: SweepConfig, constraints: Sequence[Constraint]) -> Wanted:
    """What a config asks for."""
    return Wanted(
        tuple(map(measures.short, config.objectives)),
        tuple(1.0 if way == "maximize" else -1.0 for way in config.objectives.values()),
        tuple(c._replace(metric=measures.short(c.metric)) for c in constraints),
        config.validate_on.score,
    )


@dataclass(slots=True)
class Outcome:
    """What became of a setting.

    Attributes
    ----------
    values : mapping
        Path -> value, without what is fixed.
    state : str
        ``complete``; ``undefined``: a number is not defined; ``breached``: it fell below its limit
        and was stopped; ``refused``: no config can have these values; ``pruned``.
    scores : list of float
        One for each objective.
    folds : ndarray of float64, shape (n_objectives, n_folds)
    whole : list of float
        Metrics of the whole run, as named by ``Wanted.whole``.
    excess : list of float
        By how much each constraint is broken; at most 0 where it is kept.
    returns : ndarray or None
        Of each bar of the search span.
    error : str
        Why it was refused.
    """

    values: Mapping[str, Any]
    state: State
    scores: list[float] = field(default_factory=list)
    folds: Floats = field(default_factory=lambda: np.empty((0, 0)))
    whole: list[float] = field(default_factory=list)
    excess: list[float] = field(default_factory=list)
    returns: Any = None
    seconds: float = 0.0
    error: str = ""
    number: int = -1

    @property
    def feasible(self) -> bool:
        """Whether it is complete and keeps to every constraint."""
        return self.state == "complete" and all(one <= 0.0 for one in self.excess)


class Evaluator:
    """Runs settings.

    Parameters
    ----------
    grounds : Grounds
    folds : tuple of Fold
    wanted : Wanted
    threads : int
        0: one per core.
    """

    def __init__(
        self, grounds: Grounds, folds: tuple[Fold, ...], wanted: Wanted, threads: int = 0
    ) -> None:
        self.grounds, self.folds, self.wanted = grounds, folds, wanted
        self.threads = threads or len(os.sched_getaffinity(0))
        self.all_tests = pooled(folds)
        self.calls = 0

    def in_batches(self, values: Mapping[str, Any]) -> bool:
        """Whether settings like this one go through compiled calls."""
        names = (*self.wanted.objectives, *self.wanted.whole)
        return measures.of_curve(names) and self.grounds.ground(values).batched

    def evaluate(
        self, settings: Sequence[Mapping[str, Any]], fixed: Mapping[str, Any]
    ) -> list[Outcome]:
        """Run settings; those that share a ground together.

        Parameters
        ----------
        settings : sequence of mapping
            Path -> value of what varies.
        fixed : mapping
            Beside each of them.
        """
        found: list[Outcome | None] = [None] * len(settings)
        groups: dict[str, list[int]] = {}
        whole = [{**fixed, **values} for values in settings]
        for i, values in enumerate(whole):
            groups.setdefault(self.grounds.key(values), []).append(i)
        for rows in groups.values():
            begun = perf_counter()
            try:
                ground = self.grounds.ground(whole[rows[0]])
            except (ConfigError, StrategyError, ForecastError) as error:
                for i in rows:
                    found[i] = Outcome(settings[i], "refused", error=_brief(error))
                continue
            outcomes = self._on(ground, [whole[i] for i in rows])
            each = (perf_counter() - begun) / len(rows)
            for i, outcome in zip(rows, outcomes, strict=True):
                outcome.values = settings[i]
                outcome.seconds = outcome.seconds or each
                found[i] = outcome
        return [outcome for outcome in found if outcome is not None]

    def _on(self, ground: Ground, settings: Sequence[Mapping[str, Any]]) -> list[Outcome]:
        curves_suffice = measures.of_curve((*self.wanted.objectives, *self.wanted.whole))
        if not (ground.batched and curves_suffice and ground.outlook is not None):
            return [self._alone(values) for values in settings]
        found: list[Outcome | None] = [None] * len(settings)
        shared: dict[Any, tuple[Any, list[int], list[Strategy]]] = {}
        for i, values in enumerate(settings):
            try:
                strategy = self.grounds.strategy(ground, values)
                inputs, key = self.grounds.inputs(ground, strategy)
            except (ConfigError, StrategyError) as error:
                found[i] = Outcome(values, "refused", error=_brief(error))
                continue
            _, rows, strategies = shared.setdefault(key, (inputs, [], []))
            rows.append(i)
            strategies.append(strategy)
        for inputs, rows, strategies in shared.values():
            for i, outcome in zip(rows, self._batch(ground, inputs, strategies), strict=True):
                found[i] = outcome
        return [outcome for outcome in found if outcome is not None]

    def _batch(self, ground: Ground, inputs: Any, strategies: Sequence[Strategy]) -> list[Outcome]:
        """Settings in compiled calls, a block of curves at a time."""
        panel = ground.bars.history.panel
        room = max(1, CURVES_BYTES // (8 * panel.n_bars))
        found: list[Outcome] = []
        for first in range(0, len(strategies), room):
            some = strategies[first : first + room]
            curves, starts, breached = self.curves(ground, inputs, some)
            found += self._measured_all(curves, starts, breached, ground.bars.per_year)
        return found

    def curves(
        self, ground: Ground, inputs: Any, strategies: Sequence[Strategy]
    ) -> tuple[Floats, list[int], Any]:
        """(equity at every close, first bars, whether stopped) of settings, a row each."""
        from tradewind.engine.executors.batch import simulate_many
        from tradewind.engine.executors.terms import bars_needed, market, terms

        assert ground.outlook is not None
        config, panel = ground.config, ground.bars.history.panel
        terms_now = terms(config, panel, ground.bars.per_year, ground.outlook.signals)
        traded = spreads.traded_on(config.costs.spread, panel)
        starts = [max(bars_needed(s, config) - 1, ground.outlook.first_bar) for s in strategies]
        curves = np.empty((len(strategies), panel.n_bars))
        batch = simulate_many(
            strategies, inputs, traded, terms_now, start=starts, threads=self.threads,
            market=market(config, traded), max_drawdown=self.wanted.max_drawdown, curves=curves,
        )  # fmt: skip
        self.calls += 1
        return curves, starts, batch.breached

    def _measured_all(
        self, curves: Floats, starts: Sequence[int], breached: Any, per_year: float
    ) -> list[Outcome]:
        """Numbers of curves; what lies in folds for all of them at once."""
        wanted = self.wanted
        rows = np.flatnonzero(~breached & (np.array(starts) < curves.shape[1] - 1))
        tested = np.ascontiguousarray(curves[rows]) if len(rows) < len(curves) else curves
        folds = np.empty((len(curves), len(wanted.objectives), len(self.folds)))
        tests = np.empty((len(curves), len(wanted.objectives)))
        for k, fold in enumerate(self.folds):
            folds[rows, :, k] = self._of_fold(fold, tested, per_year)
        if wanted.score == "pooled":
            tests[rows] = self._of_fold(self.all_tests, tested, per_year)
        return [
            self._measured(curve, start, gone, per_year, fold, test)
            for curve, start, gone, fold, test in zip(
                curves, starts, breached, folds, tests, strict=True
            )
        ]

    def _of_fold(self, fold: Fold, curves: Floats, per_year: float) -> Floats:
        names = self.wanted.objectives
        if not len(curves):
            return np.empty((0, len(names)))
        if len(fold.spans) == 1:
            first, stop = fold.spans[0]
            return measures.of_rows(curves[:, first - 1 : stop], names, per_year)
        return np.array([measures.measured(fold.curve(one), names, per_year) for one in curves])

    def _measured(
        self,
        curve: Floats,
        start: int,
        breached: bool,
        per_year: float,
        folds: Floats,
        tests: Floats,
    ) -> Outcome:
        """Numbers of one curve, its folds' known."""
        if start >= len(curve) - 1:
            return Outcome({}, "refused", error=f"needs {start + 1} bars before it can decide")
        wanted = self.wanted
        whole_curve = curve[start:]
        if breached:
            whole_curve = whole_curve[~np.isnan(whole_curve)]
            whole = measures.measured(whole_curve, wanted.whole, per_year)
            return Outcome({}, "breached", whole=whole, excess=self.excess(whole))
        whole = measures.measured(whole_curve, wanted.whole, per_year)
        pooled_scores = tests.tolist() if wanted.score == "pooled" else None
        return self._outcome(whole, folds.copy(), pooled_scores, curve[1:] / curve[:-1] - 1.0)

    def _outcome(
        self, whole: list[float], folds: Floats, tests: list[float] | None, returns: Floats
    ) -> Outcome:
        wanted = self.wanted
        scores = tests or [
            float(row.min() if sign > 0 else row.max())
            if wanted.score == "worst"
            else float(COMBINE[wanted.score](row))
            for row, sign in zip(folds, wanted.signs, strict=True)
        ]
        defined = all(np.isfinite(scores))
        state: State = "complete" if defined else "undefined"
        return Outcome({}, state, scores, folds, whole, self.excess(whole), returns)

    def excess(self, whole: Sequence[float]) -> list[float]:
        """By how much each constraint is broken by the metrics of a whole run."""
        by_name = dict(zip(self.wanted.whole, whole, strict=True))
        return [c.excess(by_name[c.metric]) for c in self.wanted.constraints]

    def _alone(self, values: Mapping[str, Any]) -> Outcome:
        """One setting by the simulator of single runs, with every metric there is."""
        begun = perf_counter()
        document = self.grounds.document_of(values)
        try:
            outcome = self._single(values, document)
        except (ConfigError, StrategyError, ForecastError) as error:
            outcome = Outcome(values, "refused", error=_brief(error))
        outcome.seconds = perf_counter() - begun
        return outcome

    def _single(self, values: Mapping[str, Any], document: Any) -> Outcome:
        from tradewind.engine.config.file import validate
        from tradewind.engine.config.run import RunConfig

        parts = pipeline.resolve(validate(RunConfig, document), document)
        bars = self.grounds.bars(parts.config, document)
        outlook = self.grounds.outlook(parts, document, bars)
        panel = bars.history.panel
        traded = trading.simulate(
            parts, panel, outlook, Diary(), finer=bars.history.finer, explains=False
        )
        found, start = traded.simulation, traded.start
        numbers, trades, benchmark = pipeline.measured(parts.config, panel, found, start)
        wanted = self.wanted
        whole = [measures.at(numbers, name) for name in wanted.whole]
        limit = wanted.max_drawdown
        fall = numbers["strategy"].get("max_drawdown")
        if limit is not None and fall is not None and fall > limit:
            return Outcome(values, "breached", whole=whole, excess=self.excess(whole))
        of = slicing.Source(found, trades, panel, benchmark, bars.per_year)
        folds = np.array([slicing.measured(of, f, wanted.objectives) for f in self.folds]).T
        tests = None
        if wanted.score == "pooled":
            tests = slicing.measured(of, self.all_tests, wanted.objectives)
        curve = found.equity
        outcome = self._outcome(whole, folds, tests, curve[1:] / curve[:-1] - 1.0)
        outcome.values = values
        return outcome


def _brief(error: Exception) -> str:
    return str(error).splitlines()[0]

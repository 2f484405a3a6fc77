"""Whole grids, without a sampler: a hundred thousand settings as columns instead of objects.

Where a score is made of what the compiled loop adds up by itself (see ``SUMMED``), no curve is kept
of any setting: memory is that of the columns. The best one and the sample whose returns are kept
are run once more, and the best one's numbers are those of single runs to the last bit; of the
others the last digits are those of sums.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, overload

import numpy as np

from tradewind.engine import spreads
from tradewind.engine.config.sweeping import SweepConfig
from tradewind.engine.errors import ConfigError, StrategyError
from tradewind.engine.executors.batch import FALL, GROWTH, SQUARED, TOTAL, N
from tradewind.engine.protocols import Strategy
from tradewind.engine.records import Floats
from tradewind.engine.scoring.statistics import FLAT
from tradewind.engine.sweeping.evaluating import Evaluator, Outcome, State
from tradewind.engine.sweeping.grounds import Ground
from tradewind.engine.sweeping.space import Space

CHUNK = 8_192
STATES: tuple[State, ...] = ("complete", "undefined", "breached", "refused")
COMPLETE, UNDEFINED, BREACHED, REFUSED = range(4)
SUMMED = ("sharpe", "annual_volatility", "total_return", "annual_return", "max_drawdown")
NO_FOLDS = np.empty((0, 0))


def summed(evaluator: Evaluator, config: SweepConfig, values: Mapping[str, Any]) -> bool:
    """Whether sums are enough for everything that is asked for."""
    wanted = evaluator.wanted
    names = (*wanted.objectives, *wanted.whole)
    return (
        all(name.removeprefix("strategy.") in SUMMED for name in names)
        and all(len(fold.spans) == 1 for fold in evaluator.folds)
        and config.sampler.kind == "grid"
        and evaluator.in_batches(values)
    )


@dataclass(slots=True)
class Columns:
    """Numbers of a part of a grid, a row a setting."""

    state: Any  # (n,) places in STATES
    scores: Floats  # (n, n_objectives)
    folds: Floats  # (n, n_objectives, n_folds)
    whole: Floats  # (n, n_whole)
    errors: dict[int, str] = field(default_factory=dict)

    @classmethod
    def empty(cls, n: int, evaluator: Evaluator) -> "Columns":
        """Room for ``n`` settings."""
        wanted = evaluator.wanted
        shape = (n, len(wanted.objectives))
        return cls(
            np.full(n, REFUSED, np.int8), np.full(shape, np.nan),
            np.full((*shape, len(evaluator.folds)), np.nan),
            np.full((n, len(wanted.whole)), np.nan),
        )  # fmt: skip


class Rows(Sequence[Outcome]):
    """Outcomes of a grid, made when they are looked at.

    Parameters
    ----------
    space : Space
    points : int
        Values of a float without a step.
    evaluator : Evaluator
    before : sequence of Outcome
        Of earlier sessions, in front.
    """

    def __init__(
        self, space: Space, points: int, evaluator: Evaluator, before: Sequence[Outcome]
    ) -> None:
        self._settings = Settings(space, points)
        self._evaluator, self._before = evaluator, list(before)
        self._parts: list[Columns] = []
        self._n = len(self._before)
        self.exact: dict[int, Outcome] = {}
        self.seconds = 0.0

    def add(self, part: Columns) -> None:
        """Put the next settings behind those that are there."""
        self._parts.append(part)
        self._n += len(part.state)

    def __len__(self) -> int:
        """How many."""
        return self._n

    @overload
    def __getitem__(self, at: int) -> Outcome: ...
    @overload
    def __getitem__(self, at: slice) -> list[Outcome]: ...
    def __getitem__(self, at: int | slice) -> Outcome | list[Outcome]:
        """The outcome of a setting."""
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(self._n))]
        if at in self.exact:
            return self.exact[at]
        if at < len(self._before):
            return self._before[at]
        if at >= self._n:
            raise IndexError(at)
        row, part = at - len(self._before), 0
        while row >= len(self._parts[part].state):
            row -= len(self._parts[part].state)
            part += 1
        return self._outcome(at, self._parts[part], row)

    def __iter__(self) -> Iterator[Outcome]:
        """In order."""
        yield from (self.exact.get(one.number, one) for one in self._before)
        at = len(self._before)
        for part in self._parts:
            for row in range(len(part.state)):
                yield self.exact.get(at) or self._outcome(at, part, row)
                at += 1

    def _outcome(self, at: int, part: Columns, row: int) -> Outcome:
        state = STATES[part.state[row]]
        tested = state in ("complete", "undefined")
        whole = [] if state == "refused" else part.whole[row].tolist()
        return Outcome(
            values=self._settings[at],
            state=state,
            scores=part.scores[row].tolist() if tested else [],
            folds=part.folds[row] if tested else NO_FOLDS,
            whole=whole,
            excess=self._evaluator.excess(whole) if whole else [],
            seconds=self.seconds,
            error=part.errors.get(row, ""),
            number=at,
        )

    def best(self, sign: float) -> int | None:
        """Place of the best that keeps to every constraint, None where there is none."""
        found: tuple[float, int] | None = None
        for outcome in self._before:
            if outcome.feasible and (found is None or sign * outcome.scores[0] > found[0]):
                found = sign * outcome.scores[0], outcome.number
        at = len(self._before)
        for part in self._parts:
            gain = np.where(self._feasible(part), sign * part.scores[:, 0], -np.inf)
            i = int(np.argmax(gain)) if len(gain) else 0
            if len(gain) and gain[i] > -np.inf and (found is None or gain[i] > found[0]):
                found = float(gain[i]), at + i
            at += len(gain)
        return None if found is None else found[1]

    def _feasible(self, part: Columns) -> Any:
        wanted = self._evaluator.wanted
        kept = part.state == COMPLETE
        for c in wanted.constraints:
            values = part.whole[:, wanted.whole.index(c.metric)]
            over = values - c.bound if c.sign[0] == "<" else c.bound - values
            kept &= (over < 0.0) if len(c.sign) == 1 else (over <= 0.0)
        return kept

    def complete(self) -> list[int]:
        """Places of all that are complete."""
        found = [one.number for one in self._before if one.state == "complete"]
        at = len(self._before)
        for part in self._parts:
            found += (at + np.flatnonzero(part.state == COMPLETE)).tolist()
            at += len(part.state)
        return found


class Settings(Sequence[dict[str, Any]]):
    """Settings of a grid by their number, the last parameter changing fastest."""

    def __init__(self, space: Space, points: int) -> None:
        self._listed = list(space.grid(points)) if space.conditional else None
        self._names = [param.name for param in space.params]
        self._values = [param.grid(points) for param in space.params]
        self._n = space.grid_size(points) if self._listed is None else len(self._listed)

    def __len__(self) -> int:
        """How many."""
        return self._n

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """One setting, or several."""
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(self._n))]
        if not 0 <= at < self._n:
            raise IndexError(at)
        if self._listed is not None:
            return self._listed[at]
        found: list[Any] = []
        for values in reversed(self._values):
            at, digit = divmod(at, len(values))
            found.append(values[digit])
        return dict(zip(self._names, reversed(found), strict=True))


class Job(NamedTuple):
    """Settings that share everything but their parameters."""

    ground: Ground
    inputs: Any
    strategies: list[Strategy]
    rows: list[int]


class Batch(NamedTuple):
    """A part of a grid that is ready to run."""

    found: Columns
    jobs: list[Job]


def scanned(
    evaluator: Evaluator, settings: Sequence[Mapping[str, Any]], fixed: Mapping[str, Any]
) -> Columns:
    """Run a part of a grid."""
    return ran(evaluator, made(evaluator, settings, fixed))


def made(
    evaluator: Evaluator, settings: Sequence[Mapping[str, Any]], fixed: Mapping[str, Any]
) -> Batch:
    """Make the strategies of a part of a grid; what no config can have is told."""
    found = Columns.empty(len(settings), evaluator)
    whole = [{**fixed, **values} for values in settings]
    grounds = evaluator.grounds
    groups: dict[Any, list[int]] = {}
    for i, values in enumerate(whole):
        groups.setdefault(grounds.key(values), []).append(i)
    jobs: list[Job] = []
    for rows in groups.values():
        try:
            ground = grounds.ground(whole[rows[0]])
        except (ConfigError, StrategyError) as error:
            found.errors |= dict.fromkeys(rows, str(error).splitlines()[0])
            continue
        shared: dict[Any, Job] = {}
        for i in rows:
            try:
                strategy = grounds.strategy(ground, whole[i])
                inputs, key = grounds.inputs(ground, strategy)
            except (ConfigError, StrategyError) as error:
                found.errors[i] = str(error).splitlines()[0]
                continue
            job = shared.setdefault(key, Job(ground, inputs, [], []))
            job.strategies.append(strategy)
            job.rows.append(i)
        jobs += shared.values()
    return Batch(found, jobs)


def ran(evaluator: Evaluator, batch: Batch) -> Columns:
    """Run what was made, each job in one compiled call."""
    for job in batch.jobs:
        _run(evaluator, job.ground, job.inputs, job.strategies, np.array(job.rows), batch.found)
    return batch.found


def _run(
    evaluator: Evaluator,
    ground: Ground,
    inputs: Any,
    strategies: Sequence[Strategy],
    rows: Any,
    found: Columns,
) -> None:
    """Run settings that share everything but their parameters in one compiled call."""
    from tradewind.engine.executors.batch import simulate_many
    from tradewind.engine.executors.terms import bars_needed, market, terms

    assert ground.outlook is not None
    config, panel, wanted = ground.config, ground.bars.history.panel, evaluator.wanted
    traded = spreads.traded_on(config.costs.spread, panel)
    first_bar = ground.outlook.first_bar
    starts = [max(bars_needed(one, config) - 1, first_bar) for one in strategies]
    tests = [evaluator.all_tests] if wanted.score == "pooled" else []
    spans = np.array([fold.spans[0] for fold in (*evaluator.folds, *tests)])
    parts = np.empty((len(strategies), len(spans), 5))
    batch = simulate_many(
        strategies, inputs, traded,
        terms(config, panel, ground.bars.per_year, ground.outlook.signals), start=starts,
        threads=evaluator.threads, market=market(config, traded),
        max_drawdown=wanted.max_drawdown, spans=spans, parts=parts,
    )  # fmt: skip
    evaluator.calls += 1
    per_year, k = ground.bars.per_year, len(evaluator.folds)
    late = np.array(starts) >= panel.n_bars - 1
    whole = np.empty((len(strategies), 5))
    whole[:, N], whole[:, TOTAL] = batch.sums[:, 0], batch.sums[:, 1]
    whole[:, SQUARED], whole[:, FALL] = batch.sums[:, 2], batch.sums[:, 3]
    whole[:, GROWTH] = batch.equity / config.account.cash
    names = [name.removeprefix("strategy.") for name in wanted.objectives]
    folds = np.stack([number(name, parts[:, :k], per_year) for name in names], axis=1)
    found.folds[rows] = folds
    for j, (name, sign) in enumerate(zip(names, wanted.signs, strict=True)):
        found.scores[rows, j] = _score(
            wanted.score, folds[:, j], sign, parts[:, -1], name, per_year
        )
    for j, name in enumerate(wanted.whole):
        found.whole[rows, j] = number(name.removeprefix("strategy."), whole, per_year)
    state = np.where(np.isfinite(found.scores[rows]).all(axis=1), COMPLETE, UNDEFINED)
    state[batch.breached], state[late] = BREACHED, REFUSED
    found.state[rows] = state


def _score(
    how: str, folds: Floats, sign: float, tests: Floats, name: str, per_year: float
) -> Floats:
    if how == "pooled":
        return number(name, tests, per_year)
    if how == "worst":
        return np.asarray(folds.min(axis=1) if sign > 0 else folds.max(axis=1))
    return np.asarray(np.median(folds, axis=1) if how == "median" else folds.mean(axis=1))


def number(name: str, parts: Floats, per_year: float) -> Floats:
    """A metric from sums over the last axis; NaN where it is not defined.

    Parameters
    ----------
    name : str
        Of :data:`SUMMED`.
    parts : ndarray of float64, shape (..., 5)
        See :mod:`tradewind.engine.executors.batch`.
    per_year : float
    """
    n, total, squares, fall, growth = np.moveaxis(parts, -1, 0)
    with np.errstate(all="ignore"):
        solvent = fall < 1.0
        if name == "max_drawdown":
            return np.asarray(fall)
        if name == "total_return":
            return np.where(solvent, growth - 1.0, np.nan)
        if name == "annual_return":
            return np.where(solvent, np.expm1(per_year / n * np.log(growth)), np.nan)
        mean = total / n
        variance = (squares - n * mean * mean) / (n - 1.0)
        spread = np.sqrt(np.maximum(variance, 0.0))
        known = solvent & (n >= 2.0) & (variance > FLAT**2)
        if name == "annual_volatility":
            return np.where(solvent, spread * np.sqrt(per_year), np.nan)
        return np.where(known, mean / spread * np.sqrt(per_year), np.nan)

"""The search: NSGA-II on portfolios, a generation at a time, in arrays.

Ranking, crowding and hypervolume are pymoo's; how a candidate becomes a portfolio, how two of them
mate, and how a whole population is evaluated at once is ours.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.errors import ConfigError
from tradewind.engine.evolving.encoding import repaired
from tradewind.engine.evolving.limits import Limits, violations
from tradewind.engine.evolving.objectives import Outcomes, to_minimise
from tradewind.engine.evolving.variation import crossed, mutated, sampled
from tradewind.engine.records import Floats

MATED = 0.9  # of the pairs cross, the others go on as they are
MUTATED = 0.8  # of the children change by themselves
TRIES = 100  # to make children that are not there yet
Evaluate = Callable[[Floats], Outcomes]


@dataclass(frozen=True, slots=True)
class Task:
    """What is searched for.

    Attributes
    ----------
    limits : Limits
    evaluate : callable
        Weights of shape (n_portfolios, n_symbols) to their outcomes.
    objectives : tuple of str
        Names of outcomes.
    returns : ndarray of float64, shape (n_bars, n_symbols)
        Of the span, for the first candidates.
    turnover_annual : float
        Most that may be bought and sold a year; inf = no limit.
    """

    limits: Limits
    evaluate: Evaluate
    objectives: tuple[str, ...]
    returns: Floats
    turnover_annual: float = np.inf


@dataclass(frozen=True, slots=True)
class Generation:
    """The best portfolios after a generation.

    Attributes
    ----------
    number : int
        From 1 on.
    evaluated : int
        Portfolios held so far, this generation's among them.
    weights : ndarray of float64, shape (n_portfolios, n_symbols)
    losses : ndarray of float64, shape (n_portfolios, n_objectives)
        Objectives, of which less is better.
    feasible : bool
        Whether they keep to every limit; if not, there is one, the nearest to it.
    """

    number: int
    evaluated: int
    weights: Floats
    losses: Floats
    feasible: bool


@contextmanager
def importing() -> Iterator[None]:
    """Turn a missing pymoo into a message.

    Raises
    ------
    ConfigError
        Saying what to install.
    """
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            f"tradewind evolve needs the package 'pymoo', which cannot be imported ({error}); "
            "pip install 'tradewind[portfolio]'"
        ) from error


def require_pymoo() -> None:
    """Refuse to begin without pymoo; raises ConfigError."""
    with importing():
        import pymoo  # noqa: F401


class Pool(NamedTuple):
    """Portfolios with what they are chosen by, a row each."""

    weights: Floats  # (n, n_symbols)
    losses: Floats  # (n, n_objectives)
    broken: Floats  # (n,) by how much limits are broken; 0 = kept

    def take(self, rows: Any) -> "Pool":
        """Those rows."""
        return Pool(*(column[rows] for column in self))


class Ranked(NamedTuple):
    """A pool, and who comes before whom."""

    pool: Pool
    rank: Floats  # (n,) number of the front; of those that break limits behind all fronts
    crowding: Floats  # (n,) room around each on its front


def search(task: Task, *, population: int, generations: int, seed: int) -> Iterator[Generation]:
    """Breed portfolios; yields after every generation.

    Parameters
    ----------
    task : Task
    population, generations : int
    seed : int
        The same seed gives the same generations, bit for bit.

    Raises
    ------
    ConfigError
        If pymoo is not installed.

    References
    ----------
    Deb, Pratap, Agarwal and Meyarivan (2002), A fast and elitist multiobjective genetic algorithm:
    NSGA-II; limits by the rule of their section VI.
    """
    require_pymoo()
    rng = np.random.default_rng(seed)
    first = sampled(population, task.limits, task.returns, rng)
    found = survivors(_held(task, _new(repaired(first, task.limits), np.empty((0, 0)))), population)
    evaluated = len(found.rank)
    yield _best(found, 1, evaluated)
    for number in range(2, generations + 1):
        children = _held(task, _children(task, found, population, rng))
        evaluated += len(children.broken)
        both = Pool(*(np.concatenate(pair) for pair in zip(found.pool, children, strict=True)))
        found = survivors(both, population)
        yield _best(found, number, evaluated)


def _held(task: Task, weights: Floats) -> Pool:
    """Evaluate portfolios, all at once."""
    found = task.evaluate(weights)
    broken = violations(weights, task.limits)
    if task.turnover_annual < np.inf:
        turnover = np.nan_to_num(found.turnover, nan=np.inf)
        broken = broken + np.maximum(turnover - task.turnover_annual, 0.0)
    return Pool(weights, to_minimise(found, task.objectives), broken)


def survivors(pool: Pool, n: int) -> Ranked:
    """Return the best ``n``: front after front, of the last that fits in part the least crowded.

    Who breaks a limit comes behind all who do not, the less the better.
    """
    from pymoo.operators.survival.rank_and_crowding.metrics import get_crowding_function
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    kept = np.flatnonzero(pool.broken <= 0.0)
    rows, ranks, room = [], [], []
    taken = 0
    fronts = NonDominatedSorting().do(pool.losses[kept], n_stop_if_ranked=n) if len(kept) else []
    for number, front in enumerate(fronts):
        crowding = get_crowding_function("cd").do(pool.losses[kept[front]])
        order = np.argsort(-crowding, kind="stable")[: n - taken]
        rows.append(kept[front[order]])
        ranks.append(np.full(len(order), float(number)))
        room.append(crowding[order])
        taken += len(order)
        if taken == n:
            break
    if taken < n:
        over = np.flatnonzero(pool.broken > 0.0)
        over = over[np.argsort(pool.broken[over], kind="stable")][: n - taken]
        rows.append(over)
        ranks.append(len(pool.broken) + np.arange(len(over), dtype=np.float64))
        room.append(np.zeros(len(over)))
    return Ranked(pool.take(np.concatenate(rows)), np.concatenate(ranks), np.concatenate(room))


def _children(task: Task, found: Ranked, n: int, rng: np.random.Generator) -> Floats:
    """``n`` portfolios that are not there yet; fewer where variation makes no more."""
    made = np.empty((0, found.pool.weights.shape[1]))
    for _ in range(TRIES):
        pairs = (n - len(made) + 1) // 2
        parents = found.pool.weights[_won(found, 2 * pairs, rng)]
        one, other = parents[:pairs], parents[pairs:]
        mates = rng.random((pairs, 1)) < MATED
        first, second = crossed(one, other, rng)
        both = np.concatenate([np.where(mates, first, one), np.where(mates, second, other)])
        changes = rng.random((2 * pairs, 1)) < MUTATED
        both = repaired(np.where(changes, mutated(both, rng), both), task.limits)
        fresh = _new(both, np.concatenate([found.pool.weights, made]))
        made = np.concatenate([made, fresh])[:n]
        if len(made) == n:
            break
    return made


def _won(found: Ranked, n: int, rng: np.random.Generator) -> Any:
    """Rows of the winners of ``n`` contests of two, each row in as many as any other."""
    size = len(found.rank)
    rounds = -(-2 * n // size)
    drawn = np.concatenate([rng.permutation(size) for _ in range(rounds)])[: 2 * n].reshape(n, 2)
    one, other = drawn[:, 0], drawn[:, 1]
    better = found.rank[one] < found.rank[other]
    same = found.rank[one] == found.rank[other]
    roomier = found.crowding[one] > found.crowding[other]
    tied = same & (found.crowding[one] == found.crowding[other])
    first = np.where(same, roomier, better) | (tied & (rng.random(n) < 0.5))
    return np.where(first, one, other)


def _new(weights: Floats, there: Floats) -> Floats:
    """Rows that are neither among others nor twice among themselves, in order."""
    seen = {row.tobytes() for row in there}
    fresh = []
    for i, row in enumerate(weights):
        key = row.tobytes()
        if key not in seen:
            seen.add(key)
            fresh.append(i)
    return weights[fresh]


def _best(found: Ranked, number: int, evaluated: int) -> Generation:
    """The first front; without anybody who keeps to the limits the one nearest to it."""
    pool = found.pool
    feasible = bool(pool.broken[0] <= 0.0)
    rows = np.flatnonzero(found.rank == found.rank[0])
    return Generation(number, evaluated, pool.weights[rows], pool.losses[rows], feasible)


def hypervolume(losses: Floats, reference: Floats) -> float:
    """Volume between a front and a point that is worse in everything.

    Parameters
    ----------
    losses : ndarray of float64, shape (n_portfolios, n_objectives)
        Less is better.
    reference : ndarray of float64, shape (n_objectives,)
    """
    with importing():
        from pymoo.indicators.hv import Hypervolume

    inside = losses[(losses < reference).all(axis=1)]
    return float(Hypervolume(ref_point=reference)(inside)) if len(inside) else 0.0

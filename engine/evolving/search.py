"""The search: NSGA-II of pymoo on portfolios, a generation at a time.

Ranking, crowding, selection and survival are pymoo's; how a candidate becomes a portfolio, how two
of them mate, and how a whole population is evaluated at once is ours.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradewind.engine.errors import ConfigError
from tradewind.engine.evolving.encoding import repaired
from tradewind.engine.evolving.limits import Limits, violations
from tradewind.engine.evolving.objectives import Outcomes, to_minimise
from tradewind.engine.evolving.variation import crossed, mutated, sampled
from tradewind.engine.records import Floats

MATED = 0.9  # of the pairs cross, the others go on as they are
MUTATED = 0.6  # of the children change by themselves
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


def problem_of(task: Task) -> Any:
    """The task as pymoo's vectorised problem: one call evaluates a population."""
    with importing():
        from pymoo.core.problem import Problem

    n = len(task.limits.high)
    limited = task.turnover_annual < np.inf

    class Portfolios(Problem):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(
                n_var=n, n_obj=len(task.objectives), n_ieq_constr=1 + limited, xl=0.0, xu=1.0
            )

        def _evaluate(self, x: Any, out: Any, *_: Any, **__: Any) -> None:
            found = task.evaluate(x)
            out["F"] = to_minimise(found, task.objectives)
            broken = [violations(x, task.limits)]
            if limited:
                broken.append(np.nan_to_num(found.turnover, nan=np.inf) - task.turnover_annual)
            out["G"] = np.column_stack(broken)

    return Portfolios()


def repair_of(task: Task) -> Any:
    """The repair as pymoo's operator."""
    with importing():
        from pymoo.core.repair import Repair

    class Repaired(Repair):  # type: ignore[misc]
        def _do(self, problem: Any, x: Any, **_: Any) -> Any:
            return repaired(x, task.limits)

    return Repaired()


def algorithm_of(task: Task, *, population: int) -> Any:
    """NSGA-II with the moves of :mod:`tradewind.engine.evolving.variation`."""
    with importing():
        from pymoo.algorithms.moo.nsga2 import NSGA2
        from pymoo.core.crossover import Crossover
        from pymoo.core.mutation import Mutation
        from pymoo.core.sampling import Sampling

    class Sampled(Sampling):  # type: ignore[misc]
        def _do(self, problem: Any, n_samples: int, *_: Any, random_state: Any, **__: Any) -> Any:
            return sampled(n_samples, task.limits, task.returns, random_state)

    class Crossed(Crossover):  # type: ignore[misc]
        def _do(self, problem: Any, x: Any, *_: Any, random_state: Any, **__: Any) -> Any:
            return np.stack(crossed(x[0], x[1], random_state))

    class Mutated(Mutation):  # type: ignore[misc]
        def _do(self, problem: Any, x: Any, *_: Any, random_state: Any, **__: Any) -> Any:
            return mutated(x, random_state)

    return NSGA2(
        pop_size=population,
        sampling=Sampled(),
        crossover=Crossed(2, 2, prob=MATED),
        mutation=Mutated(prob=MUTATED),
        repair=repair_of(task),
    )


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
    """
    yield from run(
        problem_of(task), algorithm_of(task, population=population), generations=generations,
        seed=seed,
    )  # fmt: skip


def run(problem: Any, algorithm: Any, *, generations: int, seed: int) -> Iterator[Generation]:
    """Run any of pymoo's algorithms on a problem; yields after every generation."""
    algorithm.setup(problem, termination=("n_gen", generations), seed=seed, verbose=False)
    number = 0
    while algorithm.has_next():
        algorithm.next()
        number += 1
        best = algorithm.opt
        yield Generation(
            number,
            int(algorithm.evaluator.n_eval),
            np.array(best.get("X"), np.float64),
            np.array(best.get("F"), np.float64),
            bool(np.all(best.get("FEAS"))),
        )


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

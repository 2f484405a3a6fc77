"""The same search as objects of pymoo: for another of its algorithms, and to measure ours against.

pymoo keeps every portfolio as an object of its own, which takes as long as holding it; the search
of :mod:`tradewind.engine.evolving.search` keeps arrays.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from tradewind.engine.evolving.encoding import repaired
from tradewind.engine.evolving.limits import violations
from tradewind.engine.evolving.objectives import to_minimise
from tradewind.engine.evolving.search import MATED, MUTATED, Generation, Task, importing
from tradewind.engine.evolving.variation import crossed, mutated, sampled


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

"""Breeding portfolios beside pymoo's own NSGA-II: generations a second, and the fronts' quality.

``python benchmarks/evolving.py [--quick] [--json]``. The problem is that of the preset
``pareto-front`` with limits changed: 120 US stocks, three years of days, rebalanced monthly after
costs. Peers are pymoo's default NSGA-II (uniform sampling, SBX, polynomial mutation) on the same
problem with the same repair; all in one process, taking turns.

- ``speed``: pymoo's default loop, which evaluates one portfolio after the other, each a run of the
  engine of its own; the same on our evaluator, which holds a population in one call; and ours.
- ``hypervolume``: at equal evaluations over seeds, with a one-sided Wilcoxon test that ours is
  smaller; ``generations_to_match`` is how soon ours reaches what the default ends with.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import ElementwiseProblem
from scipy.stats import wilcoxon

from tradewind.engine.config.evolving import evolve_config
from tradewind.engine.config.file import override, read_document
from tradewind.engine.evolving.as_pymoo import problem_of, repair_of, run
from tradewind.engine.evolving.holding import Holding
from tradewind.engine.evolving.objectives import outcomes, to_minimise
from tradewind.engine.evolving.preparing import Setting, prepared, task_of
from tradewind.engine.evolving.search import Generation, Task, hypervolume, search
from tradewind.engine.executors.reference import simulate
from tradewind.engine.pipeline import Diary
from tradewind.engine.scoring.metrics import traded_value

GOAL_SPEED = 2.0  # generations a second, as a multiple of pymoo's default loop
POPULATION = 100
ALONE, BATCHED, OURS = (
    "pymoo's default, one portfolio at a time",
    "pymoo's default on our evaluator",
    "tradewind",
)
CURRENT = "{MSFT: 0.25, KO: 0.25, JPM: 0.25, PG: 0.25}"
PROBLEMS: dict[str, list[str]] = {
    "at most 10 names": ["evolve.count={least: 1, most: 10}", "evolve.weight={most: 1}"],
    "exactly 8, 2 to 25 % each": ["evolve.count=8"],
    "5 to 10, in lots of 10, 100,000 in cash": ["account.fractional=false", "account.lot=10"],
    "5 to 10, at most half traded from today": [
        f"evolve.turnover={{current: {CURRENT}, now: 0.5}}"
    ],
    "by drawdown": ["evolve.objectives=[annual_return, max_drawdown]"],
}
Row = dict[str, Any]


def setting_of(assignments: list[str]) -> Setting:
    """The preset with keys changed, its data read."""
    document = override(read_document("pareto-front"), assignments)
    found, config = evolve_config(document)
    return prepared(found, config, document, Diary())


class Alone(ElementwiseProblem):  # type: ignore[misc]
    """The problem as pymoo's tutorials write it: one portfolio, one run of the engine."""

    def __init__(self, setting: Setting, task: Task) -> None:
        self.span, self.task = setting.train, task
        n = len(task.limits.high)
        super().__init__(n_var=n, n_obj=len(task.objectives), n_ieq_constr=0, xl=0.0, xu=1.0)

    def _evaluate(self, x: Any, out: Any, *_: Any, **__: Any) -> None:
        span = self.span
        held = span.held(x[None], np.empty((1, span.panel.n_bars)))
        one = simulate(
            Holding(held, 0), held, span.traded_on, span.terms, start=0, market=span.market
        )
        found = outcomes(
            one.equity[None], np.array([traded_value(one.fills)]),
            bars_per_year=span.per_year, cvar_level=span.cvar_level,
        )  # fmt: skip
        out["F"] = to_minimise(found, self.task.objectives)[0]


def plain(task: Task) -> Any:
    """Pymoo's NSGA-II with every default but the repair, without which no limit is kept."""
    return NSGA2(pop_size=POPULATION, repair=repair_of(task))


def seconds(generations: Iterator[Generation]) -> float:
    """Of the whole search."""
    begun = time.perf_counter()
    for _ in generations:
        pass
    return time.perf_counter() - begun


def speed(quick: bool) -> list[Row]:
    """Seconds of a generation, the loops taking turns."""
    setting = setting_of([])
    task = task_of(setting)
    n = {ALONE: 2 if quick else 4, BATCHED: 20 if quick else 40, OURS: 20 if quick else 40}

    def once(loop: str, generations: int, seed: int) -> float:
        if loop == OURS:
            made = search(task, population=POPULATION, generations=generations, seed=seed)
            return seconds(made)
        problem = Alone(setting, task) if loop == ALONE else problem_of(task)
        return seconds(run(problem, plain(task), generations=generations, seed=seed))

    for loop in n:
        once(loop, 1, 0)  # compiles
    rounds = 2 if quick else 5
    taken: dict[str, list[float]] = {loop: [] for loop in n}
    for seed in range(rounds):
        for loop, generations in n.items():
            taken[loop].append(once(loop, generations, seed) / generations)
    best = {loop: float(np.median(times)) for loop, times in taken.items()}
    rows: list[Row] = []
    for loop, value in best.items():
        row: Row = {
            "case": "speed", "loop": loop, "population": POPULATION,
            "symbols": setting.train.panel.n_symbols, "bars": setting.train.panel.n_bars,
            "seconds_per_generation": value, "generations_per_second": 1.0 / value,
        }  # fmt: skip
        rows.append(row)
    ours = rows[-1]
    ours |= {
        "peer": ALONE,
        "ratio": best[ALONE] / best[OURS],
        "ratio_to_batched": best[BATCHED] / best[OURS],
        "goal": GOAL_SPEED,
        "met": bool(best[ALONE] / best[OURS] >= GOAL_SPEED),
    }
    return rows


def quality(quick: bool) -> Iterator[Row]:
    """Hypervolumes over seeds, of every set of limits."""
    seeds, generations = (6, 25) if quick else (15, 100)
    for name, assignments in list(PROBLEMS.items())[: 2 if quick else None]:
        setting = setting_of(assignments)
        task = task_of(setting)
        ours, theirs = [], []
        for seed in range(seeds):
            ours.append(
                list(search(task, population=POPULATION, generations=generations, seed=seed))
            )
            theirs.append(
                list(run(problem_of(task), plain(task), generations=generations, seed=seed))
            )
        yield _compared(name, ours, theirs, generations)


def _compared(
    name: str, ours: list[list[Generation]], theirs: list[list[Generation]], generations: int
) -> Row:
    """Hypervolumes against one point for all, each objective in units of all fronts' range."""
    every = np.concatenate([made[-1].losses for made in (*ours, *theirs)])
    low, width = every.min(axis=0), np.ptp(every, axis=0)
    reference = np.full(every.shape[1], 1.1)

    def volume(one: Generation) -> float:
        return hypervolume((one.losses - low) / width, reference) if one.feasible else 0.0

    own = [volume(made[-1]) for made in ours]
    peer = [volume(made[-1]) for made in theirs]
    matched = [
        next((one.number for one in made if volume(one) >= wanted), None)
        for made, wanted in zip(ours, peer, strict=True)
    ]
    reached = [at for at in matched if at is not None]
    return {
        "case": "hypervolume",
        "problem": name,
        "seeds": len(own),
        "generations": generations,
        "evaluated": ours[0][-1].evaluated,
        "evaluated_by_peer": theirs[0][-1].evaluated,
        "peer": BATCHED,
        "hypervolume": float(np.mean(own)),
        "hypervolume_of_peer": float(np.mean(peer)),
        "ratio": float(np.mean(own) / np.mean(peer)),
        "wins": int(np.sum(np.array(own) > np.array(peer))),
        "p_smaller": float(wilcoxon(own, peer, alternative="less").pvalue),
        "p_larger": float(wilcoxon(own, peer, alternative="greater").pvalue),
        "generations_to_match": float(np.median(reached)) if reached else None,
        "met": bool(np.mean(own) >= np.mean(peer)),
    }


def text(row: Row) -> str:
    """One line for a person."""
    if row["case"] == "speed":
        line = f"speed        {row['loop']:42} {row['generations_per_second']:8.1f} generations/s"
        if "ratio" in row:
            line += f"  {row['ratio']:.1f} x one at a time, {row['ratio_to_batched']:.2f} x batched"
        return line
    return (
        f"hypervolume  {row['problem']:42} {row['hypervolume']:.4f} to "
        f"{row['hypervolume_of_peer']:.4f} ({row['ratio']:.3f}), larger in {row['wins']} of "
        f"{row['seeds']}, p smaller {row['p_smaller']:.3f}, matched after "
        f"{row['generations_to_match']}"
    )


def main() -> int:
    """Print a row at a time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()

    def rows() -> Iterator[Row]:
        yield from speed(arguments.quick)
        yield from quality(arguments.quick)

    for row in rows():
        print(json.dumps(row) if arguments.json else text(row), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Trials and bars of a sweep as tables, and trials back from one."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.config.ranges import FloatConfig, IntConfig
from tradewind.engine.report import tables
from tradewind.engine.report.text import json_text
from tradewind.engine.sweeping import identity as identities
from tradewind.engine.sweeping.evaluating import Outcome
from tradewind.engine.sweeping.found import Found
from tradewind.engine.sweeping.preparing import Plan
from tradewind.engine.sweeping.space import Param, label_of

BLOCK = 20_000  # trials that are written at once


def trials_tables(plan: Plan, found: Found) -> Iterator[Any]:
    """One row a trial, in blocks of trials."""
    content = identities.content_of(plan)
    kinds = {param.name: _kind(param) for param in plan.space.params}
    n = len(found.outcomes)
    for first in range(0, max(n, 1), BLOCK):
        yield _trials(plan, found.outcomes[first : first + BLOCK], content, kinds)


def _trials(plan: Plan, outcomes: Sequence[Outcome], content: str, kinds: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    columns: dict[str, Any] = {
        "number": pa.array([o.number for o in outcomes], pa.int64()),
        "state": pa.array([o.state for o in outcomes], pa.string()),
        "feasible": pa.array([o.feasible for o in outcomes], pa.bool_()),
    }
    for param in plan.space.params:
        values = [label_of(o.values.get(param.name)) for o in outcomes]
        if kinds[param.name] is None:
            values = [None if v is None else json_text(v, indent=None) for v in values]
        columns[param.name] = pa.array(values, kinds[param.name] or pa.string())
    for j, name in enumerate(plan.config.objectives):
        columns[f"score {name}"] = _numbers([_at(o.scores, j) for o in outcomes])
        for k in range(len(plan.folds)):
            columns[f"fold {k} {name}"] = _numbers(
                [float(o.folds[j, k]) if o.folds.size else np.nan for o in outcomes]
            )
    for j, name in enumerate(plan.wanted.whole):
        columns[f"whole {name}"] = _numbers([_at(o.whole, j) for o in outcomes])
    for j, text in enumerate(plan.config.constraints):
        columns[f"excess {text}"] = _numbers([_at(o.excess, j) for o in outcomes])
    columns["seconds"] = _numbers([o.seconds for o in outcomes])
    columns["error"] = pa.array([o.error for o in outcomes], pa.string())
    hashes = [identities.content_of_trial(content, plan.space.whole(o.values)) for o in outcomes]
    columns["content"] = pa.array(hashes, pa.string())
    return pa.table(columns)


def _kind(param: Param) -> Any:
    """Type of a parameter's column; None where its values are of several kinds."""
    import pyarrow as pa

    config = param.config
    if isinstance(config, IntConfig):
        return pa.int64()
    if isinstance(config, FloatConfig):
        return pa.float64()
    kinds = {type(label) for label in param.labels if label is not None}
    plain = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    return plain[kinds.pop()] if len(kinds) == 1 else None


def _at(numbers: Sequence[float], place: int) -> float:
    return numbers[place] if place < len(numbers) else np.nan


def _numbers(values: Sequence[float]) -> Any:
    import pyarrow as pa

    return pa.array(np.asarray(values, np.float64))


def bars_table(plan: Plan, found: Found) -> Any:
    """One row a bar: what the trials are measured beside, and where the folds lie."""
    import pyarrow as pa

    panel = plan.bars.history.panel
    fold = np.full(panel.n_bars, -1)
    if plan.config.validate_on.kind == "walk_forward":
        for one in plan.folds:
            for a, b in one.spans:
                fold[a:b] = one.number
    best = np.full(panel.n_bars, np.nan)
    if found.best_returns is not None:
        best[1:] = found.best_returns
    return pa.table(
        {
            "ts": tables.times(panel.ts),
            "benchmark_return": plan.benchmark,
            "best_return": best,
            "fold": fold,
        }
    )


def read_outcomes(folder: Path, plan: Plan) -> list[Outcome]:
    """Trials as they were, without their returns."""
    table = tables.read_table(folder / "trials.parquet").to_pylist()
    objectives = list(plan.config.objectives)
    n_folds = len(plan.folds)
    found = []
    for row in table:
        values: dict[str, Any] = {}
        for param in plan.space.params:
            label = row[param.name]
            values_so_far = {**plan.space.fixed, **values}
            if param.applies(values_so_far):
                values[param.name] = param.value_of(label)
        tested = row["state"] in ("complete", "undefined", "pruned")
        folds = [[row[f"fold {k} {name}"] for k in range(n_folds)] for name in objectives]
        found.append(
            Outcome(
                values=values,
                state=row["state"],
                scores=[row[f"score {name}"] for name in objectives] if tested else [],
                folds=np.array(folds) if tested else np.empty((0, 0)),
                whole=[row[f"whole {n}"] for n in plan.wanted.whole]
                if row["state"] != "refused"
                else [],
                excess=[row[f"excess {text}"] for text in plan.config.constraints]
                if row["state"] != "refused"
                else [],
                seconds=row["seconds"],
                error=row["error"],
                number=row["number"],
            )
        )
    return found

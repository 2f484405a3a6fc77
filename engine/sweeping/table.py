"""Everything that is to be said about a sweep, as plain values: what ``sweep.json`` holds."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from tradewind.engine import pipeline, trading
from tradewind.engine.config.file import validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.jsonable import jsonable
from tradewind.engine.pipeline import Diary
from tradewind.engine.sweeping import measures, nested
from tradewind.engine.sweeping.evaluating import Outcome
from tradewind.engine.sweeping.found import Found
from tradewind.engine.sweeping.identity import content_of, content_of_trial
from tradewind.engine.sweeping.judging import Evidence, judged
from tradewind.engine.sweeping.nearby import nearby
from tradewind.engine.sweeping.preparing import Plan
from tradewind.engine.sweeping.ranking import front

MOST_ON_FRONT = 200
DIGITS = 16  # of a trial's digest in the ledger
STATES = ("complete", "undefined", "breached", "refused", "pruned")


def table_of(plan: Plan, found: Found, name: str) -> dict[str, Any]:
    """What the page and ``--json`` say."""
    best = None if found.best is None else found.outcomes[found.best]
    table: dict[str, Any] = {
        "name": name,
        "objectives": dict(plan.config.objectives),
        "constraints": list(plan.config.constraints),
        "mode": plan.config.mode,
        "sampler": plan.config.sampler.model_dump(),
        "validate": plan.config.validate_on.model_dump(),
        "params": [param.name for param in plan.space.params],
        "fixed": dict(plan.space.fixed),
        "trials": trial_counts(plan, found),
        "best": None if best is None else row(plan, best) | {"metrics": metrics_of(plan, best)},
        "front": [row(plan, found.outcomes[i]) for i in front(found.outcomes, plan.wanted.signs)][
            :MOST_ON_FRONT
        ],
        "baseline": plan.baseline,
        "spans": spans_of(plan),
        "speed": speed_of(found),
        "first_refusal": next((o.error for o in found.outcomes if o.error), None),
        "nested": nested.told(plan, found.blocks) if found.blocks else None,
        "luck": None if best is None else judged(evidence_of(plan, found)),
        "stability": nearby(plan, found),
    }
    table = jsonable(table)
    table["verdict"] = verdict(plan, table)
    return table


def trial_counts(plan: Plan, found: Found) -> dict[str, int]:
    """How many ended how; ``feasible`` are those that could be the best."""
    states = Counter(str(outcome.state) for outcome in found.outcomes)
    return {
        "all": len(found.outcomes),
        **{state: states.get(state, 0) for state in STATES},
        "feasible": sum(outcome.feasible for outcome in found.outcomes),
        "earlier": found.earlier,
    }


def row(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """One trial."""
    names = list(plan.config.objectives)
    return {
        "number": outcome.number,
        "values": dict(outcome.values),
        "scores": dict(zip(names, outcome.scores, strict=True)),
        "folds": {name: list(map(float, outcome.folds[j])) for j, name in enumerate(names)},
        "whole": dict(zip(plan.wanted.whole, outcome.whole, strict=True)),
        "excess": dict(zip(plan.config.constraints, outcome.excess, strict=True)),
    }


def metrics_of(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """Every metric of a trial, by the simulator of single runs, which proves its books."""
    document = plan.grounds.document_of(plan.space.whole(outcome.values))
    parts = pipeline.resolve(validate(RunConfig, document), document)
    bars = plan.grounds.bars(parts.config, document)
    outlook = plan.grounds.outlook(parts, document, bars)
    panel = bars.history.panel
    traded = trading.simulate(
        parts, panel, outlook, Diary(), finer=bars.history.finer, explains=False
    )
    return pipeline.measured(parts.config, panel, traded.simulation, traded.start)[0]


def spans_of(plan: Plan) -> dict[str, Any]:
    """First and last days of what was searched, of the folds, and of what is locked."""
    panel = plan.bars.history.panel
    days = [str(day) for day in panel.dates]
    holdout = plan.config.holdout
    return {
        "search": {"first_date": days[0], "last_date": days[-1], "n_bars": panel.n_bars},
        "folds": [
            [{"first_date": days[a], "last_date": days[b - 1], "n_bars": b - a} for a, b in f.spans]
            for f in plan.folds
        ],
        "holdout": None if holdout is None else {"start": str(holdout.start)},
    }


def speed_of(found: Found) -> dict[str, Any]:
    """Where the time of this session went."""
    done = len(found.outcomes) - found.earlier
    whole = sum(found.seconds.values())
    return {
        "seconds": whole,
        "trials_per_second": done / whole if whole > 0 else None,
        "ask_seconds": found.seconds["ask"],
        "run_seconds": found.seconds["run"],
        "tell_seconds": found.seconds["tell"],
    }


def evidence_of(plan: Plan, found: Found) -> Evidence:
    """What there is to judge the winner by."""
    tested = [o for o in found.outcomes if o.state in ("complete", "pruned", "undefined")]
    return Evidence(
        returns=found.kept.rows,
        winner=np.asarray(found.best_returns, dtype=np.float64),
        benchmark=np.nan_to_num(plan.benchmark[1:]),
        per_year=plan.bars.per_year,
        tried=len(tested),
        data_digest=plan.bars.history.panel.digest(),
        digests=digests_of(plan, found),
        seed=plan.base.seed,
    )


def digests_of(plan: Plan, found: Found) -> list[str]:
    """What the ledger of trials knows each setting by."""
    content = content_of(plan)
    return [
        content_of_trial(content, plan.space.whole(one.values))[:DIGITS] for one in found.outcomes
    ]


def verdict(plan: Plan, table: Mapping[str, Any]) -> str:
    """One sentence: what won, and among how many."""
    counts, best = table["trials"], table["best"]
    if best is None:
        told = ", ".join(f"{counts[s]:,} {s}" for s in STATES if counts[s])
        why = f"; the first refusal: {table['first_refusal']}" if table["first_refusal"] else ""
        return (
            f"Of {counts['all']:,} trials none can be the best ({told}){why}; widen the space or "
            "loosen the constraints."
        )
    name = next(iter(table["objectives"]))
    score = best["scores"][name]
    whole = best["whole"][measures.short(name)]
    how = {"none": "on all bars", "cpcv": "over held-out blocks"}.get(
        table["validate"]["kind"], "over test blocks"
    )
    combined = table["validate"]["score"]
    return (
        f"The best of {counts['all']:,} settings has a {name.replace('_', ' ')} of {score:.4g} "
        f"({combined} {how}) and of {whole:.4g} over the whole search; being chosen from so many, "
        "it is expected to do worse on bars that nobody looked at."
    )

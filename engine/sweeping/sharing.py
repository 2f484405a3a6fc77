"""One study, many workers: whoever reaches the storage takes trials from it.

The study holds the config that is swept, so that a worker needs nothing but the storage and its
name; the bars are read where the worker runs, and must be the same to the last bit.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.config.file import Document, parse
from tradewind.engine.errors import ConfigError
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.report.text import json_text, yaml_text
from tradewind.engine.sweeping import identity as identities
from tradewind.engine.sweeping.evaluating import Outcome
from tradewind.engine.sweeping.found import Found, new_found
from tradewind.engine.sweeping.preparing import Plan, prepared
from tradewind.engine.sweeping.queue import GRACE_SECONDS, Patience, Queue
from tradewind.engine.sweeping.samplers import sampler_of
from tradewind.engine.sweeping.storage import shown, study_storage
from tradewind.engine.sweeping.study import pruner_of, quiet
from tradewind.engine.walkforward.where import Workers

CONFIG, IDENTITY, CODE = "tradewind:config", "tradewind:identity", "tradewind:code"
AT_ONCE = 8  # trials that a worker takes together: a storage asks some round trips for each
WAIT_SECONDS = 1.0
WORKING = "sweeping"
CHUNK = 2_000  # settings whose returns are made again at a time


def open_study(plan: Plan, where: str, name: str) -> Any:
    """Make a study of that name, or take it up where it is the same.

    Raises
    ------
    ConfigError
        If the study is another one, with what differs.
    OutsideError
        If the storage cannot be reached.
    """
    import optuna

    _refuse_unshared(plan)
    storage = study_storage(where)
    with quiet():
        study = optuna.create_study(
            storage=storage, study_name=name, load_if_exists=True,
            sampler=sampler_of(plan.config, plan.space, plan.base.seed),
            pruner=pruner_of(plan.config),
            directions=["maximize" if sign > 0 else "minimize" for sign in plan.wanted.signs],
        )  # fmt: skip
        study.sampler.reseed_rng()  # workers that drew alike would try the same settings
        ours = json.loads(json_text(identities.identity(plan), indent=None))
        theirs = study.user_attrs.get(IDENTITY)
        if theirs is None:
            study.set_user_attr(CONFIG, yaml_text(identities.portable(plan)))
            study.set_user_attr(CODE, identities.content_of(plan))
            study.set_user_attr(IDENTITY, ours)
            study.set_metric_names(list(plan.config.objectives))
            return study
    differ = identities.differences(ours, theirs)
    if differ:
        told = "\n  ".join(differ[:20])
        raise ConfigError(
            f"{plan.document.at(('sweep', 'name'))}sweep.name: {name!r} is the name of another "
            f"study in {shown(where)}; what differs:\n  {told}\nGive this one a name of its own, "
            "or go on with the other one's config"
        )
    return study


def _refuse_unshared(plan: Plan) -> None:
    """Raise ConfigError for what one process does by itself."""
    if plan.config.sampler.kind == "grid":
        raise plan.document.error(
            ("sweep", "sampler"),
            "a grid is tried in compiled calls of one process, which no storage makes faster; "
            "leave --storage out, or draw from it with sampler: random",
        )
    if plan.config.mode == "nested":
        raise plan.document.error(
            ("sweep", "mode"),
            "nested chooses anew on each fold's past, one study a fold, in one process; leave "
            "--storage out",
        )


def plan_of_study(
    where: str, name: str | None, progress: Progress = SILENT, workers: Workers = None
) -> tuple[Plan, str]:
    """(plan, name) of a study from its storage alone.

    Raises
    ------
    ConfigError
        If there is no such study, or it is not one of tradewind, or its bars or code are others
        here.
    """
    import optuna

    storage = study_storage(where)
    with quiet():
        names = [one.study_name for one in optuna.get_all_study_summaries(storage)]
    if name is None and len(names) != 1:
        raise ConfigError(
            f"{shown(where)} holds {len(names)} studies ({', '.join(names[:10])}); say which with "
            "--study"
        )
    chosen = names[0] if name is None else name
    if chosen not in names:
        raise ConfigError(
            f"{shown(where)} holds no study {chosen!r}; it has: {', '.join(names[:10]) or 'none'}"
        )
    with quiet():
        attributes = optuna.load_study(study_name=chosen, storage=storage).user_attrs
    if CONFIG not in attributes:
        raise ConfigError(f"study {chosen!r} in {shown(where)} is not one of tradewind")
    document = parse(attributes[CONFIG], where=f"study {chosen}", folder=Path.cwd())
    plan = prepared(_named(document, chosen), Diary(), progress, workers=workers)
    differ = identities.differences(
        json.loads(json_text(identities.identity(plan), indent=None)), attributes[IDENTITY]
    )
    if differ:
        told = "\n  ".join(differ[:20])
        raise ConfigError(f"study {chosen!r} is about something else here; what differs:\n  {told}")
    if identities.content_of(plan) != attributes[CODE]:
        raise ConfigError(
            f"study {chosen!r}: the strategy's code here is not that of the study; install the "
            "same version on every machine"
        )
    return plan, chosen


def _named(document: Document, name: str) -> Document:
    values = {**document.values, "sweep": {**document.values["sweep"], "name": name}}
    return Document(document.where, document.folder, values, document.positions)


def queue_of(plan: Plan, study: Any, progress: Progress, grace: float = GRACE_SECONDS) -> Queue:
    """Queue of a study, as this process works on it."""
    content = identities.content_of(plan)

    def content_of(values: Mapping[str, Any]) -> str:
        return identities.content_of_trial(content, plan.space.whole(values))

    patience = Patience(told=lambda text: progress.advance(WORKING, 0, note=text))
    return Queue(study, plan.space, content_of, plan.config.trials, patience, grace)


def work(plan: Plan, queue: Queue, progress: Progress, *, waits: bool) -> None:
    """Take trials until there are none left.

    Parameters
    ----------
    plan : Plan
    queue : Queue
    progress : Progress
    waits : bool
        Whether to stay until nobody else has any: whoever writes the sweep's folder does.
    """
    import time

    at_once = min(plan.config.batch, AT_ONCE) if plan.evaluator.in_batches(plan.first) else 1
    progress.start(WORKING, plan.config.trials)
    shown_done = 0
    with queue.pulse():
        while True:
            taken = queue.ask(at_once)
            if taken:
                values = [one.values for one in taken]
                outcomes = plan.evaluator.evaluate(values, plan.space.fixed)
                queue.tell(taken, outcomes)
            done, others = queue.left()
            progress.advance(WORKING, done - shown_done, note=f"{others} with other workers")
            shown_done = done
            if not taken and (not waits or others == 0):
                return
            if not taken:
                time.sleep(WAIT_SECONDS)


def gathered(plan: Plan, queue: Queue) -> Found:
    """What all workers found, with the returns of some trials made again here.

    Raises
    ------
    KeyboardInterrupt
        Never: an interruption leaves the study as it is.
    """
    found = new_found(plan)
    outcomes = queue.outcomes()
    complete = [i for i, one in enumerate(outcomes) if one.state in ("complete", "pruned")]
    keep = complete
    if len(complete) > plan.config.keep_returns:
        rng = np.random.default_rng(plan.base.seed)
        keep = sorted(rng.choice(complete, plan.config.keep_returns, replace=False).tolist())
    best = _best(outcomes, plan.wanted.signs[0])
    wanted = sorted({*keep, *([] if best is None else [best])})
    for first in range(0, len(wanted), CHUNK):
        some = wanted[first : first + CHUNK]
        again = plan.evaluator.evaluate([outcomes[i].values for i in some], plan.space.fixed)
        for i, one in zip(some, again, strict=True):
            outcomes[i].returns = one.returns
    for outcome in outcomes:
        found.add(outcome, plan.wanted.signs[0])
    return found


def _best(outcomes: list[Outcome], sign: float) -> int | None:
    feasible = [i for i, one in enumerate(outcomes) if one.feasible]
    return max(feasible, key=lambda i: sign * outcomes[i].scores[0]) if feasible else None

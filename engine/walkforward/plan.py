"""Every fit of a walk-forward before the first is begun: what it sees, its seed, its name.

A fold is fitted once per member of the ensemble and, where a forecaster fits each symbol by itself,
once per handful of symbols; some folds once more, from scratch, to be compared with the warm fit.
"""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from tradewind.engine.cache import key_of
from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.content import package_version
from tradewind.engine.errors import ConfigError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.protocols import Checkpointed, Continuing, Divisible, Forecaster, Grouped
from tradewind.engine.records import Panel
from tradewind.engine.walkforward.schedule import Fold
from tradewind.engine.walkforward.task import FoldTask

SYMBOLS_PER_TASK = 4  # enough to be worth a task; fixed, because it is part of what a fit is called


def fold_seed(seed: int, number: int, own: object = 0, member: int = 0) -> int:
    """Seed of one fold: unlike those of other folds, members and runs, the same on every machine.

    Parameters
    ----------
    seed : int
        Of the run.
    number : int
        Of the fold.
    own : object
        The forecaster's own ``seed`` parameter.
    member : int
        Of the ensemble.

    Returns
    -------
    int
        In [0, 2**31).
    """
    text = f"{seed}/{own}/{number}" + (f"/{member}" if member else "")
    return int.from_bytes(sha256(text.encode()).digest()[:4], "big") >> 1


def refuse_what_it_cannot(forecaster: Forecaster, name: str, config: WalkForwardConfig) -> None:
    """Refuse a warm start of a forecaster that has none; raises ConfigError."""
    able = isinstance(forecaster, Continuing) and isinstance(forecaster, Checkpointed)
    if config.warm_start and not able:
        raise ConfigError(
            f"walk_forward.warm_start: {name} cannot begin from the fold before, for which a "
            "forecaster needs begin_from, save and restore; leave warm_start out"
        )


def parts_of(forecaster: Forecaster, symbols: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Symbols of each task; one empty tuple, all of them, where they are fitted together."""
    alone = isinstance(forecaster, Divisible) and not getattr(forecaster, "pooled", True)
    together = isinstance(forecaster, Grouped) and forecaster.grouped
    if not alone or together or len(symbols) <= SYMBOLS_PER_TASK:
        return ((),)
    steps = range(0, len(symbols), SYMBOLS_PER_TASK)
    return tuple(tuple(symbols[k : k + SYMBOLS_PER_TASK]) for k in steps)


@dataclass(slots=True)
class Namer:
    """Names cache entries by all that a fit may see, not by its number or the panel's length.

    Attributes
    ----------
    spec : ForecasterSpec
    panel : Panel
    """

    spec: ForecasterSpec
    panel: Panel
    _digests: dict[tuple[int, int], str] = field(default_factory=dict)

    def key(self, params: Mapping[str, Any], bars: Mapping[str, int], **more: Any) -> str:
        """Name of an entry.

        Parameters
        ----------
        params : mapping
            Over those of the forecaster.
        bars : mapping
            ``start`` and ``stop`` of the rows that are seen, and what else is told of them.
        **more
            Plain values that decide the content.
        """
        rows = bars["start"], bars["stop"]
        if rows not in self._digests:
            self._digests[rows] = self.panel.rows(*rows).digest()
        seen = {name: value - rows[0] for name, value in bars.items() if name != "stop"}
        versions = {name: package_version(name) for name in ("tradewind", "numpy")}
        return key_of(
            {
                "forecaster": self.spec.changed(params).content(),
                **versions,
                "python": platform.python_version(),
                "bars": {**seen, "digest": self._digests[rows]},
                **more,
            }
        )


def plan(
    spec: ForecasterSpec,
    panel: Panel,
    schedule: Sequence[Fold],
    config: WalkForwardConfig,
    *,
    seed: int,
    parts: Sequence[tuple[str, ...]],
    choices: Mapping[int, Mapping[str, Any]],
    cached: bool,
) -> tuple[FoldTask, ...]:
    """Every fit, fold by fold; one that begins from another comes behind it.

    Parameters
    ----------
    spec, panel, schedule, config, seed
        As in :func:`tradewind.engine.walkforward.run`.
    parts : sequence of tuple of str
        From :func:`parts_of`.
    choices : mapping of int to mapping
        Parameters chosen for each fold; empty where nothing is chosen.
    cached : bool
        Whether entries need names.
    """
    namer = Namer(spec, panel) if cached else None
    tasks: list[FoldTask] = []
    last: dict[tuple[int, int], FoldTask] = {}
    for fold in schedule:
        params = choices.get(fold.number, {})
        for member in range(config.seeds):
            own_seed = fold_seed(seed, fold.number, spec.params.get("seed", 0), member)
            for part, symbols in enumerate(parts):
                name = f"{fold.number}.{member}.{part}"
                task = FoldTask(fold, own_seed, "", name, params, member, symbols)
                before = last.get((member, part)) if config.warm_start else None
                if before is not None and before.params == params:
                    tasks += _controls(task, config, namer)
                    task = replace(task, before=before.name)
                else:
                    before = None
                task = _named(task, namer, before)
                last[member, part] = task
                tasks.append(task)
    return tuple(tasks)


def _controls(task: FoldTask, config: WalkForwardConfig, namer: Namer | None) -> list[FoldTask]:
    """Same fit from scratch, where it is due; its entry is that of a run without warm start."""
    if not config.control_every or task.fold.number % config.control_every:
        return []
    return [_named(replace(task, name=f"{task.name}.control", control=True), namer, None)]


def _named(task: FoldTask, namer: Namer | None, before: FoldTask | None) -> FoldTask:
    if namer is None:
        return task
    fold = task.fold
    bars = {
        "start": fold.train_start, "stop": fold.test_stop, "train": fold.train_stop,
        "first": fold.test_start,
    }  # fmt: skip
    more: dict[str, Any] = {"symbols": list(task.symbols)} if task.symbols else {}
    if before is not None:
        more["after"] = before.key
    return replace(task, key=namer.key(task.params, bars, seed=task.seed, **more))


def cost(task: FoldTask, n_symbols: int) -> int:
    """How long a fit takes beside others: bars times symbols."""
    return task.fold.n_train * (len(task.symbols) or n_symbols)

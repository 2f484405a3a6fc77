"""From a config to what a sweep needs: space, bars of the search, folds, what is measured."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tradewind.engine import pipeline, trading
from tradewind.engine.cache import ForecastCache
from tradewind.engine.config.constraints import constraints_of
from tradewind.engine.config.faults import hint
from tradewind.engine.config.file import SWEEPING as KEY
from tradewind.engine.config.file import Document, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.sweeping import SweepConfig, run_document, sweep_config
from tradewind.engine.config.yaml import copied
from tradewind.engine.errors import ConfigError, StrategyError
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.records import Floats
from tradewind.engine.sweeping import measures
from tradewind.engine.sweeping.evaluating import Evaluator, Wanted, wanted_of
from tradewind.engine.sweeping.folds import Fold, folds_of
from tradewind.engine.sweeping.grounds import Bars, Grounds
from tradewind.engine.sweeping.paths import check_paths
from tradewind.engine.sweeping.space import Space, space_of
from tradewind.engine.walkforward.where import Workers

PROBES = 200  # settings of the grid tried before it is given up to find one that runs


@dataclass(frozen=True, slots=True)
class Plan:
    """A config with its data: all that trials need.

    Attributes
    ----------
    config : SweepConfig
    document : Document
        As written.
    search : Document
        Its data ends before the hold-out.
    base : RunConfig
        Of a setting that runs, for what does not vary.
    first : mapping
        That setting: path -> value, fixed ones among them.
    baseline : mapping or None
        Metrics of the config as it is written; None where it does not run.
    benchmark : ndarray of float64, shape (n_bars,)
        Returns.
    """

    config: SweepConfig
    document: Document
    search: Document
    space: Space
    wanted: Wanted
    folds: tuple[Fold, ...]
    grounds: Grounds
    evaluator: Evaluator
    bars: Bars
    base: RunConfig
    first: Mapping[str, Any]
    baseline: Mapping[str, Any] | None
    benchmark: Floats


def search_document(document: Document, config: SweepConfig) -> Document:
    """Document whose data ends on the day before the hold-out.

    Raises
    ------
    ConfigError
        If the hold-out lies outside the data that is asked for.
    """
    if config.holdout is None:
        return document
    values = copied(document.values)
    data = values.setdefault("data", {})
    end = data.get("end") if isinstance(data, dict) else None
    start = data.get("start") if isinstance(data, dict) else None
    first = config.holdout.start
    if isinstance(end, date) and first > end:
        raise document.error(
            (KEY, "holdout", "start"), f"{first} lies after data.end {end}; move one of the two"
        )
    if isinstance(start, date) and first <= start:
        raise document.error(
            (KEY, "holdout", "start"),
            f"{first} leaves nothing to search on: data.start is {start}; move one of the two",
        )
    data["end"] = first - timedelta(days=1)
    return Document(document.where, document.folder, values, document.positions)


def prepared(
    document: Document,
    diary: Diary,
    progress: Progress = SILENT,
    *,
    workers: Workers = None,
    cache: ForecastCache | None = None,
) -> Plan:
    """Check everything that can be wrong before the first trial, and read the bars.

    Raises
    ------
    ConfigError
        At the line of what is wrong.
    DataError, ForecastError, StrategyError
        As a run would.
    """
    config, given = sweep_config(document)
    check_paths(given, document)
    space = space_of(given, document)
    constraints = constraints_of(config.constraints, document)
    search = search_document(document, config)
    _check_values(space, search)
    grounds = Grounds(search, diary, progress, workers=workers, cache=cache)
    found = _first_that_runs(space, grounds)
    base, first, bars, tree, benchmark = found
    baseline = tree if first == space.fixed else None
    _check_metrics(config, constraints, tree, document)
    wanted = wanted_of(config, constraints)
    folds = folds_of(config.validate_on, bars.history.panel.n_bars)
    evaluator = Evaluator(grounds, folds, wanted, config.threads)
    return Plan(
        config, document, search, space, wanted, folds, grounds, evaluator, bars, base,
        first, baseline, benchmark,
    )  # fmt: skip


def _check_values(space: Space, document: Document) -> None:
    """Refuse a range whose ends the key cannot have, whatever the other parameters are.

    A value that only another parameter makes impossible is refused trial by trial.
    """
    for param in space.params:
        ends = param.grid(2)
        if param.when or param.name.rpartition(".")[2] == "kind" or "." not in param.name:
            continue
        faults = []
        for value in dict.fromkeys(map(_frozen, (ends[0], ends[-1]))):
            alone = run_document(document, {**space.fixed, param.name: _thawed(value)})
            try:
                parts = pipeline.resolve(validate(RunConfig, alone), alone)
                del parts
            except ConfigError as error:
                faults.append(error)
        for fault in faults:
            # A fault of this key alone begins with its place; others belong to a combination.
            if f"{param.name}: " in str(fault):
                raise fault


def _frozen(value: Any) -> Any:
    from tradewind.engine.report.text import json_text

    return json_text(value, indent=None)


def _thawed(text: str) -> Any:
    import json

    return json.loads(text)


def _first_that_runs(
    space: Space, grounds: Grounds
) -> tuple[RunConfig, Mapping[str, Any], Bars, dict[str, Any], Floats]:
    """Run the config as written, or the first setting of the grid that a config can have."""
    first: ConfigError | StrategyError | None = None
    tried = 0
    for values in _as_written_then_grid(space):
        tried += 1
        document = grounds.document_of(values)
        try:
            parts = pipeline.resolve(validate(RunConfig, document), document)
            bars = grounds.bars(parts.config, document)
            outlook = grounds.outlook(parts, document, bars)
            panel = bars.history.panel
            traded = trading.simulate(
                parts, panel, outlook, Diary(), finer=bars.history.finer, explains=False
            )
        except (ConfigError, StrategyError) as error:
            first = first or error
            if tried > PROBES:
                break
            continue
        numbers, _, benchmark = pipeline.measured(
            parts.config, panel, traded.simulation, traded.start
        )
        return parts.config, values, bars, numbers, benchmark
    assert first is not None
    raise first


def _as_written_then_grid(space: Space) -> Iterator[dict[str, Any]]:
    yield dict(space.fixed)
    for values in space.grid(3):
        yield space.whole(values)


def _check_metrics(
    config: SweepConfig, constraints: Any, tree: Mapping[str, Any], document: Document
) -> None:
    """Refuse a metric that a run does not have, naming the nearest."""
    known = measures.paths(tree)
    plain = [name.removeprefix("strategy.") for name in known]
    for name in config.objectives:
        if measures.short(name) not in known:
            raise document.error(
                (KEY, "objectives", name), f"no metric of a run{hint(name, plain, 'metrics')}"
            )
    for i, constraint in enumerate(constraints):
        if measures.short(constraint.metric) not in known:
            raise document.error(
                (KEY, "constraints", i),
                f"{constraint.metric!r} is no metric of a run"
                f"{hint(constraint.metric, plain, 'metrics')}",
            )

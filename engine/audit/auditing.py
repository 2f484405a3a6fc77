"""Puts the checks together: one subject in, one report out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tradewind.engine.audit import comparing, known_when, membership, restating
from tradewind.engine.audit.decisions import decisions
from tradewind.engine.audit.deriving import derived_series
from tradewind.engine.audit.facts import Facts, labels, splits
from tradewind.engine.audit.findings import Check, Finding, Report, ranked
from tradewind.engine.audit.orders import Simulate, orders
from tradewind.engine.audit.placebo import Evaluate, placebo
from tradewind.engine.audit.stages import FULL, MADE_OF, Effort, Outputs, Stage
from tradewind.engine.audit.statics import code_files, statics
from tradewind.engine.causality import probe
from tradewind.engine.errors import TradewindError
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.protocols import Signals, Strategy
from tradewind.engine.records import Panel

TASK = "audit"
Found = tuple[list[Finding], list[Check]]
Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """A strategy, and the signals it is asked with."""

    name: str
    strategy: Strategy
    panel: Panel
    signals: Signals


@dataclass(frozen=True, slots=True)
class Simulated:
    """A way from bars to orders and fills; ``first`` is the first bar that may decide."""

    name: str
    simulate: Simulate
    panel: Panel
    first: int = 0


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A way from bars to out-of-sample forecasts.

    Attributes
    ----------
    name : str
    evaluate : callable
        From a panel to forecasts of shape (n_bars, n_symbols), NaN where there are none.
    horizon : int
    first : int
        First bar with a forecast.
    borders : tuple of int
        First bar of each test window.
    placebo : callable or None
        What skill is measured on; by default ``evaluate``.
    costly : bool
        Whether each evaluation takes long, so that fewer are made.
    placebo_alone : bool
        Whether it is tried on placebos and on nothing else.
    """

    name: str
    evaluate: Evaluate
    horizon: int
    first: int = 0
    borders: tuple[int, ...] = ()
    placebo: Evaluate | None = None
    costly: bool = False
    placebo_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """All that is looked at in one audit.

    Attributes
    ----------
    name : str
    panel : Panel
        Bars that stages and evaluations are tried on.
    stages : tuple of Stage
        Data, features, scalers, forecasters, selectors: whatever turns bars into values.
    strategies : tuple of Asked
    runs : tuple of Simulated
    evaluations : tuple of Evaluated
    facts : Facts
    code : tuple of Path
        Files of Python to read.
    data : tuple of callable
        Further checks of the data, each giving findings and checks.
    unseen : tuple of str
        What could not be taken up, one sentence each.
    """

    name: str
    panel: Panel
    stages: tuple[Stage, ...] = ()
    strategies: tuple[Asked, ...] = ()
    runs: tuple[Simulated, ...] = ()
    evaluations: tuple[Evaluated, ...] = ()
    facts: Facts = field(default_factory=Facts)
    code: tuple[Path, ...] = ()
    data: tuple[Callable[[], Found], ...] = ()
    unseen: tuple[str, ...] = ()


def code_alone(path: Path) -> Subject:
    """A Python file, or a folder of them, to be read and not run.

    Raises
    ------
    ConfigError
        If there is none.
    """
    files = code_files(path)
    return Subject(name=str(path), panel=probe(n_bars=60), code=tuple(files))


def audit(subject: Subject, effort: Effort = FULL, progress: Progress = SILENT) -> Report:
    """Try to catch a subject knowing the future.

    Parameters
    ----------
    subject : Subject
    effort : Effort
    progress : Progress

    Returns
    -------
    Report
        Findings, the most dangerous first; parts that failed on the bars as they are by name.
    """
    parts = _parts(subject, effort)
    findings: list[Finding] = []
    checks: list[Check] = []
    failed: dict[str, list[str]] = {}
    progress.start(TASK, len(parts))
    try:
        for name, run in parts:
            try:
                found, made = run()
            except Exception as error:  # of the user's code, on bars that nobody changed
                known = isinstance(error, TradewindError)
                said = str(error) if known else f"{type(error).__name__}: {error}"
                failed.setdefault(said, []).append(name)
            else:
                findings += found
                checks += made
            progress.advance(TASK, note=name)
    finally:
        progress.finish(TASK)
    told = tuple(f"{', '.join(names)}: {said}" for said, names in failed.items())
    return Report(ranked(findings), tuple(checks), subject.unseen, told)


def _parts(subject: Subject, effort: Effort) -> list[tuple[str, Callable[[], Found]]]:
    """Every check as (name, function), in the order in which they are made."""
    facts, panel = subject.facts, subject.panel
    ways = [one for one in subject.evaluations if not one.placebo_alone]
    stages = (*subject.stages, *map(_as_stage, ways))
    parts: list[tuple[str, Callable[[], Found]]] = [
        ("code", lambda: statics(list(subject.code))),
        ("splits", lambda: splits(facts, panel)),
        ("labels", lambda: labels(facts, panel)),
        ("publication", lambda: known_when.publication(facts, panel)),
        ("plausibility", lambda: known_when.plausible(panel, facts.horizon)),
        ("universe", lambda: membership.universe(facts, stages, panel)),
        ("session closes", lambda: known_when.closes(facts, stages, panel)),
    ]
    parts += [("data", check) for check in subject.data]
    parts += [
        (f"{stage.kind} {stage.name}", partial(_stage, stage, facts, panel, effort))
        for stage in stages
    ]
    parts += [
        (f"strategy {one.name}", partial(_strategy, one, facts, effort))
        for one in subject.strategies
    ]
    parts += [(f"run {run.name}", partial(_run, run, effort)) for run in subject.runs]
    parts += [
        (f"placebo {way.name}", partial(_placebo, way, panel, effort))
        for way in subject.evaluations
    ]
    return parts


def _as_stage(way: Evaluated) -> Stage:
    """Out-of-sample forecasts as values that later bars may not move."""

    def forecasts(panel: Panel) -> Outputs:
        return {"forecasts": way.evaluate(panel)}

    return Stage(
        kind="evaluation",
        name=way.name,
        compute=forecasts,
        first=way.first,
        horizon=way.horizon,
        borders=way.borders,
        hows=("noise", "dropped") if way.costly else MADE_OF,
        most=2 if way.costly else None,
    )


def _stage(stage: Stage, facts: Facts, panel: Panel, effort: Effort) -> Found:
    findings, checks = comparing.tampering(stage, panel, effort)
    known = frozenset(one.column for one in findings)  # another past moves these by their leak
    more, made = restating.warm_up(stage, panel, without=known)
    findings, checks = findings + more, checks + made
    if facts.adjusted and stage.kind != "data":
        more, made = restating.price_level(stage, panel, effort, without=known)
        findings, checks = findings + more, checks + made
    return findings, checks


def _strategy(one: Asked, facts: Facts, effort: Effort) -> Found:
    findings, checks = decisions(
        one.name, one.strategy, one.panel, one.signals, effort, adjusted=facts.adjusted
    )
    more, made = derived_series(one.name, one.strategy, one.panel, effort)
    return findings + more, checks + made


def _run(ran: Simulated, effort: Effort) -> Found:
    return orders(ran.name, ran.simulate, ran.panel, effort, first=ran.first)


def _placebo(way: Evaluated, panel: Panel, effort: Effort) -> Found:
    return placebo(
        way.name,
        way.placebo or way.evaluate,
        panel,
        horizon=way.horizon,
        n_panels=effort.placebos,
    )

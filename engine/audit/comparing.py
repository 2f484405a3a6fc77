"""Tampering and truncation: run a stage on another future and compare every bit of its past."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from tradewind.engine.audit.findings import Check, Danger, Finding, apart
from tradewind.engine.audit.stages import Effort, Outputs, Stage, cuts
from tradewind.engine.audit.worth import worth_of
from tradewind.engine.causality import Leak, first_difference
from tradewind.engine.errors import DataError
from tradewind.engine.records import Floats, Panel
from tradewind.engine.report.words import plural
from tradewind.engine.tampering import tampered

ROUNDING = 1e-6  # of a column's standard deviation: what another array length may round otherwise
AFFINE = 1e-9  # of a variance: below it one series is the other, shifted and stretched
LOCAL = 30  # bars: a leak that never reaches further back is a window, not a fitted number

Found = tuple[list[Finding], list[Check]]


@dataclass(slots=True)
class Trail:
    """What the comparisons of one column showed."""

    first: Leak
    how: str
    reach: int = 0
    n_differing: int = 0
    affine: bool = True
    small: bool = True
    hows: set[str] = field(default_factory=set)


def tampering(
    stage: Stage, panel: Panel, effort: Effort, step: Callable[[], None] = lambda: None
) -> Found:
    """Replace the future of a stage in every way at every cut; its past must not move in any bit.

    Parameters
    ----------
    stage : Stage
    panel : Panel
    effort : Effort
    step : callable
        Called after each comparison.

    Returns
    -------
    findings : list of Finding
        One for each column that moved.
    checks : list of Check
    """
    whole = checked(stage, stage.compute(panel), panel)
    trails: dict[str, Trail] = {}
    failed: dict[str, str] = {}
    n_tried = 0
    hows = stage.hows[: effort.fit_hows] if stage.timeless else stage.hows
    for cut in cuts(stage, panel, effort.cuts):
        for how in hows:
            try:
                other = stage.compute(tampered(panel, cut, how))
            except Exception as error:  # what fails on another future cannot be compared on it
                failed.setdefault(how, f"{how} from bar {cut}: {type(error).__name__}: {error}")
                continue
            n_tried += 1
            _compare(stage, whole, other, (cut, how), trails)
            step()
    if trails:
        _refuse_unrepeatable(stage, whole, panel)
    findings = [
        finding
        for name, trail in trails.items()
        for finding in _told(stage, name, trail, panel, effort)
    ]
    if not stage.timeless and not any(np.isfinite(values).any() for values in whole.values()):
        failed[""] = _silent(stage)
    note = "; ".join(failed.values())
    return findings, [
        Check("tampering", stage.kind, stage.name, n_tried, len(findings), note[:300])
    ]


def _silent(stage: Stage) -> str:
    """What to note of a stage without a value on any bar; raises DataError for forecasts."""
    if stage.kind in ("forecast", "evaluation"):
        raise DataError(
            f"audit: {stage.kind} {stage.name} says nothing on any of the bars that were looked "
            "at; give it more history, or leave out --quick"
        )
    return "says nothing on any bar: nothing was compared"


def _refuse_unrepeatable(stage: Stage, whole: Outputs, panel: Panel) -> None:
    """Raise DataError where the same bars give other values: then nothing is proven by others."""
    again = stage.compute(panel)
    for name, values in whole.items():
        if first_difference(again[name], values, len(values)) is not None:
            raise DataError(
                f"audit: {stage.kind} {stage.name} {name} is another when it is asked for twice "
                "on the same bars; seed its generators, then audit it again"
            )


def checked(stage: Stage, made: Outputs, panel: Panel) -> Outputs:
    """Outputs of the right shape; raises DataError."""
    if stage.timeless:
        return made
    for name, values in made.items():
        if values.shape != panel.shape:
            raise DataError(
                f"audit: {stage.kind} {stage.name} {name} has shape {values.shape}, wanted "
                f"{panel.shape}: one row a bar, one column a symbol"
            )
    return made


def _compare(
    stage: Stage, whole: Outputs, other: Outputs, at: tuple[int, str], trails: dict[str, Trail]
) -> None:
    cut, how = at
    for name in whole:
        if name not in other:
            continue
        known, later = other[name], whole[name]
        if stage.timeless:
            cut = len(later)
            if known.shape != later.shape:  # another selection, another number of samples
                known = np.resize(known, later.shape) + np.nan
        leak = first_difference(known, later, cut)
        if leak is None:
            continue
        trail = trails.setdefault(name, Trail(leak, how))
        if leak.bar < trail.first.bar:
            trail.first, trail.how = leak, how
        trail.reach = max(trail.reach, cut - leak.bar)
        trail.n_differing += 1
        trail.hows.add(how)
        trail.small &= _is_rounding(known[:cut], later[:cut])
        trail.affine &= _is_affine(known[:cut], later[:cut])


def _is_rounding(a: Floats, b: Floats) -> bool:
    if (np.isnan(a) != np.isnan(b)).any():
        return False
    scale = float(np.nanstd(b)) or 1.0
    return bool(np.nanmax(np.abs(a - b)) <= ROUNDING * scale)


def _is_affine(a: Floats, b: Floats) -> bool:
    """Whether each symbol's values are the other's, shifted and stretched: another scaling."""
    tried = False
    for k in range(a.shape[1]):
        both = np.isfinite(a[:, k]) & np.isfinite(b[:, k])
        x, y = a[both, k], b[both, k]
        if len(x) < 8 or x.std() == 0 or y.std() == 0:
            continue
        tried = True
        if 1.0 - abs(float(np.corrcoef(x, y)[0, 1])) > AFFINE:
            return False
    return tried


def _told(stage: Stage, name: str, trail: Trail, panel: Panel, effort: Effort) -> Iterable[Finding]:
    if trail.small and trail.hows == {"dropped"}:
        return  # arrays of another length, rounded otherwise: no knowledge in it
    leak = trail.first
    column = "" if stage.timeless else panel.symbols[leak.symbol]
    scaler = trail.affine and trail.reach > LOCAL and not stage.timeless
    yield Finding(
        danger=_danger(stage, scaler),
        means="truncation" if trail.hows == {"dropped"} else "tampering",
        stage=stage.kind,
        part=stage.name,
        column=name,
        bar=-1 if stage.timeless else leak.bar,
        date="" if stage.timeless else str(panel.dates[leak.bar]),
        symbol=column,
        text=_sentence(stage, trail, scaler),
        advice=_advice(stage, trail, scaler),
        worth=None if stage.timeless else worth_of(stage, name, panel, effort.worth),
    )


def _danger(stage: Stage, scaler: bool) -> Danger:
    if scaler:
        return Danger.SCALER
    if stage.kind in ("universe", "data"):
        return Danger.UNIVERSE if stage.kind == "universe" else Danger.NOT_YET_KNOWN
    return Danger.FUTURE_VALUE


def _sentence(stage: Stage, trail: Trail, scaler: bool) -> str:
    leak, how = trail.first, trail.how
    future = "dropped" if how == "dropped" else f"replaced ({how})"
    now, then = apart(leak.later, leak.known)
    if stage.timeless:
        return (
            f"reads {now} after a fit on {stage.first} bars, and {then} when what lies behind "
            f"those bars is {future}: the fit looked behind the bars it was given"
        )
    reach = f"reaches {plural(trail.reach, 'bar')} back"
    if scaler:
        reach = "shifts and stretches all of the past: a mean or deviation of the whole sample"
    elif trail.reach > LOCAL:
        reach = f"reaches at least {plural(trail.reach, 'bar')} back"
    return (
        f"reads {now}, and {then} when the bars from {leak.cut} on are {future}; {reach} "
        f"({trail.n_differing} comparisons differ)"
    )


def _advice(stage: Stage, trail: Trail, scaler: bool) -> str:
    if stage.timeless:
        return "fit on the panel it is given; copy, do not follow .base"
    if scaler:
        return "fit the scaling on the training bars alone, or let it expand bar by bar"
    if stage.kind == "data":
        return "keep every value as it was first published, with the day on which it was"
    if stage.kind == "universe":
        return "choose symbols at each bar from what was listed and a member then"
    if stage.kind == "evaluation":
        return (
            "fit, stop, choose and select on bars before the test window, with the horizon "
            "between the last training sample and the first test bar"
        )
    if trail.reach <= LOCAL:
        return f"end the window at its own bar; it takes in at least {trail.reach} later"
    return "compute each row from rows up to its own"

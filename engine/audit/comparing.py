"""Tampering, truncation, warm-up and price level: run a stage again and compare every bit."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from tradewind.engine.audit.findings import Check, Danger, Finding
from tradewind.engine.audit.stages import Effort, Outputs, Stage, cuts
from tradewind.engine.audit.worth import worth_of
from tradewind.engine.causality import Leak, differing, first_difference
from tradewind.engine.errors import DataError
from tradewind.engine.records import Floats, Panel
from tradewind.engine.tampering import readjusted, tampered

ROUNDING = 1e-6  # of a column's standard deviation: what another array length may round otherwise
AFFINE = 1e-9  # of a variance: below it one series is the other, shifted and stretched
LEVEL = 1e-3  # of a standard deviation: what restated prices may round otherwise
MOST = 0.5  # share of forecasts: a fit near a tie may turn some of them on rounding alone
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
    findings = [
        finding
        for name, trail in trails.items()
        for finding in _told(stage, name, trail, panel, effort)
    ]
    note = "; ".join(failed.values())
    return findings, [
        Check("tampering", stage.kind, stage.name, n_tried, len(findings), note[:300])
    ]


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
    if stage.timeless:
        return (
            f"reads {leak.later!r} after a fit on {stage.first} bars, and {leak.known!r} when what "
            f"lies behind those bars is {future}: the fit looked behind the bars it was given"
        )
    reach = f"reaches {trail.reach} bars back"
    if scaler:
        reach = "shifts and stretches all of the past: a mean or deviation of the whole sample"
    elif trail.reach > LOCAL:
        reach = f"reaches at least {trail.reach} bars back"
    return (
        f"reads {leak.later!r}, and {leak.known!r} when the bars from {leak.cut} on are {future}; "
        f"{reach} ({trail.n_differing} comparisons differ)"
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
        return f"end the window at its own bar; it takes in at least {trail.reach} later ones"
    return "compute each row from rows up to its own"


def warm_up(stage: Stage, panel: Panel, starts: tuple[int, ...] = ()) -> Found:
    """Begin the history later: where the declared warm-up has passed, nothing may move.

    Parameters
    ----------
    stage : Stage
        With a ``warmup``; others are passed over.
    panel : Panel
    starts : tuple of int
        First bars of the shorter histories; by default two inside the first third.
    """
    if stage.warmup is None or stage.timeless:
        return [], []
    whole = stage.compute(panel)
    room = stage.first or panel.n_bars - 2
    tries = starts or tuple(
        s for s in (panel.n_bars // 7, panel.n_bars // 4) if s + stage.warmup < room
    )
    findings: dict[str, Finding] = {}
    for start in tries:
        short = shortened(stage, panel, start)
        if short is None:
            continue
        bars = np.cumsum(~np.isnan(panel.close[start:]), axis=0)
        ready = bars >= stage.warmup
        for name, values in short.items():
            found = _moved(stage, name, (whole[name][start:], values), ready, (panel, start))
            if found is not None:
                findings.setdefault(name, found)
    return list(findings.values()), [
        Check("warm-up", stage.kind, stage.name, len(tries), len(findings))
    ]


def shortened(stage: Stage, panel: Panel, start: int) -> Outputs | None:
    """Outputs of a stage whose history begins at ``start``; None where it cannot do that."""
    if stage.first == 0:
        return stage.compute(panel.rows(start, panel.n_bars))
    blank = {}
    for name in ("open", "high", "low", "close", "volume"):
        blank[name] = getattr(panel, name).copy()
        blank[name][:start] = np.nan
    # The rows stay where they are, so that what was fitted before them may be kept.
    said = stage.compute(replace(panel, **blank))
    return {name: values[start:] for name, values in said.items()}


def _moved(
    stage: Stage,
    name: str,
    pair: tuple[Floats, Floats],
    ready: np.ndarray,
    where: tuple[Panel, int],
) -> Finding | None:
    """First value that older history moves by more than is declared."""
    long, short = pair
    panel, start = where
    scale = float(np.nanstd(long)) if np.isfinite(long).any() else 0.0
    with np.errstate(invalid="ignore"):
        far = np.abs(long - short) > stage.settled * scale
    far |= np.isnan(long) != np.isnan(short)
    far &= ready & differing(long, short)
    if not far.any():
        return None
    row, k = (int(i) for i in np.argwhere(far)[0])
    gap = abs(long[row, k] - short[row, k])
    size = f"{gap / scale:.2g} standard deviations" if np.isfinite(gap) and scale else "all of it"
    return Finding(
        danger=Danger.WARM_UP,
        severity="doubt",
        means="warm-up",
        stage=stage.kind,
        part=stage.name,
        column=name,
        bar=start + row,
        date=str(panel.dates[start + row]),
        symbol=panel.symbols[k],
        text=f"moves by {size} when history begins at bar {start} instead of 0, though the "
        f"declared warm-up of {stage.warmup} bars has passed",
        advice="declare the bars it really needs, or cut the memory off; live trading that starts "
        "with the declared warm-up would see other values",
    )


def _widely(a: Floats, b: Floats) -> bool:
    """Whether more moved than a choice among near-equals, which rounding may turn."""
    given = np.isfinite(a) & np.isfinite(b)
    moved = given & (np.abs(a - b) > LEVEL * float(np.nanstd(a)))
    return bool(moved.sum() > MOST * max(1, given.sum()))


def price_level(stage: Stage, panel: Panel, effort: Effort) -> Found:
    """Restate the past as a later split or dividend would: adjusted prices must not show it.

    The level of adjusted prices holds every split and dividend that is still to come; a value that
    depends on it cannot have been known.
    """
    if stage.priced or stage.timeless:
        return [], []
    whole = stage.compute(panel)
    tries = cuts(stage, panel, max(1, effort.cuts // 4))
    tries = tries[-1:] if stage.kind == "evaluation" else tries
    findings: dict[str, Finding] = {}
    for cut in tries:
        other = stage.compute(readjusted(panel, cut))
        for name in whole:
            long, short = whole[name][:cut], other[name][:cut]
            if name in findings or not differing(long, short).any():
                continue
            if stage.kind == "evaluation" and not _widely(long, short):
                continue
            every = np.ones(long.shape, np.bool_)
            found = _moved(replace(stage, settled=LEVEL), name, (long, short), every, (panel, 0))
            if found is not None:
                findings[name] = replace(
                    found,
                    danger=Danger.PRICE_LEVEL,
                    severity="leak",
                    means="restated prices",
                    text=f"moves when prices before bar {cut} are halved, as a later split would "
                    "restate them: the level of adjusted prices holds the splits and dividends "
                    "still to come",
                    advice="use ratios or returns, or prices: raw for levels, filters and ticks",
                )
    return list(findings.values()), [
        Check("restated prices", stage.kind, stage.name, len(tries), len(findings))
    ]

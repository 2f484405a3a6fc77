"""Other pasts: a history that begins later, and prices restated by a later split."""

from dataclasses import replace

import numpy as np

from tradewind.engine.audit.comparing import Found
from tradewind.engine.audit.findings import Check, Danger, Finding
from tradewind.engine.audit.stages import Effort, Outputs, Stage, cuts
from tradewind.engine.causality import differing
from tradewind.engine.records import FIELDS, Bools, Floats, Panel
from tradewind.engine.tampering import readjusted

LEVEL = 1e-3  # of a standard deviation: what restated prices may round otherwise
MOST = 0.5  # share of forecasts: a fit near a tie may turn some of them on rounding alone


def warm_up(
    stage: Stage,
    panel: Panel,
    starts: tuple[int, ...] = (),
    *,
    without: frozenset[str] = frozenset(),
) -> Found:
    """Begin the history later: where the declared warm-up has passed, nothing may move.

    Parameters
    ----------
    stage : Stage
        With a ``warmup``; others are passed over.
    panel : Panel
    starts : tuple of int
        First bars of the shorter histories; by default two inside the first third.
    without : frozenset of str
        Columns not to look at: those that read later bars move for that reason.
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
        ready = _ready(panel, start, stage.warmup)
        for name, values in short.items():
            if name in without:
                continue
            found = _moved(stage, name, (whole[name][start:], values), ready, (panel, start))
            if found is not None:
                findings.setdefault(name, found)
    return list(findings.values()), [
        Check("warm-up", stage.kind, stage.name, len(tries), len(findings), _left_out(without))
    ]


def _ready(panel: Panel, start: int, warmup: int) -> Bools:
    """Where the warm-up has passed, at bars where it has for all who had passed it in full.

    What compares symbols with each other is not settled before the last of them is.
    """
    has = ~np.isnan(panel.close)
    long = (np.cumsum(has, axis=0) >= warmup)[start:]
    short = np.cumsum(has[start:], axis=0) >= warmup
    return np.asarray(short & (long == short).all(axis=1, keepdims=True))


def shortened(stage: Stage, panel: Panel, start: int) -> Outputs | None:
    """Outputs of a stage whose history begins at ``start``; None where it cannot do that."""
    if stage.first == 0:
        return stage.compute(panel.rows(start, panel.n_bars))
    blank = {}
    for name in FIELDS:
        blank[name] = getattr(panel, name).copy()
        blank[name][:start] = np.nan
    # The rows stay where they are, so that what was fitted before them may be kept.
    said = stage.compute(replace(panel, **blank))
    return {name: values[start:] for name, values in said.items()}


def _moved(
    stage: Stage,
    name: str,
    pair: tuple[Floats, Floats],
    ready: Bools,
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


def _left_out(without: frozenset[str]) -> str:
    return f"without {', '.join(sorted(without))}, which reads later bars" if without else ""


def price_level(
    stage: Stage, panel: Panel, effort: Effort, *, without: frozenset[str] = frozenset()
) -> Found:
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
            if name in findings or name in without or not differing(long, short).any():
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
        Check(
            "restated prices", stage.kind, stage.name, len(tries), len(findings), _left_out(without)
        )
    ]

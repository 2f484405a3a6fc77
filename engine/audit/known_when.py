"""What was known when: publication, plausibility, and sessions that close at other times."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from tradewind.engine.audit.facts import Facts, Found, fact
from tradewind.engine.audit.findings import Check, Danger, Finding, Worth
from tradewind.engine.audit.stages import Stage
from tradewind.engine.audit.worth import FEWEST, pooled_ic
from tradewind.engine.causality import differing
from tradewind.engine.records import FIELDS, Bools, Floats, Ints, Panel, label
from tradewind.engine.scoring.evaluation import realised

TOO_GOOD = 0.5  # rank correlation of a column with the next bar's return; no published value has it


def publication(facts: Facts, panel: Panel) -> Found:
    """A value may stand at a bar only if it had been published by its close."""
    findings = []
    for name, times in facts.asof.items():
        values = panel.columns.get(name)
        given = np.isfinite(times) if values is None else np.isfinite(times) & np.isfinite(values)
        early = np.argwhere(given & (times > panel.ts[:, None]))
        if len(early):
            bar, k = int(early[0][0]), int(early[0][1])
            lag = (times[bar, k] - panel.ts[bar]) / 3.6e12
            findings.append(
                fact(
                    Danger.NOT_YET_KNOWN, "publication", name,
                    f"the value of {panel.symbols[k]} at bar {bar} was published "
                    f"{label(np.int64(times[bar, k]))}, {lag:.1f} hours after that bar closed "
                    f"({len(early)} values)",
                    "let a value stand from the first bar that closes after its publication",
                    column=name, bar=bar, date=str(panel.dates[bar]), symbol=panel.symbols[k],
                )
            )  # fmt: skip
    n_tried = len(facts.asof)
    return findings, [Check("publication", "data", "columns", n_tried, len(findings))]


def plausible(panel: Panel, horizon: int = 1) -> Found:
    """No column knows the next return: one that seems to was made with it."""
    findings = []
    for name, values in panel.columns.items():
        for ahead in sorted({1, horizon}):
            truth = realised(panel, ahead)
            known = np.isfinite(values) & np.isfinite(truth)
            if known.sum() < 10 * FEWEST:
                continue
            ic = pooled_ic(values[known], truth[known])
            if abs(ic) < TOO_GOOD:
                continue
            n = int(known.sum())
            findings.append(
                fact(
                    Danger.NOT_YET_KNOWN, "plausibility", name,
                    f"has a rank correlation of {ic:+.2f} with the return over the next {ahead} "
                    f"bars ({n} pairs); what was known before it never has",
                    "find out when each value was really known, and lag it",
                    column=name, worth=Worth(ic, 0.0, float(np.sqrt(1.0 / n)), n, ahead),
                )
            )  # fmt: skip
            break
    return findings, [Check("plausibility", "data", "columns", len(panel.columns), len(findings))]


def closes(facts: Facts, stages: Sequence[Stage], panel: Panel, n_bars: int = 4) -> Found:
    """What is said about a symbol when its bar closes may not use bars that close later.

    One row of the later symbols is changed; what is said about the earlier ones at that row must
    stay.
    """
    if facts.closes.size == 0 or len(np.unique(facts.closes)) < 2:
        return [], []
    findings: dict[tuple[str, str], Finding] = {}
    n_tried = 0
    for stage in stages:
        if stage.timeless or stage.kind in ("data", "evaluation"):
            continue
        whole = stage.compute(panel)
        low = stage.first + max(2, (panel.n_bars - stage.first) // 2)
        for bar in np.unique(np.linspace(low, panel.n_bars - 2, n_bars).astype(int)):
            for late in np.unique(facts.closes)[1:]:
                n_tried += 1
                changed = _one_row(panel, int(bar), facts.closes >= late)
                other = stage.compute(changed)
                found = _asynchronous(stage, (whole, other), facts.closes, (panel, int(bar), late))
                if found is not None:
                    findings.setdefault((stage.name, found.column), found)
    checks = [Check("session closes", "data", "symbols", n_tried, len(findings))]
    return list(findings.values()), checks


def _one_row(panel: Panel, bar: int, which: Bools) -> Panel:
    changed = {}
    for name in FIELDS:
        changed[name] = getattr(panel, name).copy()
        changed[name][bar, which] *= 1.37
    return replace(panel, **changed)


def _asynchronous(
    stage: Stage,
    pair: tuple[Mapping[str, Floats], Mapping[str, Floats]],
    closing: Ints,
    where: tuple[Panel, int, int],
) -> Finding | None:
    panel, bar, late = where
    for name, values in pair[0].items():
        moved = differing(values[bar : bar + 1], pair[1][name][bar : bar + 1])[0] & (closing < late)
        if moved.any():
            k = int(np.flatnonzero(moved)[0])
            hours = (late - closing[k]) / 3.6e12
            return fact(
                Danger.NOT_YET_KNOWN, "session closes", stage.name,
                f"what is said about {panel.symbols[k]} at bar {bar} moves with bars of the same "
                f"row that close {hours:.1f} hours after its own",
                "lag what comes from later sessions by one bar",
                stage=stage.kind, column=name, bar=bar, date=str(panel.dates[bar]),
                symbol=panel.symbols[k],
            )  # fmt: skip
    return None

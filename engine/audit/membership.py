"""Who is in the data and who is spoken about must be who was there then."""

from collections.abc import Mapping, Sequence
from math import comb, exp

import numpy as np

from tradewind.engine.audit.facts import Facts, Found, fact
from tradewind.engine.audit.findings import Check, Danger, Finding
from tradewind.engine.audit.stages import Stage
from tradewind.engine.bars.sessions import bars_per_year
from tradewind.engine.records import Bools, Panel

LEAVING = 0.02  # of listed names a year, few for stocks; what a living universe loses at least
UNLIKELY = 0.02
SPOKEN = ("evaluation", "score", "signal")  # what is traded on; a forecaster may say more

Lives = Mapping[str, tuple[int, int]]


def universe(facts: Facts, stages: Sequence[Stage], panel: Panel) -> Found:
    """Who is in the data, and who is spoken about, must be who was there."""
    findings, n_tried = [], 0
    if facts.lives:
        n_tried += 1
        findings += missing_names(facts.lives, panel)[0]
    if facts.members is not None:
        for stage in stages:
            if stage.kind not in SPOKEN:
                continue
            n_tried += 1
            findings += _outside(stage, facts.members, panel)
    return findings, [Check("universe", "data", "symbols", n_tried, len(findings))]


def missing_names(lives: Lives, panel: Panel) -> Found:
    """Names that a universe had inside the panel and that left it, missing by more than chance.

    Parameters
    ----------
    lives : mapping of str to (int, int)
        First and last day of every name, UTC nanoseconds.
    panel : Panel
        With all symbols of the data.
    """
    start, stop = int(panel.ts[0]), int(panel.ts[-1])
    there = {name for name, (first, last) in lives.items() if first <= stop and last >= start}
    gone = {name for name in there if lives[name][1] < stop}
    held = there & set(panel.symbols)
    chance = _so_few(len(there), len(gone), len(held), len(gone & held))
    findings = []
    if gone and chance < UNLIKELY:
        lacking = sorted(gone - held)
        text = (
            f"{len(lacking)} of the {len(gone)} names that left the universe inside the data have "
            f"no bars ({', '.join(lacking[:5])} ...), and {len(there - gone - held)} of the "
            f"{len(there - gone)} that stay; a choice that did not know who stays has a chance of "
            f"{chance:.2g} to take so few"
        )
        advice = "take every name that was a member at each date, with its bars to the end"
        day = str(panel.dates[0])
        findings = [
            fact(Danger.UNIVERSE, "universe", "symbols", text, advice, column="survivorship",
                 bar=0, date=day, severity="leak" if 2 * len(lacking) > len(gone) else "doubt")
        ]  # fmt: skip
    return findings, [Check("universe", "data", "leavers", len(there), len(findings))]


def _so_few(n: int, n_gone: int, n_held: int, n_gone_held: int) -> float:
    """Chance that ``n_held`` names drawn from ``n`` hold so few of the ``n_gone``, or fewer."""
    ways = sum(comb(n_gone, k) * comb(n - n_gone, n_held - k) for k in range(n_gone_held + 1))
    return ways / comb(n, n_held)


def _outside(stage: Stage, members: Bools, panel: Panel) -> list[Finding]:
    """Values given about a symbol while it was no member."""
    for name, values in stage.compute(panel).items():
        at = np.argwhere(np.isfinite(values) & (values != 0.0) & ~members)
        if len(at):
            bar, k = int(at[0][0]), int(at[0][1])
            return [
                fact(
                    Danger.UNIVERSE, "universe", stage.name,
                    f"says {values[bar, k]:.6g} about {panel.symbols[k]} at bar {bar}, which was "
                    f"no member of the universe then ({len(at)} values)",
                    "use the membership as of each bar, not today's",
                    stage=stage.kind, column=name, bar=bar, date=str(panel.dates[bar]),
                    symbol=panel.symbols[k],
                )
            ]  # fmt: skip
    return []


def nobody_leaves(panel: Panel) -> Found:
    """Doubt a universe that nobody ever leaves, where there are enough years for it to matter."""
    years = float((~np.isnan(panel.close)).sum()) / bars_per_year(panel)
    by_chance = exp(-LEAVING * years)
    findings = []
    if by_chance < UNLIKELY and not (panel.ends >= 0).any():
        findings.append(
            fact(
                Danger.UNIVERSE,
                "universe",
                "symbols",
                f"none of {panel.n_symbols} symbols stops trading in {years:,.0f} years of all "
                f"symbols together; where two in a hundred leave a year that has a chance of "
                f"{by_chance:.1g}",
                "if they were chosen because they exist today, take the members as of each date, "
                "with those that are gone (data.universe)",
                severity="doubt",
                column="survivorship",
                bar=0,
                date=str(panel.dates[0]),
            )
        )
    return findings, [Check("universe", "data", "leavers", 1, len(findings))]

"""Skill must vanish where there is none to have: on random walks and on permuted histories.

Both kinds of panel keep what the real one looks like (holes, volatilities, ranges, volumes) and are
martingales by construction: with signs drawn anew, whatever is known at a bar is uncorrelated with
what comes after it, so the skill measured here has mean zero for everybody who does not know the
future. The mean is not taken out, for that alone would bias a correlation in a short sample.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isfinite, sqrt

import numpy as np

from tradewind.engine.audit.findings import Check, Danger, Finding, Worth
from tradewind.engine.records import FIELDS, Floats, Panel
from tradewind.engine.scoring.evaluation import realised
from tradewind.engine.scoring.statistics import student_quantile, two_sided_p

SIZE = 1e-4  # chance that one placebo accuses an honest forecaster
POWER = 0.8
KINDS = ("random walk", "permuted")

Evaluate = Callable[[Panel], Floats]
"""From a panel to out-of-sample forecasts, shape (n_bars, n_symbols), NaN where there are none."""


@dataclass(frozen=True, slots=True)
class Skill:
    """Skill over several panels without any to have.

    Attributes
    ----------
    mean, se : float
        Of the correlation, forecasts with outcomes, both around zero.
    p : float
        Chance of a mean this far from zero, two-sided, Student's t over the panels.
    n : int
        Panels that gave one.
    detectable : float
        Correlation that would have been found with a chance of ``POWER``.
    """

    mean: float
    se: float
    p: float
    n: int
    detectable: float


def random_walk(panel: Panel, seed: int) -> Panel:
    """Normal log returns of each symbol's own volatility, holes and ranges as they are."""
    draw = np.random.default_rng([seed, 1])
    steps = _steps(panel)
    vol = np.sqrt(np.nanmean(steps**2, axis=0, where=np.isfinite(steps)))
    return _rebuilt(panel, draw.normal(0.0, 1.0, panel.shape) * np.nan_to_num(vol), None)


def permuted(panel: Panel, seed: int) -> Panel:
    """The panel's own returns in another order, row by row and with signs drawn anew.

    Symbols stay together, so what moves them jointly does; further columns stay with the price
    moves of their row.
    """
    draw = np.random.default_rng([seed, 2])
    order = draw.permutation(panel.n_bars)
    signs = draw.choice([-1.0, 1.0], (panel.n_bars, 1))
    return _rebuilt(panel, np.nan_to_num(_steps(panel))[order] * signs, order)


def _steps(panel: Panel) -> Floats:
    """Log return of each bar since the symbol's last one, NaN at the first."""
    steps = np.full(panel.shape, np.nan)
    for k in range(panel.n_symbols):
        has = np.flatnonzero(~np.isnan(panel.close[:, k]))
        steps[has[1:], k] = np.diff(np.log(panel.close[has, k]))
    return steps


def _rebuilt(panel: Panel, steps: Floats, order: np.ndarray | None) -> Panel:
    """Panel of given log returns, the shape of each bar around its close kept."""
    gone = np.isnan(panel.close)
    begin = np.array([_first(panel.close[:, k]) for k in range(panel.n_symbols)])
    with np.errstate(over="ignore"):
        close = begin * np.exp(np.cumsum(np.where(gone, 0.0, steps), axis=0))
    close[gone] = np.nan
    fields = {"close": close, "volume": panel.volume}
    for name in FIELDS[:3]:
        fields[name] = close * (getattr(panel, name) / panel.close)
    columns = panel.columns
    if order is not None:
        columns = {name: values[order] for name, values in columns.items()}
    return replace(panel, **fields, columns=columns)


def _first(close: Floats) -> float:
    has = np.flatnonzero(~np.isnan(close))
    return float(close[has[0]]) if has.size else 1.0


def correlation(said: Floats, truth: Floats) -> float:
    """Correlation around zero of forecasts and outcomes; NaN where nothing was said.

    Both are limited to three deviations, so that one bar does not decide.
    """
    known = np.isfinite(said) & np.isfinite(truth)
    if known.sum() < 20:
        return float("nan")
    x, y = (_limited(values[known]) for values in (said, truth))
    scale = sqrt(float((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 0 else float("nan")


def _limited(x: Floats) -> Floats:
    limit = 3.0 * float(np.sqrt(np.mean(x**2)))
    return np.clip(x, -limit, limit)


def skill(evaluate: Evaluate, panels: list[Panel], horizon: int) -> Skill:
    """Mean correlation over panels, against zero."""
    found = np.array([correlation(evaluate(one), realised(one, horizon)) for one in panels])
    found = found[np.isfinite(found)]
    n = len(found)
    if n < 3:
        return Skill(float("nan"), float("nan"), float("nan"), n, float("nan"))
    mean, se = float(found.mean()), float(found.std(ddof=1)) / sqrt(n)
    p = two_sided_p(mean / se, n - 1) if se > 0 else float(mean == 0)
    reach = student_quantile(1 - SIZE / 2, n - 1) + student_quantile(POWER, n - 1)
    return Skill(mean, se, p, n, reach * se)


def placebo(
    name: str,
    evaluate: Evaluate,
    panel: Panel,
    *,
    horizon: int,
    n_panels: int,
    seed: int = 0,
    step: Callable[[], None] = lambda: None,
) -> tuple[list[Finding], list[Check]]:
    """Walk forward on panels without anything to find.

    Parameters
    ----------
    name : str
    evaluate : callable
        The whole way from bars to out-of-sample forecasts.
    panel : Panel
    horizon, n_panels : int
    seed : int
    step : callable

    Returns
    -------
    findings : list of Finding
        At most one for each kind of placebo.
    checks : list of Check
        With the band and what it would have found.
    """
    findings: list[Finding] = []
    checks = []
    if n_panels < 3:
        return findings, []
    for kind in KINDS:
        make = random_walk if kind == "random walk" else permuted
        panels = [make(panel, seed + i) for i in range(n_panels)]

        def counted(one: Panel) -> Floats:
            said = evaluate(one)
            step()
            return said

        found = skill(counted, panels, horizon)
        guilty = isfinite(found.p) and found.p < SIZE
        note = (
            f"correlation {found.mean:+.3f} (s.e. {found.se:.3f}, p = {found.p:.2g}); accuses an "
            f"honest one with chance {SIZE:g}, would have found {found.detectable:.2f} with "
            f"chance {POWER:g}"
            if isfinite(found.se)
            else "no forecast that varies: nothing to correlate"
        )
        if guilty:
            findings.append(_finding(name, kind, found, horizon))
        checks.append(Check(f"placebo, {kind}", "evaluation", name, found.n, int(guilty), note))
    return findings, checks


def _finding(name: str, kind: str, found: Skill, horizon: int) -> Finding:
    what = "random walks" if kind == "random walk" else "histories in permuted order"
    return Finding(
        danger=Danger.PLACEBO,
        means=f"placebo, {kind}",
        stage="evaluation",
        part=name,
        column="forecasts",
        text=f"forecasts of {found.n} {what} correlate with what came after by {found.mean:+.3f} "
        f"(s.e. {found.se:.3f}, p = {found.p:.1g}); nobody can know that",
        advice="look at how folds, labels and choices are made: outcomes of the test window reach "
        "the fit",
        worth=Worth(found.mean, 0.0, found.se, found.n, horizon),
    )

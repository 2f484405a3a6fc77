"""What differs between two runs: fills one by one, curves, forecasts, numbers, versions."""

from typing import Any

import numpy as np

from tradewind.engine.jsonable import jsonable
from tradewind.engine.records import Floats, Panel, Records, Simulation
from tradewind.engine.report.run import Run

FILL_FIELDS = ("symbol", "bar", "qty", "price", "fee")


def fill_differences(
    ours: Simulation, theirs: Simulation, panel: Panel, *, tolerance: float
) -> list[str]:
    """Compare fills one by one: bar, symbol, quantity, price and fee.

    Parameters
    ----------
    ours, theirs : Simulation
    panel : Panel
        For names and dates.
    tolerance : float
        Relative; 0 = bit for bit.

    Returns
    -------
    list of str
        One line for each fill that differs; empty where all agree.
    """
    a, b = ours.fills, theirs.fills
    found = []
    if len(a) != len(b):
        found.append(f"fills: {len(a):,} here, {len(b):,} there")
    n = min(len(a), len(b))
    for name in FILL_FIELDS:
        x, y = a[name][:n], b[name][:n]
        slack = tolerance * np.maximum(np.abs(x), np.abs(y))
        for i in np.flatnonzero(~(np.abs(x - y) <= slack)):
            where = f"{panel.dates[a['bar'][i]]} {panel.symbols[a['symbol'][i]]}"
            found.append(f"fill {i} ({where}): {name} {x[i]!r} here, {y[i]!r} there")
    return found


def order_differences(old: Records, new: Records) -> list[str]:
    """What differs between two runs' orders, bit for bit; empty where nothing does."""
    if len(old) != len(new):
        return [f"orders: {len(old):,} then, {len(new):,} now"]
    unequal = np.zeros(len(old), bool)
    for name in old.dtype.names or ():  # field by field: a price that an order lacks is NaN
        unequal |= ~(
            (old[name] == new[name]) | ((old[name] != old[name]) & (new[name] != new[name]))
        )
    off = np.flatnonzero(unequal)
    if not off.size:
        return []
    i = int(off[0])
    return [f"orders: {off.size:,} differ, first order {i}: {old[i]} then, {new[i]} now"]


def curve_differences(name: str, a: Floats, b: Floats) -> list[str]:
    """Where two curves differ first, and on how many bars."""
    if a.shape != b.shape:
        return [f"{name}: {len(a):,} bars then, {len(b):,} now"]
    off = np.flatnonzero(~((a == b) | (np.isnan(a) & np.isnan(b))).reshape(len(a), -1).all(axis=1))
    if not off.size:
        return []
    t = int(off[0])
    return [f"{name}: {off.size:,} bars differ, first bar {t}: {a[t]!r} then, {b[t]!r} now"]


def bound_differences(old: Run, new: Run) -> list[str]:
    """What differs between the worst and best ways of two runs."""
    if old.bounds is None or new.bounds is None:
        return [] if old.bounds is new.bounds else ["bounds: only one of the two runs has any"]
    return curve_differences("equity at worst", old.bounds.worst, new.bounds.worst) + (
        curve_differences("equity at best", old.bounds.best, new.bounds.best)
    )


def forecast_differences(old: Run, new: Run) -> list[str]:
    """What differs between the forecasts and scores of two runs."""
    found = score_differences(old.signals.scores, new.signals.scores)
    a, b = old.signals.forecasts, new.signals.forecasts
    if a is None or b is None:
        return found if a is b else [*found, "forecasts: only one of the two runs has any"]
    return (
        found
        + curve_differences("forecast mean", a.mean, b.mean)
        + curve_differences("forecast std", a.std, b.std)
    )


def score_differences(old: Floats | None, new: Floats | None) -> list[str]:
    """What differs between two rankings."""
    if old is None or new is None:
        return [] if old is new else ["scores: only one of the two runs has any"]
    return curve_differences("score", old, new)


def manifest_differences(old: Run, new: Run) -> list[str]:
    """What explains a difference, if there is one: data, versions, code."""
    found = []
    if old.manifest.get("data_digest") != new.manifest["data_digest"]:
        found.append("data: the bars are not those of the run")
    if old.manifest.get("finer_digest") != new.manifest.get("finer_digest"):
        found.append("data: the finer bars are not those of the run")
    before: dict[str, Any] = dict(old.manifest.get("versions", {}))
    for name, now in new.manifest["versions"].items():
        if before.get(name) != now:
            found.append(f"version of {name}: {before.get(name)} then, {now} now")
    if old.manifest.get("code") != jsonable(new.manifest["code"]):
        found.append("code: the strategy or the forecaster was changed since")
    return found


def metric_differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Numbers that differ, by their path."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in sorted({*old, *new})
            for line in metric_differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
        ]
    return [] if old == new else [f"{path}: {old!r} then, {new!r} now"]

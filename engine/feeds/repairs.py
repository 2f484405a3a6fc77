"""Repairs, made only when the config names them, and counted."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from tradewind.engine.feeds import faults
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.timing import Setting
from tradewind.engine.records import Bools

Repair = Callable[[RawBars, Setting], tuple[RawBars, int]]


def apply(
    bars: Sequence[RawBars], names: Sequence[str], setting: Setting
) -> tuple[list[RawBars], dict[str, int]]:
    """Bars after the repairs named, and how many rows each changed or dropped.

    The order is that of :data:`REPAIRS`, not that of the config: a bad bar is dropped before
    duplicates are looked for, so that a bad copy of a good bar is not in conflict with it.

    Parameters
    ----------
    bars : sequence of RawBars
    names : sequence of str
        ``data.repair`` of the config.
    setting : Setting
    """
    repaired, counts = list(bars), {}
    for name, repair in REPAIRS.items():
        if name not in names:
            continue
        counts[name] = 0
        for k, one in enumerate(repaired):
            repaired[k], changed = repair(one, setting)
            counts[name] += changed
    return repaired, counts


def take(bars: RawBars, rows: Any) -> RawBars:
    """Rows that an index or a mask names."""
    arrays = {
        item.name: getattr(bars, item.name)[rows]
        for item in fields(bars)
        if item.name not in ("symbol", "origin", "columns")
    }
    return replace(bars, **arrays, columns={k: v[rows] for k, v in bars.columns.items()})


def _without(bars: RawBars, wrong: Bools) -> tuple[RawBars, int]:
    return (take(bars, ~wrong), int(wrong.sum())) if wrong.any() else (bars, 0)


def _widen(bars: RawBars, setting: Setting) -> tuple[RawBars, int]:
    """High and low widened to hold open and close."""
    wrong = faults.outside_range(bars)
    held = faults.prices(bars)
    high = np.where(wrong, held.max(axis=0), bars.high)
    low = np.where(wrong, held.min(axis=0), bars.low)
    return replace(bars, high=high, low=low), int(wrong.sum())


def _drop_bad(bars: RawBars, setting: Setting) -> tuple[RawBars, int]:
    return _without(bars, faults.bad(bars))


def _drop_future(bars: RawBars, setting: Setting) -> tuple[RawBars, int]:
    return _without(bars, faults.in_future(bars, setting))


def _drop_off_session(bars: RawBars, setting: Setting) -> tuple[RawBars, int]:
    return _without(bars, faults.off_session(bars, setting)[0])


def _sort(bars: RawBars, setting: Setting) -> tuple[RawBars, int]:
    moved = int(faults.late(bars).sum())
    return (take(bars, np.argsort(bars.ts, kind="stable")), moved) if moved else (bars, 0)


def _drop_copies(bars: RawBars, setting: Setting) -> tuple[RawBars, int]:
    """One of each bar kept; bars of one time with different numbers stay, and stay refused."""
    return _without(bars, faults.repeated(bars)[0])


def _drop_stale(bars: RawBars, setting: Setting) -> tuple[RawBars, int]:
    """First bar of each copied run kept."""
    return _without(bars, faults.stale(bars)[0])


REPAIRS: dict[str, Repair] = {
    "widen_high_low": _widen,
    "drop_bad_bars": _drop_bad,
    "drop_future": _drop_future,
    "drop_off_session": _drop_off_session,
    "sort": _sort,
    "drop_duplicates": _drop_copies,
    "drop_stale": _drop_stale,
}

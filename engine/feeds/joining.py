"""Panels of several sources on one clock."""

from collections.abc import Sequence

import numpy as np

from tradewind.engine.bars.sessions import interval_ns
from tradewind.engine.errors import DataError
from tradewind.engine.feeds.history import Finding, History
from tradewind.engine.feeds.lives import ends_of
from tradewind.engine.records import FIELDS, Floats, Ints, Panel, label, one_or_each

LATE_NS = 10 * 86_400_000_000_000


def joined(panels: Sequence[Panel]) -> Panel:
    """All symbols of some panels on the union of their closes.

    A symbol has a bar where its own panel has one, and NaN elsewhere; nothing is filled. The
    interval is the shortest of them.

    Parameters
    ----------
    panels : sequence of Panel
        Not empty.

    Raises
    ------
    DataError
        If a symbol is in two of them.
    """
    if len(panels) == 1:
        return panels[0]
    symbols = [symbol for panel in panels for symbol in panel.symbols]
    twice = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if twice:
        raise DataError(
            f"data.sources: {', '.join(twice[:5])} comes from two of them; name the symbols wanted "
            "of each with symbols: [...]"
        )
    clock = np.unique(np.concatenate([panel.ts for panel in panels]))
    calendar, each = one_or_each([c for panel in panels for c in panel.calendar_of_each])
    names = dict.fromkeys(name for panel in panels for name in panel.columns)
    return Panel(
        symbols=tuple(symbols),
        ts=clock,
        **{name: _spread([getattr(p, name) for p in panels], panels, clock) for name in FIELDS},
        interval=min((panel.interval for panel in panels), key=interval_ns),
        calendar=calendar,
        ends=np.concatenate([_ends(panel, clock) for panel in panels]),
        columns={
            name: _spread([panel.columns.get(name) for panel in panels], panels, clock)
            for name in names
        },
        calendars=each,
    )


def _spread(arrays: Sequence[Floats | None], panels: Sequence[Panel], clock: Ints) -> Floats:
    """Columns beside each other, each row where its time is."""
    out = np.full((len(clock), sum(panel.n_symbols for panel in panels)), np.nan)
    first = 0
    for array, panel in zip(arrays, panels, strict=True):
        if array is not None:
            out[np.searchsorted(clock, panel.ts), first : first + panel.n_symbols] = array
        first += panel.n_symbols
    return out


def _ends(panel: Panel, clock: Ints) -> Ints:
    """Who has left, now that the clock goes on as long as any source."""
    rows = np.searchsorted(clock, panel.ts)
    given = np.zeros((len(clock), panel.n_symbols), np.bool_)
    given[rows] = ~np.isnan(panel.close)
    return ends_of(given, clock, panel.interval, panel.calendar_of_each)


def one_history(parts: Sequence[History], panel: Panel) -> History:
    """What is known of several sources, in one.

    Parameters
    ----------
    parts : sequence of History
    panel : Panel
        Their bars, joined.
    """
    findings = [found for part in parts for found in part.findings]
    findings += [found for part in parts for found in _outdated(part.panel, panel)]
    repairs: dict[str, int] = {}
    for part in parts:
        for name, count in part.repairs.items():
            repairs[name] = repairs.get(name, 0) + count
    return History(
        panel,
        tuple(sorted(findings, key=lambda found: found.severity == "notice")),
        repairs,
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        " ".join(dict.fromkeys(part.survivorship for part in parts if part.survivorship)),
    )


def _outdated(own: Panel, panel: Panel) -> list[Finding]:
    """A source that ends long before the others while its symbols count as alive."""
    alive = [s for s in own.symbols if panel.ends[panel.column(s)] < 0]
    if not alive or panel.ts[-1] - own.ts[-1] <= LATE_NS:
        return []
    says = (
        f"the source ends on {label(own.ts[-1])[:10]}, others on {label(panel.ts[-1])[:10]}; "
        f"without a calendar {', '.join(alive[:5])} may come back, and what is held keeps its last "
        "close: set data.end, or a calendar"
    )
    return [Finding("range", "", label(own.ts[-1])[:10], "notice", alive[0], says)]

"""How the bars of all symbols together cover the time asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradewind.engine.bars.sessions import Sessions
from tradewind.engine.feeds.checks import accepted
from tradewind.engine.feeds.history import Finding
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.timing import Setting, in_hours
from tradewind.engine.records import DAY_NS, Ints, Panel

SLACK_DAYS = 5  # without a calendar, a range may begin or end in a long weekend
OUTDATED_DAYS = 10
GAP = 20  # sessions; a return across more of them is no return of one bar


@dataclass(frozen=True, slots=True)
class Trace:
    """What is remembered of a symbol's bars once they lie in the panel.

    Attributes
    ----------
    symbol, origin : str
    first, last : int
        Raw stamps of the first and the last usable bar.
    first_row, last_row : int
        Where they stand in ``origin``.
    sessions : ndarray of int64
        Rows of the calendar's sessions with a bar.
    """

    symbol: str
    origin: str
    first: int
    last: int
    first_row: int
    last_row: int
    sessions: Ints


def trace(bars: RawBars, setting: Setting) -> Trace:
    """Remember of usable bars, in order of time and not empty, what :func:`check_all` needs."""
    sessions = np.empty(0, np.int64)
    if setting.sessions is not None and _by_session(setting):
        sessions = _sessions_of(bars, setting.sessions, setting)
    ends = int(bars.ts[0]), int(bars.ts[-1]), int(bars.row[0]), int(bars.row[-1])
    return Trace(bars.symbol, bars.origin, *ends, sessions)


def _by_session(setting: Setting) -> bool:
    return setting.intraday or setting.config.interval == "1d"


def check_all(traces: Sequence[Trace], panel: Panel, setting: Setting) -> list[Finding]:
    """Findings about symbols of one calendar beside each other: late, early, missing, apart.

    Parameters
    ----------
    traces : sequence of Trace
    panel : Panel
        Holds the bars of all of them.
    setting : Setting
    """
    if not traces:
        return []
    return [
        *_together(traces, panel, setting),
        *_range(traces, setting),
        *_lives(traces, panel, setting),
        *_missing(traces, setting),
    ]


def _together(traces: Sequence[Trace], panel: Panel, setting: Setting) -> list[Finding]:
    """Symbols that trade in the same years but never at the same time."""
    if len(traces) < 2:
        return []
    given = ~np.isnan(panel.close)[:, [panel.column(one.symbol) for one in traces]]
    shared = given.sum(axis=1) > 1
    found = []
    for k in np.flatnonzero(~given[shared].any(axis=0)).tolist():
        own, n_bars = traces[k], int(given[:, k].sum())
        beside = any(
            one.first <= own.last and own.first <= one.last
            for j, one in enumerate(traces)
            if j != k
        )
        says = (
            "has bars in the same span as other symbols but never at the same time; is the time "
            "zone of its file another?"
            if beside
            else "has no bar in the time of any other symbol"
        )
        found.append(
            Finding(
                "no_overlap",
                own.symbol,
                setting.when(own.first),
                accepted("no_overlap", "refuse" if beside else "notice", setting),
                own.origin,
                says,
                n_bars,
            )
        )
    return found


def _range(traces: Sequence[Trace], setting: Setting) -> list[Finding]:
    """The time asked for begins before the bars, or ends after them."""
    config = setting.config
    first = setting.days(np.array([min(one.first for one in traces)]))[0]
    last = setting.days(np.array([max(one.last for one in traces)]))[0]
    found = []
    if config.start and _gap(np.datetime64(config.start), first, setting):
        says = f"bars begin on {first}, data.start asks for {config.start}"
        found.append(Finding("range", "", str(first), "notice", traces[0].origin, says))
    if config.end and _gap(last + 1, np.datetime64(config.end) + 1, setting):
        says = f"bars end on {last}, data.end asks for {config.end}"
        found.append(Finding("range", "", str(last), "notice", traces[0].origin, says))
    return found


def _gap(first: np.datetime64, stop: np.datetime64, setting: Setting) -> bool:
    """Whether days from ``first`` until before ``stop`` had sessions."""
    sessions = setting.sessions
    if sessions is not None and sessions.covers(np.array([first, stop])).all():
        return len(sessions.between(first, stop - 1)) > 0
    return bool((stop - first) > np.timedelta64(SLACK_DAYS, "D"))


def _lives(traces: Sequence[Trace], panel: Panel, setting: Setting) -> list[Finding]:
    """Symbols that begin after the first, or have left before the last."""
    begin = min(one.first for one in traces)
    end = max(one.last for one in traces)
    found = []
    for one in traces:
        first, last = setting.when(one.first), setting.when(one.last)
        if one.first > begin:
            where = f"{one.origin}:{one.first_row}"
            says = f"begins on {first}, later than {setting.when(begin)}"
            found.append(Finding("begins_late", one.symbol, first, "notice", where, says))
        if panel.ends[panel.column(one.symbol)] >= 0:
            where = f"{one.origin}:{one.last_row}"
            says = "ends before the others; what is held of it is sold at its last close"
            if end - one.last <= OUTDATED_DAYS * DAY_NS:
                says += ", unless its file is merely older than theirs: then set data.end"
            found.append(Finding("ends_early", one.symbol, last, "notice", where, says))
    return found


def _missing(traces: Sequence[Trace], setting: Setting) -> list[Finding]:
    """Sessions without a bar, between the first and the last bar of a symbol."""
    sessions = setting.sessions
    if sessions is None or not _by_session(setting):
        return []
    present = np.zeros(len(sessions), bool)
    for one in traces:
        present[one.sessions] = True
    span = np.flatnonzero(present)
    if not len(span):
        return []
    found, absent = [], ~present
    absent[: span[0]] = absent[span[-1] :] = False
    if len(traces) > 1:
        origin = traces[0].origin
        found += _runs(absent, sessions, "", origin, "no symbol has a bar", np.empty(0, np.int64))
    for one in traces:
        rows = one.sessions
        lacks = np.ones(len(sessions), bool)
        lacks[rows] = False
        lacks[: rows.min(initial=len(sessions))] = lacks[rows.max(initial=-1) + 1 :] = False
        if len(traces) > 1:
            lacks &= present
        where = f"{one.origin}:{one.last_row}"
        found += _runs(lacks, sessions, one.symbol, where, "no bar", rows)
    return found


def _sessions_of(bars: RawBars, sessions: Sessions, setting: Setting) -> Ints:
    """Sessions in which a symbol has a bar."""
    if setting.intraday:
        at, inside = in_hours(bars.ts, sessions, setting.length_ns)
        held = at[inside]  # increasing, as the bars are
        return np.asarray(held[np.diff(held, prepend=-1) != 0])
    rows = sessions.rows(setting.days(bars.ts))
    return rows[rows >= 0]


def _runs(
    lacks: npt.NDArray[np.bool_],
    sessions: Sessions,
    symbol: str,
    where: str,
    says: str,
    rows: Ints,
) -> list[Finding]:
    """One finding for each run of sessions without a bar."""
    edges = np.diff(np.concatenate([[False], lacks, [False]]).astype(np.int8))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    found = []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        n, first, last = stop - start, sessions.days[start], sessions.days[stop - 1]
        when = f"on {first}" if n == 1 else f"on {n} sessions from {first} to {last}"
        long = n > GAP and symbol
        tail = "; the return across the gap is booked on one bar" if long else ""
        kind = "gap" if long else "missing_session"
        found.append(Finding(kind, symbol, str(first), "notice", where, f"{says} {when}{tail}", n))
    return found

"""How the bars of all symbols together cover the time asked for."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tradewind.engine.feeds.checks import accepted
from tradewind.engine.feeds.faults import sorted_rows
from tradewind.engine.feeds.history import Finding
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.repairs import take
from tradewind.engine.feeds.timing import Setting, close_times, in_hours
from tradewind.engine.records import DAY_NS, Ints
from tradewind.engine.sessions import Sessions

SLACK_DAYS = 5  # without a calendar, a range may begin or end in a long weekend
OUTDATED_DAYS = 10
GAP = 20  # sessions; a return across more of them is no return of one bar


def check_all(bars: Sequence[RawBars], setting: Setting) -> list[Finding]:
    """Findings about symbols beside each other: late, early, missing, never together.

    Parameters
    ----------
    bars : sequence of RawBars
        Each not empty.
    setting : Setting
    """
    tidy = [take(one, sorted_rows(one)) for one in bars]
    tidy = [one for one in tidy if len(one.ts)]
    if not tidy:
        return []
    return [
        *_together(tidy, setting),
        *_range(tidy, setting),
        *_lives(tidy, setting),
        *_missing(tidy, setting),
    ]


def _together(bars: Sequence[RawBars], setting: Setting) -> list[Finding]:
    """Symbols that trade in the same years but never at the same time."""
    if len(bars) < 2:
        return []
    stamps = [close_times(one.ts, setting) for one in bars]
    clock, counts = np.unique(np.concatenate(stamps), return_counts=True)
    shared = clock[counts > 1]
    found = []
    for k, own in enumerate(stamps):
        others = [ts for j, ts in enumerate(stamps) if j != k]
        if np.isin(own, shared, assume_unique=True).any():
            continue
        beside = any(ts[0] <= own[-1] and own[0] <= ts[-1] for ts in others)
        says = (
            "has bars in the same span as other symbols but never at the same time; is the time "
            "zone of its file another?"
            if beside
            else "has no bar in the time of any other symbol"
        )
        found.append(
            Finding(
                "no_overlap",
                bars[k].symbol,
                setting.when(bars[k].ts[0]),
                accepted("no_overlap", "refuse" if beside else "notice", setting),
                bars[k].origin,
                says,
                len(own),
            )
        )
    return found


def _range(bars: Sequence[RawBars], setting: Setting) -> list[Finding]:
    """The time asked for begins before the bars, or ends after them."""
    config = setting.config
    first = setting.days(np.array([min(one.ts[0] for one in bars)]))[0]
    last = setting.days(np.array([max(one.ts[-1] for one in bars)]))[0]
    found = []
    if config.start and _gap(np.datetime64(config.start), first, setting):
        says = f"bars begin on {first}, data.start asks for {config.start}"
        found.append(Finding("range", "", str(first), "notice", bars[0].origin, says))
    if config.end and _gap(last + 1, np.datetime64(config.end) + 1, setting):
        says = f"bars end on {last}, data.end asks for {config.end}"
        found.append(Finding("range", "", str(last), "notice", bars[0].origin, says))
    return found


def _gap(first: np.datetime64, stop: np.datetime64, setting: Setting) -> bool:
    """Whether days from ``first`` until before ``stop`` had sessions."""
    sessions = setting.sessions
    if sessions is not None and sessions.covers(np.array([first, stop])).all():
        return len(sessions.between(first, stop - 1)) > 0
    return bool((stop - first) > np.timedelta64(SLACK_DAYS, "D"))


def _lives(bars: Sequence[RawBars], setting: Setting) -> list[Finding]:
    """Symbols that begin after the first, or end before the last."""
    begin = min(int(one.ts[0]) for one in bars)
    end = max(int(one.ts[-1]) for one in bars)
    found = []
    for one in bars:
        first, last = setting.when(one.ts[0]), setting.when(one.ts[-1])
        if one.ts[0] > begin:
            where = f"{one.origin}:{one.row[0]}"
            says = f"begins on {first}, later than {setting.when(begin)}"
            found.append(Finding("begins_late", one.symbol, first, "notice", where, says))
        if one.ts[-1] < end:
            where = f"{one.origin}:{one.row[-1]}"
            says = "ends before the others; what is held of it is sold at its last close"
            if end - int(one.ts[-1]) <= OUTDATED_DAYS * DAY_NS:
                says += ", unless its file is merely older than theirs: then set data.end"
            found.append(Finding("ends_early", one.symbol, last, "notice", where, says))
    return found


def _missing(bars: Sequence[RawBars], setting: Setting) -> list[Finding]:
    """Sessions without a bar, between the first and the last bar of a symbol."""
    sessions = setting.sessions
    if sessions is None or not (setting.intraday or setting.config.interval == "1d"):
        return []
    held = [_sessions_of(one, sessions, setting) for one in bars]
    present = np.zeros(len(sessions), bool)
    for rows in held:
        present[rows] = True
    span = np.flatnonzero(present)
    if not len(span):
        return []
    found, absent = [], ~present
    absent[: span[0]] = absent[span[-1] :] = False
    if len(bars) > 1:
        origin = bars[0].origin
        found += _runs(absent, sessions, "", origin, "no symbol has a bar", np.empty(0, np.int64))
    for one, rows in zip(bars, held, strict=True):
        lacks = np.ones(len(sessions), bool)
        lacks[rows] = False
        lacks[: rows.min(initial=len(sessions))] = lacks[rows.max(initial=-1) + 1 :] = False
        if len(bars) > 1:
            lacks &= present
        where = f"{one.origin}:{one.row[-1]}"
        found += _runs(lacks, sessions, one.symbol, where, "no bar", rows)
    return found


def _sessions_of(bars: RawBars, sessions: Sessions, setting: Setting) -> Ints:
    """Sessions in which a symbol has a bar."""
    if setting.intraday:
        at, inside = in_hours(bars.ts, sessions, setting.length_ns)
        return np.unique(at[inside])
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

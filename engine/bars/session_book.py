"""What exchange_calendars knows, kept on disk.

Importing that library pulls in pandas and costs half a second to two, so what it said is kept in a
file named by its version: a second process does not import it. A damaged file is made again.
"""

import io
import json
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from tradewind.engine.errors import ConfigError

Days = npt.NDArray[np.datetime64]
Times = npt.NDArray[np.int64]

FORMAT = 1
_HELD: dict[Path, "Sessions"] = {}  # read by this process

STARTS = (1960, 1980, 1991, 1997, 2001, 2006)  # calendars know their holidays from different years


@dataclass(frozen=True, slots=True)
class Sessions:
    """Trading sessions of one calendar, oldest first.

    Attributes
    ----------
    calendar : str
        Code as exchange_calendars writes it: ``XNYS`` also where ``NYSE`` was asked for.
    days : ndarray of datetime64[D], shape (n_sessions,)
        Label of each session.
    opens, closes : ndarray of int64, shape (n_sessions,)
        UTC nanoseconds, early closes included.
    traded : ndarray of int64, shape (n_sessions,)
        Nanoseconds between open and close without the lunch break.
    known : pair of datetime64[D]
        First and last day the calendar has anything to say about.
    """

    calendar: str
    days: Days
    opens: Times
    closes: Times
    traded: Times
    known: tuple[np.datetime64, np.datetime64]

    def __len__(self) -> int:
        """Return the number of sessions."""
        return len(self.days)

    def between(self, first: np.datetime64, last: np.datetime64) -> "Sessions":
        """Sessions from ``first`` to ``last``, both included."""
        start = int(np.searchsorted(self.days, first, "left"))
        stop = int(np.searchsorted(self.days, last, "right"))
        part = slice(start, max(start, stop))
        return Sessions(
            self.calendar,
            self.days[part],
            self.opens[part],
            self.closes[part],
            self.traded[part],
            self.known,
        )

    def rows(self, days: Days) -> Times:
        """Row of the session of each day, -1 where it is none."""
        if not len(self):
            return np.full(len(days), -1, np.int64)
        at = np.searchsorted(self.days, days).clip(max=len(self) - 1)
        return np.where(self.days[at] == days, at, -1).astype(np.int64)

    def covers(self, days: Days) -> npt.NDArray[np.bool_]:
        """Whether the calendar knows what each day was."""
        return np.asarray((days >= self.known[0]) & (days <= self.known[1]))


def cache_folder() -> Path:
    """``sessions`` below ``TRADEWIND_CACHE``, or below the user's cache folder."""
    named = os.environ.get("TRADEWIND_CACHE")
    if named:
        return Path(named).expanduser().resolve() / "sessions"
    import platformdirs

    return Path(platformdirs.user_cache_dir("tradewind")) / "sessions"


def book(calendar: str, folder: Path, needed: np.datetime64) -> Sessions:
    """Everything known about a calendar, from disk where that reaches ``needed``.

    Parameters
    ----------
    calendar : str
        Code or alias, upper case.
    folder : Path
        Where files are kept.
    needed : datetime64[D]
        Last day that must be known, where anything can be known of it.

    Raises
    ------
    ConfigError
        If there is no such calendar, or it cannot be computed.
    """
    name = re.sub(r"[^A-Z0-9]", "_", calendar)
    place = folder / f"{name}-{version('exchange_calendars')}.sessions"
    if place not in _HELD:
        kept = _read(place)
        if kept is None or kept.known[1] < needed:
            kept = _ask(calendar)
            _write(place, kept)
        _HELD[place] = kept
    return _HELD[place]


def _read(place: Path) -> Sessions | None:
    """Sessions kept on disk; None where there are none or a byte of them has changed."""
    try:
        seal, head, body = place.read_bytes().split(b"\n", 2)
        if seal.decode() != sha256(head + body).hexdigest():
            return None
        facts = json.loads(head)
        days, opens, closes, traded = np.load(io.BytesIO(body), allow_pickle=False)
    except (OSError, ValueError):
        return None  # it is made again: what is damaged cost us nothing but time
    if facts["format"] != FORMAT:
        return None
    known = (np.datetime64(facts["known"][0], "D"), np.datetime64(facts["known"][1], "D"))
    labels = days.astype("datetime64[D]")
    return Sessions(str(facts["calendar"]), labels, opens, closes, traded, known)


def _write(place: Path, sessions: Sessions) -> None:
    """Keep sessions, whole or not at all; a folder that cannot be written only costs time."""
    known = [str(day) for day in sessions.known]
    head = json.dumps({"format": FORMAT, "calendar": sessions.calendar, "known": known}).encode()
    buffer = io.BytesIO()
    days = sessions.days.astype(np.int64)
    np.save(buffer, np.stack([days, sessions.opens, sessions.closes, sessions.traded]))
    body = buffer.getvalue()
    draft = place.with_name(f".{place.name}-{uuid4().hex}.tmp")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(
            b"\n".join((sha256(head + body).hexdigest().encode(), head, body)),
        )
        draft.replace(place)
    except OSError:
        with suppress(OSError):
            draft.unlink()


def _ask(calendar: str) -> Sessions:
    """Sessions from exchange_calendars, as far back as it knows the holidays."""
    with _without_warnings():
        import exchange_calendars

        names = {name.upper(): name for name in exchange_calendars.get_calendar_names()}
        if calendar not in names:
            near = get_close_matches(calendar, names, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ConfigError(
                f"data.calendar: no calendar {calendar!r}{hint}; known are the codes of "
                f"exchange_calendars ({', '.join(sorted(names)[:6])} ...), 24/7, and none"
            )
        code = exchange_calendars.resolve_alias(names[calendar])
        return _sessions(code, _widest(exchange_calendars.get_calendar, code))


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Run with warnings off: exchange_calendars calls what its pandas deprecates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _widest(get_calendar: Any, code: str) -> Any:
    reason: Exception | None = None
    for year in STARTS:
        try:
            return get_calendar(code, start=f"{year}-01-01")
        except ValueError as error:  # its holidays are not recorded as far back
            reason = error
    raise ConfigError(
        f"data.calendar: exchange_calendars {version('exchange_calendars')} cannot compute {code}: "
        f"{str(reason)[:100]}...; set calendar: none, or install another version of it"
    )


def _sessions(code: str, found: Any) -> Sessions:
    """Arrays of what an exchange calendar holds."""

    def times(column: str) -> Times:
        moments = found.schedule[column].dt.tz_localize(None).to_numpy()
        return np.asarray(moments.astype("datetime64[ns]").astype(np.int64))

    days = found.sessions.to_numpy().astype("datetime64[D]")
    opens, closes = times("open"), times("close")
    pause = times("break_end") - times("break_start")
    has_pause = found.schedule["break_start"].notna().to_numpy()
    traded = closes - opens - np.where(has_pause, pause, 0)
    return Sessions(code, days, opens, closes, traded, (days[0], days[-1]))

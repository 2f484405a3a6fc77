"""Wall-clock time to UTC and back, for whole columns.

From Python's zoneinfo, so that it works where the operating system has no time zone files.
"""

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from tradewind.engine.errors import ConfigError
from tradewind.engine.records import DAY_NS, Bools, Ints

SECOND_NS = 1_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_DAYS = 366


def to_utc(wall: Ints, zone: str) -> tuple[Ints, Bools]:
    """UTC of wall-clock times, and which of them the clock change makes impossible or double.

    Parameters
    ----------
    wall : ndarray of int64
        Nanoseconds since 1970 as the clock on the wall counts them.
    zone : str
        Name in the IANA time zone database.

    Returns
    -------
    utc : ndarray of int64
    doubtful : ndarray of bool
        True for a time that the clock showed twice or never; its UTC is one of the candidates.

    Raises
    ------
    ConfigError
        If there is no such zone.
    """
    if zone == "UTC":
        return wall, np.zeros(len(wall), bool)
    starts, offsets = _offsets(zone, wall)
    begins = starts + offsets  # on the wall, at the new offset
    at = (np.searchsorted(begins, wall, "right") - 1).clip(min=0)
    before = np.concatenate([offsets[:1], offsets])[at]
    after = np.concatenate([starts[1:], [np.iinfo(np.int64).max]])[at]
    utc = wall - offsets[at]
    twice = wall - before < starts[at]
    never = utc >= after
    return utc, np.asarray(twice | never)


def to_wall(utc: Ints, zone: str) -> Ints:
    """Wall-clock nanoseconds of UTC times; raises as :func:`to_utc`."""
    if zone == "UTC":
        return utc
    starts, offsets = _offsets(zone, utc)
    return np.asarray(utc + offsets[(np.searchsorted(starts, utc, "right") - 1).clip(min=0)])


def _offsets(zone: str, times: Ints) -> tuple[Ints, Ints]:
    """UTC starts and offsets of the stretches of constant offset around ``times``."""
    if not len(times):
        return np.array([0]), np.array([0])
    years = times[[int(times.argmin()), int(times.argmax())]] // (YEAR_DAYS * DAY_NS)
    return _stretches(zone, int(years[0]) - 1, int(years[1]) + 2)


@cache
def _stretches(zone: str, first_year: int, last_year: int) -> tuple[Ints, Ints]:
    known = _zone(zone)
    days = range(first_year * YEAR_DAYS, last_year * YEAR_DAYS)
    starts, offsets = [days[0] * 86_400], [_offset(known, days[0] * 86_400)]
    for day in days[1:]:
        if _offset(known, day * 86_400) != offsets[-1]:
            starts.append(_change(known, (day - 1) * 86_400, day * 86_400))
            offsets.append(_offset(known, day * 86_400))
    return np.array(starts) * SECOND_NS, np.array(offsets) * SECOND_NS


def _offset(zone: ZoneInfo, second: int) -> int:
    moment = (EPOCH + timedelta(seconds=second)).astimezone(zone)
    return int((moment.utcoffset() or timedelta()).total_seconds())


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """First second of the new offset, by bisection."""
    old = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(zone, middle) == old else (before, middle)
    return after


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        near = get_close_matches(name, available_timezones(), 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ConfigError(
            f"data.timezone: no time zone {name!r}{hint}; wanted for example America/New_York"
        ) from None

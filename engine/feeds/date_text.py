"""Dates spelt out: 2017-01-03 09:30:00-05:00, 01/13/2017, 3-Jan-17, Jan 3, 2017 4:00 PM."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.feeds import arrow
from tradewind.engine.records import DAY_NS, Ints

Fault = Callable[[Any, str], DataError]

_CLOCK = (
    r"(?:[T ,;]\s*(?P<H>\d{1,2}):?(?P<M>\d{2})(?::?(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?P<p>[AaPp][Mm])?)?\s*(?P<z>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?\s*$"
)
FORMS = (
    r"^\s*(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})" + _CLOCK,
    r"^\s*(?P<y>\d{4})/(?P<m>\d{1,2})/(?P<d>\d{1,2})" + _CLOCK,
    r"^\s*(?P<y>\d{4})\.(?P<m>\d{1,2})\.(?P<d>\d{1,2})" + _CLOCK,
    r"^\s*(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})" + _CLOCK,
    r"^\s*(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<y>\d{4}|\d{2})" + _CLOCK,
    r"^\s*(?P<d>\d{1,2})[-/ ](?P<n>[A-Za-z]{3,9})\.?[-/ ,]+(?P<y>\d{4}|\d{2})" + _CLOCK,
    r"^\s*(?:[A-Za-z]{3,9},? )?(?P<n>[A-Za-z]{3,9})\.? +(?P<d>\d{1,2}),? +(?P<y>\d{4})" + _CLOCK,
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
PIVOT = 70  # 70 to 99 are 1970 to 1999
SECOND_NS = 1_000_000_000


def read_text(column: Any, date_format: str | None, fault: Fault) -> tuple[Ints, Ints | None]:
    """Wall-clock nanoseconds since 1970 and the UTC offset written beside them.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of text
        Without nulls.
    date_format : str or None
        strptime format; None to recognise one of :data:`FORMS` by the first row.
    fault : function of row and text
        Makes the error that points at a row.

    Returns
    -------
    wall : ndarray of int64
    offset : ndarray of int64, or None where no offset is written
        Nanoseconds east of Greenwich.

    Raises
    ------
    DataError
        If a row cannot be read, or day and month cannot be told apart.
    """
    if not len(column):
        return np.empty(0, np.int64), None
    if date_format is not None:
        return _by_format(column, date_format, fault), None
    parts = _parts(column, fault)
    days = _days(_month_and_day(parts, column, fault), parts, column, fault)
    return days + _clock(parts, column, fault), _offset(parts, column, fault)


def _by_format(column: Any, date_format: str, fault: Fault) -> Ints:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        moments = pc.strptime(column, date_format, unit="us", error_is_null=True)
    except pa.ArrowException as error:
        raise ConfigError(f"data.date_format: {date_format!r} cannot be used: {error}") from None
    if moments.null_count:
        row = arrow.first(moments.is_null())
        raise fault(row, f"{_cell(column, row)} does not match data.date_format {date_format!r}")
    return np.asarray(arrow.ints(moments) * 1_000)


def _parts(column: Any, fault: Fault) -> Mapping[str, Any]:
    """Pieces of every date, by the form of the first."""
    import pyarrow.compute as pc

    for form in FORMS:
        if pc.extract_regex(column[0], form).is_valid:
            break
    else:
        raise fault(
            0,
            f"{_cell(column, 0)} is not a date in a form known here; write 2017-01-31, or set "
            'data.date_format, for example "%d.%m.%Y"',
        )
    found = pc.extract_regex(column, form)
    if found.null_count:
        row = arrow.first(found.is_null())
        raise fault(
            row, f"{_cell(column, row)} is not written like the dates before it; make them alike"
        )
    whole = found.combine_chunks()
    return {name.name: whole.field(name.name) for name in whole.type}


def _cell(column: Any, row: int) -> str:
    return repr(str(column[row])[:40])


def _whole(piece: Any, default: int = 0) -> Ints:
    """Digits as numbers, nothing as the default."""
    import pyarrow.compute as pc

    return arrow.ints(pc.if_else(pc.equal(piece, ""), str(default), piece))


def _month_and_day(parts: Mapping[str, Any], column: Any, fault: Fault) -> tuple[Ints, Ints]:
    if "m" in parts:
        return _whole(parts["m"]), _whole(parts["d"])
    if "n" in parts:
        return _named_month(parts["n"], column, fault), _whole(parts["d"])
    first, second = _whole(parts["a"]), _whole(parts["b"])
    day_first, month_first = (first > 12).any(), (second > 12).any()
    if day_first and month_first:
        rows = [int((part > 12).argmax()) for part in (first, second)]
        raise fault(
            max(rows),
            f"{_cell(column, rows[0])} has its day first, {_cell(column, rows[1])} its month; "
            "write all dates alike, best as 2017-01-31",
        )
    if not day_first and not month_first and (first != second).any():
        row = int((first != second).argmax())
        raise fault(
            row,
            f"{_cell(column, row)} could be day/month or month/day, and no date in the file tells; "
            'say which with data.date_format, for example "%d/%m/%Y" or "%m/%d/%Y"',
        )
    return (second, first) if day_first else (first, second)


def _named_month(names: Any, column: Any, fault: Fault) -> Ints:
    import pyarrow as pa
    import pyarrow.compute as pc

    short = pc.utf8_lower(pc.utf8_slice_codeunits(names, 0, 3))
    month = pc.index_in(short, pa.array(MONTHS))
    if month.null_count:
        row = arrow.first(month.is_null())
        raise fault(row, f"{_cell(column, row)} names no month in English; write 2017-01-31")
    return arrow.ints(month) + 1


def _days(
    month_day: tuple[Ints, Ints], parts: Mapping[str, Any], column: Any, fault: Fault
) -> Ints:
    month, day = month_day
    year = _whole(parts["y"])
    year = np.where(year < 100, year + np.where(year < PIVOT, 2000, 1900), year)
    index = (year - 1970) * 12 + month - 1
    days = index.astype("datetime64[M]").astype("datetime64[D]") + (day - 1)
    same = days.astype("datetime64[M]").astype(np.int64) == index
    wrong = ~same | (month < 1) | (month > 12) | (day < 1) | (year < 1678) | (year > 2261)
    if wrong.any():
        row = int(wrong.argmax())
        raise fault(row, f"{_cell(column, row)} is no day of the calendar between 1678 and 2261")
    return np.asarray(days.astype(np.int64) * DAY_NS)


def _clock(parts: Mapping[str, Any], column: Any, fault: Fault) -> Ints:
    """Nanoseconds since midnight."""
    import pyarrow.compute as pc

    hour, minute, second = (_whole(parts[piece]) for piece in "HMS")
    half = pc.utf8_lower(parts["p"])
    noon, halved = arrow.bools(pc.equal(half, "pm")), arrow.bools(pc.not_equal(half, ""))
    hour = np.where(halved, hour % 12 + np.where(noon, 12, 0), hour)
    wrong = (hour > 23) | (minute > 59) | (second > 59)
    if wrong.any():
        row = int(wrong.argmax())
        raise fault(row, f"{_cell(column, row)} is no time of day")
    fraction = _whole(pc.utf8_rpad(parts["f"], 9, "0"))
    return np.asarray((hour * 3600 + minute * 60 + second) * SECOND_NS + fraction)


def _offset(parts: Mapping[str, Any], column: Any, fault: Fault) -> Ints | None:
    import pyarrow.compute as pc

    kinds, rows = arrow.coded(pc.fill_null(parts["z"], ""))
    if kinds == [""]:
        return None
    if "" in kinds:
        row = int((rows != rows[0]).argmax())
        raise fault(
            row, f"{_cell(column, row)}: some times are written with their zone, some without"
        )
    return np.array([_east(str(kind)) for kind in kinds], np.int64)[rows]


def _east(zone: str) -> int:
    """Nanoseconds east of Greenwich of ``-05:00``, ``+0530``, ``Z``."""
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:] or 0) * 60
    return (-1 if zone[0] == "-" else 1) * seconds * SECOND_NS

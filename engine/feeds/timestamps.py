"""Columns of dates and times, whatever their spelling, as UTC nanoseconds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.feeds import arrow
from tradewind.engine.feeds.date_text import read_text
from tradewind.engine.feeds.zones import to_utc, to_wall
from tradewind.engine.records import DAY_NS, Bools, Floats, Ints, label

UNITS_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
EPOCHS = (315_532_800, 4_102_444_800)  # seconds, 1980 to 2100: in this span one unit fits a number
DAYS = (19_000_101, 21_991_231)  # 20170103 is a day, not a second in 1970


@dataclass(frozen=True, slots=True)
class Dating:
    """How the dates of a file are to be understood.

    Attributes
    ----------
    zone : str
        Of times that carry none.
    date_format : str or None
        What the config says: strptime, or the unit of an epoch.
    daily : bool
        Only the day matters, as the exchange counts it.
    where : function of int to str
        Place of a row, for messages.
    """

    zone: str
    date_format: str | None
    daily: bool
    where: Callable[[int], str]

    def error(self, row: Any, what: str) -> DataError:
        """Build an error that points at a row."""
        return DataError(f"{self.where(int(row))}: {what}")


def read_times(column: Any, dating: Dating) -> Ints:
    """UTC nanoseconds of each row; midnight UTC of its day for daily bars.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Timestamps, dates, numbers or text.
    dating : Dating

    Raises
    ------
    DataError
        If a cell is empty or unreadable, the order of day and month or the unit of an epoch cannot
        be told, or a time does not exist in its zone.
    ConfigError
        If the zone does not exist.
    """
    import pyarrow as pa
    import pyarrow.types as is_

    if column.null_count:
        row = int(arrow.absent(column).argmax())
        raise dating.error(row, "has no date; complete or remove the row")
    if is_.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if is_.is_string(kind) or is_.is_large_string(kind):
        return _text(column, dating)
    if is_.is_date(kind) or (is_.is_timestamp(kind) and kind.tz is None):
        return _naive(_nanoseconds(column, pa.timestamp("ns"), dating), dating)
    if is_.is_timestamp(kind):
        utc = _nanoseconds(column, pa.timestamp("ns", kind.tz), dating)
        return _aware(utc, kind.tz, dating)
    if is_.is_integer(kind) or is_.is_floating(kind) or is_.is_decimal(kind):
        return _counted(_numbers(column), dating)
    raise dating.error(0, f"dates are of type {kind}; wanted timestamps, dates, text or numbers")


def _nanoseconds(column: Any, target: Any, dating: Dating) -> Ints:
    import pyarrow as pa

    try:
        return arrow.ints(column.cast(target))
    except pa.ArrowInvalid as error:
        raise dating.error(0, f"a date lies outside 1678 to 2261 ({error})") from None


def _numbers(column: Any) -> Ints | Floats:
    import pyarrow.types as is_

    return arrow.ints(column) if is_.is_integer(column.type) else arrow.floats(column)


def _naive(wall: Ints, dating: Dating) -> Ints:
    """Times without a zone: the day is the day, the hour is that of the zone configured."""
    if dating.daily:
        return _midnights(wall)
    if len(wall) > 1 and not (wall % DAY_NS).any():
        raise dating.error(
            0,
            "dates without time of day cannot be bars of less than a day; set data.interval: 1d, "
            "or name the column that holds the time with data.columns: {time: ...}",
        )
    utc, doubtful = to_utc(wall, dating.zone)
    if doubtful.any():
        row = np.flatnonzero(doubtful)[0]
        raise dating.error(
            row,
            f"{label(wall[row]).removesuffix(' UTC')} is shown twice or never by a clock in "
            f"{dating.zone} that changes to or from summer time; write times with their offset, "
            "or in UTC",
        )
    return utc


def _aware(utc: Ints, zone: str, dating: Dating) -> Ints:
    """Times with a zone; times in UTC take their day from the zone configured."""
    if not dating.daily:
        return utc
    if zone.upper() in ("UTC", "Z", "GMT", "ETC/UTC", "+00:00"):
        return _midnights(to_wall(utc, dating.zone))
    if zone[:1] in "+-":
        sign, hours, minutes = (-1 if zone[0] == "-" else 1), int(zone[1:3]), int(zone[-2:])
        return _midnights(utc + sign * (hours * 60 + minutes) * 60 * UNITS_NS["s"])
    return _midnights(to_wall(utc, zone))


def _midnights(wall: Ints) -> Ints:
    return np.asarray(wall // DAY_NS * DAY_NS)


def _counted(values: Ints | Floats, dating: Dating) -> Ints:
    """Numbers: days written YYYYMMDD, or time since 1970 in a unit that leaves no doubt."""
    finite = np.isfinite(values)
    if not finite.all():
        raise dating.error(np.flatnonzero(~finite)[0], "has no date; complete or remove the row")
    if dating.date_format in UNITS_NS:
        return _aware(_scaled(values, dating.date_format, dating), "UTC", dating)
    if dating.date_format is not None:
        raise ConfigError(
            f"data.date_format: {dating.date_format!r} reads text, but the dates of "
            f"{dating.where(0)} are numbers; wanted s, ms, us or ns"
        )
    if len(values) and ((values >= DAYS[0]) & (values <= DAYS[1])).all():
        return _naive(_year_month_day(values.astype(np.int64), dating), dating)
    if not len(values):
        return np.empty(0, np.int64)
    return _aware(_epoch(values, dating), "UTC", dating)


def _epoch(values: Ints | Floats, dating: Dating) -> Ints:
    fitting = [unit for unit in UNITS_NS if _fits(values.max(), unit)]
    others = [unit for unit in UNITS_NS if unit not in fitting and _fits(values, unit).any()]
    if not fitting or others:
        row = int(values.argmax()) if not fitting else int(_fits(values, others[0]).argmax())
        raise dating.error(
            row,
            f"{values[row]:.0f} could be seconds, milliseconds or something else since 1970: it "
            "is not between 1980 and 2100 in the unit of the other rows; write ISO dates, or set "
            "data.date_format: s (or ms, us, ns)",
        )
    return _scaled(values, fitting[0], dating)


def _fits(values: Any, unit: str) -> Bools:
    seconds = values * (UNITS_NS[unit] / UNITS_NS["s"])
    return np.asarray((seconds >= EPOCHS[0]) & (seconds < EPOCHS[1]))


def _scaled(values: Ints | Floats, unit: str, dating: Dating) -> Ints:
    far = np.abs(values.astype(np.float64)) * UNITS_NS[unit] >= 2**63
    if far.any():
        row = np.flatnonzero(far)[0]
        raise dating.error(row, f"{values[row]:.0f} {unit} since 1970 is no date")
    if values.dtype.kind == "i":
        return np.asarray(values * UNITS_NS[unit], np.int64)
    step = max(UNITS_NS[unit] // UNITS_NS["us"], 1)  # a float of seconds is good to a microsecond
    return np.rint(values * step).astype(np.int64) * (UNITS_NS[unit] // step)


def _year_month_day(values: Ints, dating: Dating) -> Ints:
    months = (values // 10_000 - 1970) * 12 + values // 100 % 100 - 1
    days = months.astype("datetime64[M]").astype("datetime64[D]") + (values % 100 - 1)
    shown = days.astype("datetime64[M]")
    real = (shown.astype(np.int64) == months) & (values // 100 % 100 <= 12) & (values % 100 > 0)
    if not (real & (values // 100 % 100 > 0)).all():
        row = np.flatnonzero(~real)[0] if (~real).any() else 0
        raise dating.error(row, f"{values[row]} is no day written YYYYMMDD")
    return np.asarray(days.astype("datetime64[ns]").astype(np.int64))


def _text(column: Any, dating: Dating) -> Ints:
    import pyarrow as pa

    blank = arrow.blank(column)
    if blank.any():
        raise dating.error(blank.argmax(), "has no date; complete or remove the row")
    first = str(column[0]).strip() if len(column) else ""
    if first.replace(".", "", 1).isdigit() and dating.date_format in (None, *UNITS_NS):
        try:
            values = _numbers(column.cast(pa.float64() if "." in first else pa.int64()))
        except pa.ArrowInvalid:
            pass  # 20170103 093000, or a row that is not a number: the text reader will say
        else:
            return _counted(values, dating)
    return _spelt(column, dating)


def _spelt(column: Any, dating: Dating) -> Ints:
    """Text that is not a number: ISO by the fast way, everything else by its parts."""
    import pyarrow as pa

    if dating.date_format is None:
        for target in (pa.timestamp("ns"), pa.timestamp("ns", "UTC")):
            if target.tz and dating.daily:
                break  # the day is that of the offset written, which the fast way forgets
            try:
                moments = arrow.ints(column.cast(target))
            except pa.ArrowInvalid:
                continue
            return moments if target.tz else _naive(moments, dating)
    wall, offset = read_text(column, dating.date_format, dating.error)
    if offset is None:
        return _naive(wall, dating)
    if not dating.daily:
        return np.asarray(wall - offset)
    return _midnights(np.where(offset == 0, to_wall(wall, dating.zone), wall))

"""When bars close, and what else their checks must know beside the bars themselves."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from tradewind.engine.config import DataConfig
from tradewind.engine.feeds.embedded import CALENDAR
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.zones import to_wall
from tradewind.engine.records import DAY_NS, Bools, Ints, label
from tradewind.engine.sessions import (
    ALWAYS,
    Sessions,
    interval_ns,
    is_intraday,
    session_closes,
    split_interval,
)

Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Setting:
    """What surrounds the bars.

    Attributes
    ----------
    config : DataConfig
    sessions : Sessions or None
        Of the calendar that applies, around the bars; None where none applies.
    now_ns : int
        UTC nanoseconds.
    """

    config: DataConfig
    sessions: Sessions | None
    now_ns: int

    @property
    def intraday(self) -> bool:
        """Whether bars are shorter than a day."""
        return is_intraday(self.config.interval)

    @property
    def length_ns(self) -> int:
        """Nominal length of a bar."""
        return interval_ns(self.config.interval)

    @property
    def calendar(self) -> str | None:
        """Code of the calendar."""
        return None if self.sessions is None else self.sessions.calendar

    def when(self, ts: int | np.int64) -> str:
        """Day of a bar, or its time where bars are shorter, for people."""
        if self.intraday:
            return label(ts)[:16] + " UTC"
        return str(np.datetime64(int(ts), "ns").astype("datetime64[D]"))

    def days(self, ts: Ints) -> Days:
        """Day each raw stamp belongs to: as written, or of the bar's end in the zone configured."""
        wall = to_wall(ts - 1, self.config.timezone) if self.intraday else ts
        return wall.astype("datetime64[ns]").astype("datetime64[D]")


def setting_for(
    config: DataConfig, bars: Sequence[RawBars], now: datetime | None = None
) -> Setting:
    """What surrounds ``bars``; raises ConfigError for an unknown calendar."""
    moment = now or datetime.now(UTC)
    now_ns = int(moment.timestamp()) * 1_000_000_000
    calendar = calendar_of(config, [one.symbol for one in bars])
    spans = [one.ts for one in bars if len(one.ts)]
    if calendar is None or not spans:
        return Setting(config, None, now_ns)
    margin = interval_ns(config.interval) + 7 * DAY_NS
    first = min(int(ts.min()) for ts in spans) - margin
    last = min(max(int(ts.max()) for ts in spans), now_ns) + margin
    days = np.array([first, last]).astype("datetime64[ns]").astype("datetime64[D]")
    return Setting(config, session_closes(calendar, days[0], days[1]), now_ns)


def calendar_of(config: DataConfig, symbols: Sequence[str]) -> str | None:
    """Calendar the config names, or the one its source is known to follow.

    The embedded data is of New York. At Yahoo plain tickers (``MSFT``, ``BRK-B``) trade in the US,
    and pairs such as ``BTC-USD`` always; a suffix (``.DE``) or a mixture names no single calendar.
    """
    if config.calendar is not None:
        return None if config.calendar.lower() == "none" else config.calendar
    if config.source == "embedded":
        return CALENDAR
    if config.source == "yahoo" and symbols:
        if all(re.fullmatch(r"[A-Z]{1,5}(-[A-Z]{1,2})?", symbol) for symbol in symbols):
            return CALENDAR
        if all(re.fullmatch(r"[A-Z0-9]+-(USD|EUR|GBP|BTC|USDT)", symbol) for symbol in symbols):
            return ALWAYS
    return None


def close_times(ts: Ints, setting: Setting) -> Ints:
    """Moment at which each bar was known, UTC nanoseconds.

    Daily bars close with their session, early closes included, else at the midnight that ends the
    day; weekly and monthly bars with the last session of their week or month. Shorter bars are
    stamped by their close; one that would outlast the session it began in ends with it.

    Parameters
    ----------
    ts : ndarray of int64, shape (n_rows,)
        Raw stamps, see :class:`RawBars`.
    setting : Setting
    """
    if setting.intraday:
        return _clipped(ts, setting)
    last = _last_days(ts.astype("datetime64[ns]").astype("datetime64[D]"), setting.config)
    midnight = (last + 1).astype("datetime64[ns]").astype(np.int64)
    sessions = setting.sessions
    if sessions is None or not len(sessions):
        return np.asarray(midnight)
    at = np.searchsorted(sessions.days, last, "right") - 1
    session = sessions.days[at.clip(min=0)]
    first = ts.astype("datetime64[ns]").astype("datetime64[D]")
    within = (at >= 0) & (session >= np.minimum(first, last)) & sessions.covers(last)
    return np.where(within, sessions.closes[at.clip(min=0)], midnight)


def _last_days(days: Days, config: DataConfig) -> Days:
    """Last day of the bar that carries each label."""
    count, unit = split_interval(config.interval)
    labels_close = config.bar_label == "close" and config.source != "yahoo"
    if (unit == "d" and count == 1) or labels_close:
        return days
    if unit == "mo":
        months = days.astype("datetime64[M]")
        within = days - months.astype("datetime64[D]")  # a label may stand on any day of the month
        return np.asarray((months + count).astype("datetime64[D]") + within - 1)
    return days + count * (7 if unit == "wk" else 1) - 1


def _clipped(ts: Ints, setting: Setting) -> Ints:
    sessions = setting.sessions
    if sessions is None or not len(sessions):
        return ts
    at, inside = in_hours(ts, sessions, setting.length_ns)
    close = sessions.closes[at]
    following = np.append(ts[1:] - ts[:-1] > setting.length_ns, True)  # nothing follows at once
    return np.where(inside & following, np.minimum(ts, close), ts)


def in_hours(ts: Ints, sessions: Sessions, length_ns: int) -> tuple[Ints, Bools]:
    """Session each intraday bar begins in, or next to, and whether it begins inside it."""
    begins = ts - length_ns
    at = np.searchsorted(sessions.closes, begins, "right").clip(max=len(sessions) - 1)
    return at, (begins >= sessions.opens[at]) & (begins < sessions.closes[at])

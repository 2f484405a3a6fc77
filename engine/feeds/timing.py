"""When bars close, and what else their checks must know beside the bars themselves."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from tradewind.engine.bars.sessions import (
    ALWAYS,
    Sessions,
    interval_ns,
    is_intraday,
    session_closes,
    split_interval,
)
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.feeds.embedded import CALENDAR
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.survey import Outline
from tradewind.engine.feeds.zones import to_wall
from tradewind.engine.records import DAY_NS, Bools, Ints, label

Days = npt.NDArray[np.datetime64]
OTHERS = "*"  # in data.calendar: every symbol not named


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
    """What surrounds ``bars`` of one calendar; raises ConfigError for an unknown one."""
    calendars = calendars_of(config, [one.symbol for one in bars])
    spans = [(int(one.ts.min()), int(one.ts.max())) for one in bars if len(one.ts)]
    return _setting(config, next(iter(calendars.values()), None), spans, now)


def settings_for(
    config: DataConfig, outlines: Sequence[Outline], now: datetime | None = None
) -> dict[str, Setting]:
    """What surrounds the bars of each symbol, by its calendar.

    Raises
    ------
    ConfigError
        If a calendar is unknown, or given to a symbol that there is not.
    """
    calendars = calendars_of(config, [one.symbol for one in outlines])
    of: dict[str | None, Setting] = {}
    for calendar in dict.fromkeys(calendars.values()):
        spans = [
            (one.first, one.last)
            for one in outlines
            if one.n_rows and calendars[one.symbol] == calendar
        ]
        of[calendar] = _setting(config, calendar, spans, now)
    return {symbol: of[calendar] for symbol, calendar in calendars.items()}


def _setting(
    config: DataConfig,
    calendar: str | None,
    spans: Sequence[tuple[int, int]],
    now: datetime | None,
) -> Setting:
    moment = now or datetime.now(UTC)
    now_ns = int(moment.timestamp()) * 1_000_000_000
    if calendar is None or not spans:
        return Setting(config, None, now_ns)
    margin = interval_ns(config.interval) + 7 * DAY_NS
    first = min(first for first, _ in spans) - margin
    last = min(max(last for _, last in spans), now_ns) + margin
    days = np.array([first, last]).astype("datetime64[ns]").astype("datetime64[D]")
    return Setting(config, session_closes(calendar, days[0], days[1]), now_ns)


def calendars_of(config: DataConfig, symbols: Sequence[str]) -> dict[str, str | None]:
    """Calendar of each symbol: the one the config names, or the one its source is known to follow.

    The embedded data is of New York. At Yahoo plain tickers (``MSFT``, ``BRK-B``) trade in the US,
    and pairs such as ``BTC-USD`` always; where there is any other, no calendar is assumed.

    Raises
    ------
    ConfigError
        If the config gives a calendar to a symbol that there is not.
    """
    if config.calendar is None:
        return _usual(config.source, symbols)
    if isinstance(config.calendar, dict):
        unknown = [symbol for symbol in config.calendar if symbol not in (*symbols, OTHERS)]
        if unknown:
            raise ConfigError(
                f"data.calendar: there is no symbol {unknown[0]!r} to give a calendar to; wanted "
                f"symbols that are loaded, or '{OTHERS}' for all others"
            )
    return {symbol: named_calendar(config, symbol) for symbol in symbols}


def named_calendar(config: DataConfig, symbol: str) -> str | None:
    """Calendar that the config names for a symbol, None where it names none."""
    given = config.calendar
    name = given.get(symbol, given.get(OTHERS)) if isinstance(given, dict) else given
    return None if name is None or name.lower() == "none" else name


def _usual(source: str, symbols: Sequence[str]) -> dict[str, str | None]:
    if source == "embedded":
        return dict.fromkeys(symbols, CALENDAR)
    if source != "yahoo":
        return dict.fromkeys(symbols)
    found: dict[str, str | None] = {}
    for symbol in symbols:
        if re.fullmatch(r"[A-Z]{1,5}(-[A-Z]{1,2})?", symbol):
            found[symbol] = CALENDAR
        elif re.fullmatch(r"[A-Z0-9]+-(USD|EUR|GBP|BTC|USDT)", symbol):
            found[symbol] = ALWAYS
        else:
            return dict.fromkeys(symbols)
    return found


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


def possible_closes(ts: Ints, setting: Setting) -> Ints:
    """Every moment at which a bar with one of these stamps may turn out to have been known.

    Parameters
    ----------
    ts : ndarray of int64
        Raw stamps of any symbols, increasing.
    setting : Setting
    """
    closes = close_times(ts, setting)
    if not setting.intraday or setting.sessions is None or not len(setting.sessions):
        return np.unique(closes)
    at, inside = in_hours(ts, setting.sessions, setting.length_ns)
    cut = np.minimum(ts, setting.sessions.closes[at])[inside]  # where nothing follows at once
    return np.union1d(ts, cut)


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

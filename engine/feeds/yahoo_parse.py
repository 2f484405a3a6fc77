"""From a yfinance frame and the answer behind it to bars and events."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from tradewind.engine.errors import MalformedPayloadError
from tradewind.engine.feeds.store_series import (
    CAPITAL_GAIN,
    DIVIDEND,
    SPLIT,
    Events,
    Prices,
    no_events,
    no_prices,
)
from tradewind.engine.feeds.yahoo_symbols import BAR_S
from tradewind.engine.records import Ints

SETTLE_S = 1800  # quotes come up to 20 minutes late; a bar is final this long after its close
WHOLE_DAY = 24 * 60

_PRICES = ["Open", "High", "Low", "Close", "Volume"]
_EVENTS = {"Dividends": DIVIDEND, "Stock Splits": SPLIT, "Capital Gains": CAPITAL_GAIN}
_ASKED_AS = {"30m": 900}  # yfinance asks for quarters and makes the halves itself


@dataclass(frozen=True, slots=True)
class Answer:
    """What Yahoo said about a range.

    Attributes
    ----------
    prices : Prices
        Finished bars, divided by every split up to the moment of asking.
    events : Events
        In the same units.
    timezone : str
        Of the exchange; empty where an empty range did not tell.
    session_end : int
        Minute of the day at which the regular session closes.
    currency : str
    last_day : date
        Last day of the exchange that is over.
    asked_at : float
        Seconds since 1970.
    """

    prices: Prices
    events: Events
    timezone: str
    session_end: int
    currency: str
    last_day: date
    asked_at: float


def empty_answer(result: dict[str, Any], timezone: str, asked_at: float) -> Answer:
    """Return the answer for a range without bars."""
    meta = result["meta"]
    zone = str(meta.get("exchangeTimezoneName") or timezone)
    last_day, session_end = _last_day(meta, zone or "UTC", asked_at)
    currency = str(meta.get("currency") or "")
    return Answer(no_prices(), no_events(), zone, session_end, currency, last_day, asked_at)


def parsed(
    symbol: str,
    interval: str,
    frame: Any,
    result: dict[str, Any],
    days: tuple[date, date],
    asked_at: float,
) -> Answer:
    """Turn a frame of unadjusted bars with actions into an answer.

    Parameters
    ----------
    symbol, interval : str
    frame : pandas.DataFrame
        From ``Ticker.history(auto_adjust=False, actions=True)``.
    result : dict
        The chart it was made from.
    days : (date, date)
        First day asked and first day not asked.
    asked_at : float
        Seconds since 1970.

    Raises
    ------
    MalformedPayloadError
        If bars are of another length than asked, all outside the range, or of no known zone.
    """
    meta = result["meta"]
    _check_length(symbol, interval, meta)
    zone = str(meta.get("exchangeTimezoneName"))
    try:
        last_day, session_end = _last_day(meta, zone, asked_at)
    except (ZoneInfoNotFoundError, ValueError):
        raise MalformedPayloadError(f"{symbol}: Yahoo names no known time zone: {zone!r}") from None
    prices = _prices(frame, interval, meta)
    events = _events(frame, interval)
    first, last = day_span(days[0], days[1] - timedelta(days=1), interval, zone)
    inside = (prices.ts >= first) & (prices.ts <= last)
    if len(prices) and not inside.any():
        raise MalformedPayloadError(
            f"{symbol}: Yahoo answered with bars of other days than {days[0]} to {days[1]}"
        )
    inside &= prices.ts <= _final(interval, last_day, asked_at)
    begin, stop = (day_start(day, interval, zone) for day in days)
    known = (events.ts >= begin) & (events.ts < stop)
    currency = str(meta.get("currency") or "")
    return Answer(
        prices.take(inside), events.take(known), zone, session_end, currency, last_day, asked_at
    )


def day_start(day: date, interval: str, timezone: str) -> int:
    """UTC nanoseconds at which a day begins: midnight UTC beside daily bars, else local midnight.

    An event of that day bears this time.
    """
    zone = UTC if interval == "1d" else ZoneInfo(timezone or "UTC")
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    return round(midnight.timestamp()) * 10**9


def day_span(first: date, last: date, interval: str, timezone: str) -> tuple[int, int]:
    """First and last UTC nanosecond, inclusive, of the bars of some days of the exchange.

    A daily bar bears the midnight that begins its day; a shorter one its close, so the one that
    ends at midnight belongs to the day before.
    """
    shift = 0 if interval == "1d" else 1
    begin = day_start(first, interval, timezone)
    stop = day_start(last + timedelta(days=1), interval, timezone)
    return begin + shift, stop - 1 + shift


def last_closed_day(now: float, timezone: str, session_end: int) -> date:
    """Last day of the exchange that is over: today's once its session has settled."""
    local = datetime.fromtimestamp(now - SETTLE_S, ZoneInfo(timezone or "UTC"))
    over = local.hour * 60 + local.minute >= session_end
    return local.date() if over else local.date() - timedelta(days=1)


def _last_day(meta: dict[str, Any], timezone: str, now: float) -> tuple[date, int]:
    """Last day that is over, and the minute at which the regular session closes."""
    session = (meta.get("currentTradingPeriod") or {}).get("regular") or {}
    if not {"start", "end"} <= session.keys():
        return last_closed_day(now, timezone, WHOLE_DAY), WHOLE_DAY
    zone = ZoneInfo(timezone)
    start = datetime.fromtimestamp(int(session["start"]), zone)
    end = datetime.fromtimestamp(int(session["end"]), zone)
    minute = end.hour * 60 + end.minute if end.date() == start.date() else WHOLE_DAY
    return last_closed_day(now, timezone, minute), minute


def _check_length(symbol: str, interval: str, meta: dict[str, Any]) -> None:
    """Refuse coarser bars, which Yahoo may send for a range it finds too long."""
    said = str(meta.get("dataGranularity") or interval)
    wanted = _ASKED_AS.get(interval, BAR_S[interval])
    found = BAR_S.get("1h" if said == "60m" else said)
    if found != wanted:
        raise MalformedPayloadError(f"{symbol}: asked for {interval} bars, Yahoo answered {said}")


def _prices(frame: Any, interval: str, meta: dict[str, Any]) -> Prices:
    values = frame[_PRICES].to_numpy(dtype=np.float64)
    there = ~np.isnan(values[:, :4]).all(axis=1)  # a row may stand for its event alone
    ts = _days(frame) if interval == "1d" else _closes(frame, interval, meta)
    return Prices(ts[there], np.ascontiguousarray(values[there]))


def _days(frame: Any) -> Ints:
    """Midnight UTC of each row's day at the exchange."""
    days: Ints = frame.index.tz_localize(None).normalize().as_unit("ns").asi8
    return days


def _closes(frame: Any, interval: str, meta: dict[str, Any]) -> Ints:
    """Close of each row's bar; the last of a session ends with it, however short."""
    starts: Ints = frame.index.as_unit("ns").asi8
    closes = starts + BAR_S[interval] * 10**9
    for session in chain.from_iterable(meta.get("tradingPeriods") or ()):
        opened, ended = int(session["start"]) * 10**9, int(session["end"]) * 10**9
        inside = (starts >= opened) & (starts < ended)
        closes[inside] = np.minimum(closes[inside], ended)
    return closes


def _events(frame: Any, interval: str) -> Events:
    days = _days(frame) if interval == "1d" else frame.index.normalize().as_unit("ns").asi8
    found = [
        (int(day), kind, float(value))
        for name, kind in _EVENTS.items()
        if name in frame
        for day, value in zip(days, frame[name].to_numpy(dtype=np.float64), strict=True)
        if np.isfinite(value) and value != 0
    ]
    ts, kinds, values = zip(*sorted(found), strict=True) if found else ((), (), ())
    return Events(np.array(ts, np.int64), np.array(kinds, "U12"), np.array(values, np.float64))


def _final(interval: str, last_day: date, asked_at: float) -> int:
    """Latest time of a bar that cannot change any more."""
    if interval == "1d":
        return day_start(last_day, interval, "")
    return int((asked_at - SETTLE_S) * 10**9)

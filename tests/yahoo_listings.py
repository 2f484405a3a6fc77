"""Listings as they traded, and the chart documents in which Yahoo tells of them.

Yahoo divides by every split up to its present, rounds to single precision, and puts the bar of a
running session at the end.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

Bar = tuple[float, float, float, float, float]


@dataclass
class Listing:
    """One symbol as it traded."""

    bars: dict[date, Bar]
    dividends: dict[date, float] = field(default_factory=dict)
    splits: dict[date, tuple[float, float]] = field(default_factory=dict)
    gains: dict[date, float] = field(default_factory=dict)
    zone: str = "America/New_York"
    opens: time = time(9, 30)
    closes: time = time(16, 0)
    kind: str = "EQUITY"
    currency: str = "USD"
    factor: float = 1.0  # a change of units that no split explains
    intraday: dict[datetime, Bar] = field(default_factory=dict)

    def at(self, day: date, moment: time) -> datetime:
        """Moment of a day at the exchange."""
        return datetime.combine(day, moment, ZoneInfo(self.zone))

    def split(self, day: date, ratio: float) -> None:
        """Give ``ratio`` new shares for one from a day on."""
        self.splits[day] = (ratio, 1)
        for later in [d for d in self.bars if d >= day]:
            opened, high, low, close, volume = self.bars[later]
            prices = (opened / ratio, high / ratio, low / ratio, close / ratio)
            self.bars[later] = (*prices, volume * ratio)


def trading_days(first: str, last: str) -> list[date]:
    """Weekdays of a range, inclusive."""
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    days = [day + timedelta(days=i) for i in range((end - day).days + 1)]
    return [d for d in days if d.weekday() < 5]


def listing(first: str, last: str, price: float = 100.0, **more: Any) -> Listing:
    """Listing whose close rises by one every session: easy to check by eye."""
    bars = {
        day: (price + i - 0.5, price + i + 1.0, price + i - 1.0, price + i, 1_000_000.0 + i)
        for i, day in enumerate(trading_days(first, last))
    }
    return Listing(bars, **more)


def march(price: float = 100.0, **more: Any) -> Listing:
    """Listing of the weekdays of March 2024: its close is ``price`` on the first, then rises."""
    return listing("2024-03-01", "2024-03-29", price, **more)


def hours(day: date, n_bars: int, price: float = 100.0) -> dict[datetime, Bar]:
    """Hours of a New York session; the first closes at 10:30."""
    zone = ZoneInfo("America/New_York")
    return {
        datetime.combine(day, time(9 + i, 30), zone): (price, price + 9, price - 1, price + i, 9.0)
        for i in range(n_bars)
    }


def moment(text: str, zone: str = "America/New_York") -> float:
    """Seconds since 1970 of a local time such as ``2024-03-20 18:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).timestamp()


def chart(symbol: str, listing: Listing, parameters: dict[str, str], now: float) -> dict[str, Any]:
    """Render a chart document."""
    interval = parameters.get("interval", "1d")
    first = int(parameters.get("period1", now - 7 * 86_400))
    stop = min(int(parameters.get("period2", 2**40)), now)
    rows = _rows(listing, interval, first, stop)
    quote, adjusted = _columns(listing, rows, now)
    result: dict[str, Any] = {"meta": _meta(symbol, listing, interval, now)}
    if rows:
        result["timestamp"] = [round(moment.timestamp()) for moment, _ in rows]
        if events := _events(listing, first, stop, now):
            result["events"] = events
    result["indicators"] = {"quote": [quote if rows else {}]}
    if not interval.endswith(("m", "h")):
        result["indicators"]["adjclose"] = [{"adjclose": adjusted} if rows else {}]
    return {"chart": {"result": [result], "error": None}}


def _rows(listing: Listing, interval: str, first: int, stop: float) -> list[tuple[datetime, Bar]]:
    rows = list(listing.intraday.items())
    if not interval.endswith(("m", "h")):
        rows = [(listing.at(day, listing.opens), bar) for day, bar in listing.bars.items()]
    return sorted((moment, bar) for moment, bar in rows if first <= moment.timestamp() < stop)


def _columns(
    listing: Listing, rows: list[tuple[datetime, Bar]], now: float
) -> tuple[dict[str, list[Any]], list[Any]]:
    """Quote columns and adjusted closes in Yahoo's units."""
    names = ("open", "high", "low", "close")
    quote: dict[str, list[Any]] = {name: [] for name in (*names, "volume")}
    adjusted = []
    for moment, bar in rows:
        later = _later_splits(listing, moment.date(), now)
        for name, value in zip(names, bar, strict=False):
            quote[name].append(_single(value * listing.factor / later))
        quote["volume"].append(None if np.isnan(bar[4]) else round(bar[4] * later))
        close = quote["close"][-1]
        adjusted.append(close and close * _payments_after(listing, moment.date(), now))
    return quote, adjusted


def _later_splits(listing: Listing, day: date, now: float) -> float:
    present = datetime.fromtimestamp(now, ZoneInfo(listing.zone)).date()
    ratios = [n / d for when, (n, d) in listing.splits.items() if day < when <= present]
    return float(np.prod(ratios)) if ratios else 1.0


def _payments_after(listing: Listing, day: date, now: float) -> float:
    """Factor that Yahoo's adjusted close carries: 1 - dividend / close before, per dividend."""
    factor = 1.0
    present = datetime.fromtimestamp(now, ZoneInfo(listing.zone)).date()
    for when, amount in listing.dividends.items():
        before = [d for d in sorted(listing.bars) if d < when]
        if day < when <= present and before:
            split = np.prod(
                [n / d for s, (n, d) in listing.splits.items() if before[-1] < s <= when]
            )
            factor *= 1 - amount / (listing.bars[before[-1]][3] / float(split))
    return factor


def _single(value: float) -> float | None:
    return None if np.isnan(value) else float(np.float32(value))


def _events(listing: Listing, first: int, stop: float, now: float) -> dict[str, Any]:
    def stamp(day: date) -> int:
        return round(listing.at(day, listing.opens).timestamp())

    def within(day: date) -> bool:
        return first <= stamp(day) < stop

    events: dict[str, Any] = {}
    for name, paid in (("dividends", listing.dividends), ("capitalGains", listing.gains)):
        told = {
            str(stamp(day)): {
                "amount": amount / _later_splits(listing, day, now),
                "date": stamp(day),
            }
            for day, amount in paid.items()
            if within(day)
        }
        if told:
            events[name] = told
    splits = {
        str(stamp(day)): {
            "date": stamp(day),
            "numerator": n,
            "denominator": d,
            "splitRatio": f"{n:g}:{d:g}",
        }
        for day, (n, d) in listing.splits.items()
        if within(day)
    }
    return {**events, **({"splits": splits} if splits else {})}


def _meta(symbol: str, listing: Listing, interval: str, now: float) -> dict[str, Any]:
    zone = ZoneInfo(listing.zone)
    today = datetime.fromtimestamp(now, zone)
    days = sorted({moment.date() for moment in listing.intraday})

    def session(day: date) -> dict[str, Any]:
        start, end = listing.at(day, listing.opens), listing.at(day, listing.closes)
        return {
            "timezone": today.tzname(),
            "start": round(start.timestamp()),
            "end": round(end.timestamp()),
            "gmtoffset": round((start.utcoffset() or timedelta()).total_seconds()),
        }

    meta = {
        "currency": listing.currency,
        "symbol": symbol,
        "exchangeName": "NMS",
        "instrumentType": listing.kind,
        "firstTradeDate": 0,
        "regularMarketTime": round(now),
        "gmtoffset": session(today.date())["gmtoffset"],
        "timezone": today.tzname(),
        "exchangeTimezoneName": listing.zone,
        "priceHint": 2,
        "currentTradingPeriod": {
            name: session(today.date()) for name in ("pre", "regular", "post")
        },
        "dataGranularity": interval,
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
    }
    if interval.endswith(("m", "h")):
        meta["tradingPeriods"] = [[session(day)] for day in days]
    return meta

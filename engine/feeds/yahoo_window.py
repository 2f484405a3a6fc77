"""From a stored series to the bars a config asks for: adjusted, cut, and made longer."""

from datetime import date, timedelta

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.store_records import Entry
from tradewind.engine.feeds.store_series import SPLIT, Events, Prices, Series
from tradewind.engine.feeds.yahoo_parse import day_span, day_start
from tradewind.engine.feeds.yahoo_units import adjusted, payments
from tradewind.engine.records import DAY_NS, Floats, Ints, label

_MONTHS = {"1mo": 1, "3mo": 3}


def raw_bars(
    entry: Entry,
    series: Series,
    symbol: str,
    interval: str,
    span: tuple[date | None, date | None],
    *,
    raw: bool = False,
) -> RawBars:
    """Bars as a run sees them, adjusted for the splits and payments known at the end, or raw.

    Parameters
    ----------
    entry, series
        As stored.
    symbol : str
        As the user wrote it.
    interval : str
        The stored one, or ``1wk``, ``1mo``, ``3mo``, made from days.
    span : (date or None, date or None)
        First and last day, None for what is stored.
    raw : bool
        As traded, with the columns ``split_ratio`` and ``ex_dividend`` beside the prices.

    Returns
    -------
    RawBars

    Raises
    ------
    DataError
        If there is no bar in the range.
    """
    first, last = span
    begin, end = day_span(
        first or date.fromisoformat(entry.covered_from),
        last or date.fromisoformat(entry.covered_to) + timedelta(days=1),
        entry.interval,
        entry.timezone,
    )
    known = last or date.fromisoformat(entry.covered_to)
    stop = day_start(known + timedelta(days=1), entry.interval, entry.timezone)
    prices = series.prices if raw else adjusted(series, stop, symbol)
    prices = prices.take(prices.ts <= end)
    if interval != entry.interval and interval in ("1wk", *_MONTHS):
        prices = lengthened(prices, interval, known)
    prices = prices.take(prices.ts >= begin)
    if not len(prices):
        raise DataError(
            f"{symbol}: Yahoo has no {interval} bars from {first or 'the beginning'} to "
            f"{last or 'now'}; its bars run from {label(entry.first)[:10]} to "
            f"{label(entry.last)[:10]}"
        )
    columns = dict(zip(("open", "high", "low", "close", "volume"), prices.values.T, strict=True))
    rows = np.arange(len(prices), dtype=np.int64)
    extra = _actions(prices.ts, series.events) if raw else {}
    return RawBars(symbol=symbol, ts=prices.ts, origin="yahoo", row=rows, columns=extra, **columns)


def _actions(ts: Ints, events: Events) -> dict[str, Floats]:
    """Ratio of new to old units and payment per new unit, on the first bar from its day on."""
    split, paid = np.ones(len(ts)), np.zeros(len(ts))
    splits = events.of(SPLIT)
    days, amounts = payments(events)
    told = [(int(t), 0, float(v)) for t, v in zip(splits.ts, splits.value, strict=True)]
    told += [(int(t), 1, float(v)) for t, v in zip(days, amounts, strict=True)]
    for when, kind, value in sorted(told):  # of one day, the split first
        row = int(np.searchsorted(ts, when, "left"))
        if row == len(ts) or when < ts[0]:
            continue
        if kind == 0:
            split[row] *= value
            paid[row] /= value
        else:
            paid[row] += value
    return {"split_ratio": split, "ex_dividend": paid}


def lengthened(prices: Prices, interval: str, known: date) -> Prices:
    """Make weeks, months or quarters of days; each bears the day of its last bar.

    Parameters
    ----------
    prices : Prices
        Daily.
    interval : str
        ``1wk`` (Monday to Sunday), ``1mo`` or ``3mo``.
    known : date
        Last day that is over; a period that it does not complete is left out.
    """
    if not len(prices):
        return prices
    period = _periods(prices.ts, interval)
    starts = np.flatnonzero(np.append(True, np.diff(period) != 0))
    ends = np.append(starts[1:], len(period)) - 1
    opened, high, low, close, volume = prices.values.T
    values = np.column_stack(
        (
            opened[starts],
            np.fmax.reduceat(high, starts),
            np.fmin.reduceat(low, starts),
            close[ends],
            np.add.reduceat(volume, starts),
        )
    )
    tomorrow = np.array([day_start(known + timedelta(days=1), "1d", "")])
    whole = period[starts] < _periods(tomorrow, interval)[0]
    return Prices(prices.ts[ends], values).take(whole)


def period_start(day: date, interval: str) -> date:
    """First day of the week, month or quarter a day lies in; the day itself for other bars."""
    if interval == "1wk":
        return day - timedelta(days=day.weekday())
    if interval in _MONTHS:
        month = day.month - (day.month - 1) % _MONTHS[interval]
        return day.replace(month=month, day=1)
    return day


def _periods(ts: Ints, interval: str) -> Ints:
    """Number of the week, month or quarter that each day lies in."""
    if interval == "1wk":
        weeks: Ints = (ts // DAY_NS + 3) // 7  # the first of January 1970 was a Thursday
        return weeks
    months: Ints = ts.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    return months // _MONTHS[interval]

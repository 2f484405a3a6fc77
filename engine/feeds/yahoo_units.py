"""Yahoo's units and ours.

What Yahoo calls raw is divided by every split up to the moment of asking, dividends included, so a
new split rewrites its whole past. The store keeps bars and dividends *as traded* instead: those
never change. Adjusting happens on the way out, with the events known at a chosen moment.
"""

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.feeds.store_series import (
    CAPITAL_GAIN,
    DIVIDEND,
    SPLIT,
    Events,
    Prices,
    Series,
)
from tradewind.engine.records import Floats, Ints, label


def split_factors(ts: Ints, splits: Events) -> Floats:
    """New shares per share held at each time, over all later splits.

    Parameters
    ----------
    ts : ndarray of int64, shape (n_rows,)
    splits : Events
        Splits only, oldest first.

    Returns
    -------
    ndarray of float64, shape (n_rows,)
        Product of the ratios of the splits after each time; a split at the very time counts as
        done, since it takes effect before that day's open.
    """
    ahead = np.append(np.cumprod(splits.value[::-1])[::-1], 1.0)
    return ahead[np.searchsorted(splits.ts, ts, side="right")]


def as_traded(prices: Prices, events: Events, splits: Events) -> Series:
    """Undo Yahoo's split adjustment.

    Parameters
    ----------
    prices, events
        As Yahoo gives them: divided by all splits up to the moment of asking.
    splits : Events
        Every split from the first bar to the moment of asking.
    """
    factor = split_factors(prices.ts, splits)[:, None]
    values = np.column_stack((prices.values[:, :4] * factor, prices.values[:, 4:] / factor))
    per_share = np.where(events.kind == SPLIT, 1.0, split_factors(events.ts, splits))
    return Series(
        Prices(prices.ts, values), Events(events.ts, events.kind, events.value * per_share)
    )


def adjusted(series: Series, stop: int, symbol: str) -> Prices:
    """Adjust bars for the splits and payments known before ``stop``.

    Parameters
    ----------
    series : Series
        As traded.
    stop : int
        UTC nanoseconds; events from then on are not known yet.
    symbol : str
        For messages.

    Returns
    -------
    Prices
        Prices in units of the last bar: divided by later splits, times ``1 - payment / close
        before`` for each later payment. Volumes follow the splits alone.

    Raises
    ------
    DataError
        If a payment is not smaller than the close before it.
    """
    known = series.events.take(series.events.ts < stop)
    splits = known.of(SPLIT)
    units = split_factors(series.prices.ts, splits)
    raw = series.prices.values
    values = np.column_stack((raw[:, :4] / units[:, None], raw[:, 4] * units))
    days, paid = payments(known)
    paid = paid / split_factors(days, splits)
    values[:, :4] *= _payment_factors(series.prices.ts, values[:, 3], days, paid, symbol)[:, None]
    return Prices(series.prices.ts, values)


def payments(events: Events) -> tuple[Ints, Floats]:
    """Sum what is paid per share on each day, as traded.

    Yahoo adds a fund's capital gain to its dividend of the same day; where the dividend is no
    smaller than the gain it is taken to hold it already.
    """
    paying = events.of(DIVIDEND, CAPITAL_GAIN)
    days, at = np.unique(paying.ts, return_inverse=True)
    dividend = np.bincount(at, paying.value * (paying.kind == DIVIDEND), len(days))
    gain = np.bincount(at, paying.value * (paying.kind == CAPITAL_GAIN), len(days))
    return days, np.where(dividend >= gain, dividend, dividend + gain)


def _payment_factors(ts: Ints, close: Floats, days: Ints, paid: Floats, symbol: str) -> Floats:
    """Factor of each bar over all later payments, shape (n_rows,)."""
    steps = np.ones(len(ts) + 1)
    quoted = np.isfinite(close) & (close > 0)
    # Row of the last quoted close up to each bar, -1 before the first.
    last = np.maximum.accumulate(np.where(quoted, np.arange(len(ts)), -1))
    after = np.searchsorted(ts, days, side="left")
    for day, amount, row in zip(days, paid, after, strict=True):
        if row == 0 or last[row - 1] < 0:
            continue
        before = close[last[row - 1]]
        if not 0 <= amount < before:
            raise DataError(
                f"{symbol}: pays {amount:g} a share on {label(day)} while the close before is "
                f"{before:g}; a payment below the price was wanted. Fetch the symbol again "
                f"with: tradewind data fetch {symbol} --refetch, or leave it out"
            )
        steps[row] *= 1 - amount / before
    return np.cumprod(steps[::-1])[::-1][1:].astype(np.float64)

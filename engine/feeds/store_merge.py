"""How a new answer meets what is stored: additions are taken, contradictions are recorded.

What is stored never changes here. A bar that the provider now tells otherwise becomes a
:class:`Difference`; so does a bar or an event that appears late, or vanishes. Where the whole
overlap has moved by one factor, the answer is in other units and nothing of it is taken.
"""

from dataclasses import dataclass

import numpy as np

from tradewind.engine.feeds.store_series import (
    Events,
    Prices,
    Series,
    event_keys,
    join_events,
    join_prices,
)
from tradewind.engine.records import Bools, Floats, Ints

PRICE_RTOL = 1e-5  # single-precision prices, split-adjusted and rounded by the provider: up to 5e-6
VOLUME_RTOL = 1e-2  # late prints move a day's volume a little every evening
EVENT_RTOL = 1e-4  # an amount per share divided by later splits keeps six decimals
LEVEL_RTOL = 1e-3  # an overlap that moved further than this, all of it alike, is in other units

_BEGINNING = -(2**63)


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the provider contradicts what is stored.

    Attributes
    ----------
    kind : str
        ``bar``, ``dividend``, ``split`` or ``capital_gain``.
    ts : int
        UTC nanoseconds, as stored.
    stored, received : tuple of float or None
        Open, high, low, close, volume of a bar, the value of an event; None where there was none.
    """

    kind: str
    ts: int
    stored: tuple[float, ...] | None
    received: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Merge:
    """Outcome of a merge.

    Attributes
    ----------
    series : Series
        What to keep from now on.
    differences : tuple of Difference
    held_back : str
        Why nothing of the answer was taken; empty where it was.
    """

    series: Series
    differences: tuple[Difference, ...]
    held_back: str = ""


def merge(
    stored: Series, received: Series, window: tuple[int, int], known: tuple[int, int]
) -> Merge:
    """Add what is new, record what differs.

    Parameters
    ----------
    stored, received : Series
        Both in units as traded.
    window, known : (int, int)
        First and last UTC nanosecond (inclusive) which the answer, and what is stored, speak for.

    Returns
    -------
    Merge
    """
    differences = compare(stored, received, window, known)
    if window[1] > known[1]:
        stored = _within(
            stored, _BEGINNING, known[1]
        )  # what lay beyond was not final; it is told anew
    reason = _other_units(stored.prices, received.prices, window)
    if reason:
        return Merge(stored, differences, reason)
    prices = join_prices(stored.prices, received.prices)
    return Merge(Series(prices, join_events(stored.events, received.events)), differences)


def compare(
    stored: Series, received: Series, window: tuple[int, int], known: tuple[int, int]
) -> tuple[Difference, ...]:
    """List where two series contradict each other inside both of their spans."""
    first, last = max(window[0], known[0]), min(window[1], known[1])
    ours, theirs = (_within(s, first, last) for s in (stored, received))
    return (*_bars(ours.prices, theirs.prices), *_events(ours.events, theirs.events))


def _within(series: Series, first: int, last: int) -> Series:
    prices, events = series.prices, series.events
    return Series(
        prices.take((prices.ts >= first) & (prices.ts <= last)),
        events.take((events.ts >= first) & (events.ts <= last)),
    )


def _bars(ours: Prices, theirs: Prices) -> list[Difference]:
    both, at, bt = np.intersect1d(ours.ts, theirs.ts, return_indices=True)
    moved = differing(ours.values[at], theirs.values[bt])
    found = [
        Difference("bar", int(ts), _row(ours.values[i]), _row(theirs.values[j]))
        for ts, i, j in zip(both[moved], at[moved], bt[moved], strict=True)
    ]
    for i in np.flatnonzero(~np.isin(ours.ts, both)):
        found.append(Difference("bar", int(ours.ts[i]), _row(ours.values[i]), None))
    for j in np.flatnonzero(~np.isin(theirs.ts, both)):
        found.append(Difference("bar", int(theirs.ts[j]), None, _row(theirs.values[j])))
    return sorted(found, key=lambda difference: difference.ts)


def differing(ours: Floats, theirs: Floats) -> Bools:
    """Say which of two sets of aligned bars differ by more than the provider's own rounding.

    Parameters
    ----------
    ours, theirs : ndarray of float64, shape (n_rows, 5)

    Returns
    -------
    ndarray of bool, shape (n_rows,)
    """
    prices = np.isclose(ours[:, :4], theirs[:, :4], rtol=PRICE_RTOL, atol=0, equal_nan=True)
    volume = np.isclose(ours[:, 4], theirs[:, 4], rtol=VOLUME_RTOL, atol=1.0, equal_nan=True)
    return ~(prices.all(axis=1) & volume)


def _row(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _events(ours: Events, theirs: Events) -> list[Difference]:
    stored = dict(zip(event_keys(ours), ours.value.tolist(), strict=True))
    received = dict(zip(event_keys(theirs), theirs.value.tolist(), strict=True))
    found = []
    for key in sorted({*stored, *received}):
        old, new = stored.get(key), received.get(key)
        if old is not None and new is not None and abs(new - old) <= EVENT_RTOL * abs(old):
            continue
        ts, kind = key
        found.append(
            Difference(kind, ts, None if old is None else (old,), None if new is None else (new,))
        )
    return found


def _other_units(ours: Prices, theirs: Prices, window: tuple[int, int]) -> str:
    """Say why an answer cannot be joined on, or nothing."""
    inside: Ints = np.flatnonzero((ours.ts >= window[0]) & (ours.ts <= window[1]))
    if inside.size == 0 or len(theirs) == 0:
        return ""
    both, at, bt = np.intersect1d(ours.ts, theirs.ts, return_indices=True)
    if both.size == 0:
        return "not one of the bars stored for the overlap is in the answer"
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = theirs.values[bt, 3] / ours.values[at, 3]
    ratios = ratios[np.isfinite(ratios) & (ratios > 0)]
    if ratios.size == 0:
        return ""
    factor = float(np.median(ratios))
    moved = abs(factor - 1) > LEVEL_RTOL
    if moved and bool(np.all(np.abs(ratios / factor - 1) < LEVEL_RTOL)):
        return f"all closes of the overlap are {factor:.6g} times the stored ones"
    return ""

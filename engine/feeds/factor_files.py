"""Splits and dividends from factor files as QuantConnect's LEAN has them.

A row ``20140606,0.9741588,0.142857,645.57`` says: up to and including that day a raw price times
price factor times split factor is the adjusted price. Where the next row has other factors, the
day after is the ex-date: a split of next / this split factor, and a dividend of reference price
(the raw close of the row's day) times 1 - this / next price factor. Older files have no reference
price; the close before the ex-date stands in for it.
"""

from fractions import Fraction
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.records import DAY_NS

SIMPLE = 100  # largest term of a usual ratio; a rounded factor is taken for such a one
PRICE_ROUNDING, SPLIT_ROUNDING = 5e-8, 5e-7  # files have seven digits, older ones six of a split


class Factor(NamedTuple):
    """One row of a file."""

    line: int
    day: int
    price: float
    split: float
    reference: float  # 0 where the file has none


class Action(NamedTuple):
    """What happens on a day: new units per old, and currency per new unit."""

    ts: int  # UTC nanoseconds: first bar at or after it
    split: float
    dividend: float


def read_actions(path: Path, bars: RawBars) -> list[Action]:
    """Actions of one symbol, oldest first.

    Parameters
    ----------
    path : Path
        Folder with a file for each symbol (``msft.csv``), or the file itself.
    bars : RawBars
        Raw, daily bars at midnight of their day; for closes where a file has no reference prices.

    Raises
    ------
    DataError
        If the file is missing or a row cannot be read or makes no sense.
    """
    place = _place(path, bars.symbol)
    rows = _rows(place, bars.symbol)
    found = []
    for row, after in pairwise(rows):
        split = _ratio(row, after)
        paid = _paid(place, row, after, bars)
        if split != 1.0 or paid > 0.0:
            found.append(Action((row.day + 1) * DAY_NS, split, paid / split))
    return found


def _place(path: Path, symbol: str) -> Path:
    """File of a symbol; LEAN writes names small."""
    if path.is_file():
        if path.stem.lower() != symbol.lower():
            raise DataError(
                f"data.actions.path: {path} is a file of {path.stem} and not of {symbol}; name the "
                "folder that holds a file for each symbol"
            )
        return path
    own = path / f"{symbol}.csv"
    return own if own.is_file() else path / f"{symbol.lower()}.csv"


def _rows(place: Path, symbol: str) -> list[Factor]:
    try:
        lines = place.read_text("utf-8").splitlines()
    except FileNotFoundError:
        raise DataError(
            f"data.actions.path: {place}: no factor file for {symbol}; add it, with the one row "
            "20501231,1,1 if there was no split and no dividend"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"data.actions.path: {place}: cannot be read: {error}") from None
    rows = [_row(place, i, text) for i, text in enumerate(lines, 1) if text.strip()]
    if not rows:
        raise DataError(f"{place}: is empty; wanted rows of date, price factor, split factor")
    for row, after in pairwise(rows):
        if after.day <= row.day:
            raise DataError(
                f"{place}:{after.line}: stands behind a row of the same or a later day; sort the "
                "rows by date and keep one of each"
            )
    return rows


def _row(place: Path, line: int, text: str) -> Factor:
    cells = [cell.strip() for cell in text.split(",")]
    try:
        if len(cells) < 3 or len(cells[0]) != 8 or not cells[0].isdecimal():
            raise ValueError
        written = f"{cells[0][:4]}-{cells[0][4:6]}-{cells[0][6:]}"
        day = int(np.datetime64(written, "D").astype(np.int64))
        price, split = float(cells[1]), float(cells[2])
        reference = float(cells[3]) if len(cells) > 3 else 0.0
    except ValueError:
        raise DataError(
            f"{place}:{line}: {text[:60]!r} is no row of a factor file; wanted YYYYMMDD, price "
            "factor, split factor and perhaps the reference price: 20140606,0.9741588,0.142857"
        ) from None
    sound = price > 0 and split > 0 and reference >= 0
    if not (sound and isfinite(price + split + reference)):
        raise DataError(
            f"{place}:{line}: factors must be above zero and finite, found {text[:60]!r}; correct "
            "the row, or begin the file after it"
        )
    return Factor(line, day, price, split, reference)


def _ratio(row: Factor, after: Factor) -> float:
    """New units per old; factors are rounded, so a ratio near a usual one is that one."""
    ratio = after.split / row.split
    slack = SPLIT_ROUNDING / after.split + SPLIT_ROUNDING / row.split
    near = Fraction(max(ratio, 1.0 / ratio)).limit_denominator(SIMPLE)
    usual = float(near if ratio >= 1.0 else 1 / near)
    return usual if abs(usual / ratio - 1.0) <= slack else ratio


def _paid(place: Path, row: Factor, after: Factor, bars: RawBars) -> float:
    """Currency per old unit."""
    kept = row.price / after.price
    slack = PRICE_ROUNDING / after.price + PRICE_ROUNDING / row.price
    if abs(kept - 1.0) <= slack:
        return 0.0
    if kept > 1.0:
        raise DataError(
            f"{place}:{after.line}: the price factor falls from {row.price:g} to {after.price:g}, "
            "which would be a dividend below zero; correct the row"
        )
    return (row.reference or _close_before(bars, row.day)) * (1.0 - kept)


def _close_before(bars: RawBars, day: int) -> float:
    """Last close up to a day, 0 before the first: nothing is held then, so nothing is paid."""
    known = np.flatnonzero((bars.ts < (day + 1) * DAY_NS) & (bars.close > 0))
    return float(bars.close[known[np.argmax(bars.ts[known])]]) if known.size else 0.0

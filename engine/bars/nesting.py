"""Finer bars laid inside those a run trades on, to see what happened first."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tradewind.engine.bars.bins import NO_BIN, bins
from tradewind.engine.bars.resampling import groups
from tradewind.engine.errors import DataError
from tradewind.engine.records import Bools, Floats, Ints, Panel, label

ROUNDING = 1e-6  # relative; one of the two may have been stored as float32
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Nested:
    """Finer bars in the order of the bars they lie in.

    Attributes
    ----------
    first : ndarray of int64, shape (n_bars + 1,)
        Finer bars of bar t are rows ``first[t]`` to ``first[t + 1] - 1``.
    open, high, low, close : ndarray of float64, shape (n_fine, n_symbols)
        NaN where nothing traded.
    notes : tuple of str
        Where the finer bars do not tell everything, in sentences.
    """

    first: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    notes: tuple[str, ...]


def nested(fine: Panel, coarse: Panel) -> Nested:
    """Lay the bars of ``fine`` inside those of ``coarse``.

    Parameters
    ----------
    fine : Panel
        Shorter bars of at least the same symbols.
    coarse : Panel

    Returns
    -------
    Nested
        A bar without finer ones has none: what they would decide stays as uncertain as it was.

    Raises
    ------
    DataError
        If a symbol has no finer bars, bars close at other times, lie across the borders of the
        longer ones, or trade at prices outside them.
    """
    absent = [symbol for symbol in coarse.symbols if symbol not in fine.symbols]
    if absent:
        raise DataError(
            f"data.intrabar: no finer bars of {', '.join(absent[:5])}; take them from a source "
            "that has every symbol, or leave the symbol out of data.symbols"
        )
    fine = fine.select(coarse.symbols)
    rows, first, inside = _blocks(fine, coarse)
    at = _span(rows)
    shut = ~inside | (fine.volume[at] == 0)  # nobody could trade on a bar without volume
    prices = {name: getattr(fine, name)[at] for name in PRICES}
    if shut.any():
        prices = {name: np.where(shut, np.nan, array) for name, array in prices.items()}
    found = Nested(first, **prices, notes=())
    return Nested(first, **prices, notes=_compared(found, coarse))


def _span(rows: Ints) -> Any:
    """Rows as a slice where they are one, so that nothing is copied."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _blocks(fine: Panel, coarse: Panel) -> tuple[Ints, Ints, Bools]:
    """Finer rows bar by bar, where each bar's begin, and which cells belong to it.

    A bar of one exchange may hold rows before the close of another's, which then stand twice:
    once for each, with the other's cells empty.
    """
    spans = []
    for (calendar, columns), (other, _) in zip(groups(coarse), groups(fine), strict=True):
        if calendar != other:
            raise DataError(
                f"data.intrabar: its calendar is {other}, that of the bars {calendar}; give both "
                "the same data.calendar"
            )
        spans.append((columns, _owners(fine, coarse, columns, calendar)))
    if len(spans) == 1:
        owner = spans[0][1]
        rows = np.flatnonzero(owner != NO_BIN)
        first = np.searchsorted(owner[rows], np.arange(coarse.n_bars + 1))
        return rows, first.astype(np.int64), np.ones((len(rows), 1), np.bool_)
    pairs = np.unique(
        np.concatenate([np.stack([owner, np.arange(fine.n_bars)], 1) for _, owner in spans]), axis=0
    )
    pairs = pairs[pairs[:, 0] != NO_BIN]
    inside = np.zeros((len(pairs), coarse.n_symbols), np.bool_)
    for columns, owner in spans:
        inside[:, columns] = (owner[pairs[:, 1]] == pairs[:, 0])[:, None]
    first = np.searchsorted(pairs[:, 0], np.arange(coarse.n_bars + 1))
    return pairs[:, 1], first.astype(np.int64), inside


def _owners(fine: Panel, coarse: Panel, columns: Ints, calendar: str | None) -> Ints:
    """Row in ``coarse`` of the bar that each finer row of a calendar's symbols belongs to."""
    rows = np.flatnonzero(~np.isnan(fine.close[:, columns]).all(axis=1))
    whole = np.flatnonzero(~np.isnan(coarse.close[:, columns]).all(axis=1))
    owner = np.full(fine.n_bars, NO_BIN, np.int64)
    if not len(rows) or not len(whole):
        return owner
    found = bins(fine.ts[rows], calendar, fine.interval, coarse.interval)
    closes = coarse.ts[whole]
    spanned = (closes >= found.closes[0]) & (closes <= found.closes[-1])
    strange = spanned & ~np.isin(closes, found.closes)
    met = np.isin(found.closes, closes)
    if strange.any() and not met.any():
        at = closes[strange][0]
        near = found.closes[np.abs(found.closes - at).argmin()]
        raise DataError(
            f"data.intrabar: a {coarse.interval} bar closes at {label(at)}, one made of the "
            f"{fine.interval} bars at {label(near)}; do they follow the same calendar and zone?"
        )
    place = np.where(met, whole[np.searchsorted(closes, found.closes).clip(max=len(whole) - 1)], -1)
    owner[rows] = np.append(place, NO_BIN)[found.of]
    return owner


def _compared(found: Nested, coarse: Panel) -> tuple[str, ...]:
    """Refuse finer bars that trade outside their bar; say how many do not reach its extremes."""
    n_fine = np.diff(found.first)
    held = np.flatnonzero(n_fine)
    if not len(held):
        raise DataError(
            "data.intrabar: not one finer bar lies inside the bars traded on; do they cover the "
            "same time?"
        )
    top = np.fmax.reduceat(found.high, found.first[:-1][held], axis=0)
    bottom = np.fmin.reduceat(found.low, found.first[:-1][held], axis=0)
    high, low = coarse.high[held], coarse.low[held]
    with np.errstate(invalid="ignore"):
        beyond = (top > high * (1 + ROUNDING)) | (bottom < low * (1 - ROUNDING))
        short = (top < high * (1 - ROUNDING)) | (bottom > low * (1 + ROUNDING))
    if beyond.any():
        t, k = (int(i) for i in np.argwhere(beyond)[0])
        raise DataError(
            f"data.intrabar: the finer bars of {coarse.symbols[k]} reach from {bottom[t, k]:g} to "
            f"{top[t, k]:g} inside the bar that closes at {label(coarse.ts[held[t]])}, which "
            f"reaches from {low[t, k]:g} to {high[t, k]:g} ({int(beyond.sum()):,} bars like it); "
            "are both adjusted alike? data.resample makes the bars of the finer ones"
        )
    traded = ~np.isnan(coarse.close) & (coarse.volume != 0)
    lacking = int(traded.sum() - (traded[held] & ~np.isnan(top)).sum())
    return (
        *_note(lacking, "no finer bars"),
        *_note(int(short.sum()), "finer bars that do not reach the high or low"),
    )


def _note(count: int, what: str) -> tuple[str, ...]:
    if not count:
        return ()
    return (
        f"Inside the bar: {count:,} bars have {what}; what those do not show is decided as if "
        "there were none.",
    )

"""Loops that put bars together to longer ones; in the subset numba compiles.

Each walks the rows of a panel once, in the order they lie in memory.
"""

from typing import Any

FIRST, LAST, MAX, MIN, SUM, MEAN, PRODUCT = range(7)


def fold_bars(
    of: Any, columns: Any, bars: Any, volume: Any, out: Any, out_volume: Any, traded: Any
) -> None:
    """Open, high, low, close and volume of longer bars.

    A bar of zero volume is a quote, not a trade: it counts only until a trade comes.

    Parameters
    ----------
    of : ndarray of int64, shape (n_rows,)
        Row of the longer bar, -1 for none.
    columns : ndarray of int64
        Symbols to fold.
    bars : tuple of four ndarray, shape (n_rows, n_symbols)
        Open, high, low, close.
    volume : ndarray, shape (n_rows, n_symbols)
    out : tuple of four ndarray, shape (n_out, n_symbols)
        NaN; filled.
    out_volume : ndarray, shape (n_out, n_symbols)
        NaN; filled. A sum with an unknown part is unknown.
    traded : ndarray of bool, shape (n_out, n_symbols)
        False; filled: whether any volume was above zero or unknown.
    """
    open_, high, low, close = bars
    out_open, out_high, out_low, out_close = out
    for t in range(len(of)):
        b = of[t]
        if b < 0:
            continue
        for k in columns:
            last = close[t, k]
            if last != last:
                continue
            units = volume[t, k]
            trade = units != 0.0
            empty = out_close[b, k] != out_close[b, k]
            if empty or (trade and not traded[b, k]):
                out_open[b, k] = open_[t, k]
                out_high[b, k] = high[t, k]
                out_low[b, k] = low[t, k]
                out_close[b, k] = last
                traded[b, k] = trade
            elif trade or not traded[b, k]:
                if high[t, k] > out_high[b, k]:
                    out_high[b, k] = high[t, k]
                if low[t, k] < out_low[b, k]:
                    out_low[b, k] = low[t, k]
                out_close[b, k] = last
            out_volume[b, k] = units if empty else out_volume[b, k] + units


def fold_column(of: Any, columns: Any, values: Any, rule: int, out: Any, count: Any) -> None:
    """Fold one further column by one rule, passing over what is NaN.

    Parameters
    ----------
    of, columns
        As in :func:`fold_bars`.
    values : ndarray, shape (n_rows, n_symbols)
    rule : int
        FIRST ... PRODUCT.
    out : ndarray, shape (n_out, n_symbols)
        NaN; filled.
    count : ndarray of int64, shape (n_out, n_symbols)
        Zero; filled with the values that went in.
    """
    for t in range(len(of)):
        b = of[t]
        if b < 0:
            continue
        for k in columns:
            value = values[t, k]
            if value != value:
                continue
            if count[b, k] == 0 or rule == LAST:
                out[b, k] = value
            elif rule == MAX:
                out[b, k] = max(out[b, k], value)
            elif rule == MIN:
                out[b, k] = min(out[b, k], value)
            elif rule in (SUM, MEAN):
                out[b, k] += value
            elif rule == PRODUCT:
                out[b, k] *= value
            count[b, k] += 1
    if rule == MEAN:
        for b in range(out.shape[0]):
            for k in columns:
                if count[b, k]:
                    out[b, k] /= count[b, k]

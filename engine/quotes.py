"""Bid and ask bars as columns: their names, and what is wrong with them.

The masks work on one symbol, shape (n_rows,), and on a panel's columns, shape (n_bars, n_symbols).
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from tradewind.engine.records import Bools, Floats

PRICES = ("open", "high", "low", "close")
ASK = tuple(f"ask_{name}" for name in PRICES)
BID = tuple(f"bid_{name}" for name in PRICES)
QUOTES = (*ASK, *BID)
WIDEST = 1.0  # full spread over mid; beyond it a side is a placeholder and not a price
ROUNDING = 1e-9  # relative, as for traded bars

Columns = Mapping[str, Floats]


def has_quotes(columns: Collection[str]) -> bool:
    """Whether all four prices of both sides are there."""
    return set(QUOTES) <= set(columns)


def mids(columns: Columns) -> dict[str, Floats]:
    """Open, high, low and close halfway between the sides, by name."""
    return {n: (columns[f"bid_{n}"] + columns[f"ask_{n}"]) / 2.0 for n in PRICES}


def relative_spread(columns: Columns, name: str) -> Floats:
    """Full spread over mid of one of the four prices."""
    ask, bid = columns[f"ask_{name}"], columns[f"bid_{name}"]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(2.0 * (ask - bid) / (ask + bid))


def faults(columns: Columns) -> dict[str, Bools]:
    """Mask of each kind of fault, each bar under the first that it has.

    Returns
    -------
    dict of str to ndarray of bool
        ``no_quote`` (missing, infinite, zero or below), ``crossed`` (bid above ask), ``wide_quote``
        (over 100 % of mid), ``quote_range`` (a side's open or close outside its high and low).
    """
    shape = columns[QUOTES[0]].shape
    absent, crossed, wide = (np.zeros(shape, np.bool_) for _ in range(3))
    for name in QUOTES:  # one by one: eight columns of a large panel are not held twice
        absent |= ~(np.isfinite(columns[name]) & (columns[name] > 0))
    for name, ask, bid in zip(PRICES, ASK, BID, strict=True):
        crossed |= columns[bid] > columns[ask]
        wide |= relative_spread(columns, name) > WIDEST
    outside = _outside(columns, ASK) | _outside(columns, BID)
    found: dict[str, Bools] = {}
    seen = np.zeros(absent.shape, np.bool_)
    for kind, mask in (
        ("no_quote", absent),
        ("crossed", crossed),
        ("wide_quote", wide),
        ("quote_range", outside),
    ):
        found[kind] = mask & ~seen
        seen |= mask
    return found


def _outside(columns: Columns, side: tuple[str, ...]) -> Bools:
    open_, high, low, close = (columns[name] for name in side)
    top, bottom = np.maximum(open_, close), np.minimum(open_, close)
    slack = np.abs(top) * ROUNDING
    return np.asarray((top > high + slack) | (bottom < low - slack))


def told(kind: str, columns: Columns, at: Any) -> str:
    """What is wrong at one place, with the values.

    Parameters
    ----------
    kind : str
        A key of :func:`faults`.
    columns : mapping
    at : int or tuple of int
        Place of the bar in the arrays.
    """
    held = {name: float(columns[name][at]) for name in QUOTES}
    if kind == "no_quote":
        name = next(n for n, v in held.items() if not (np.isfinite(v) and v > 0))
        return f"{name} is {held[name]:g}, wanted a price on both sides of every bar"
    if kind == "crossed":
        name = next(n for n in PRICES if held[f"bid_{n}"] > held[f"ask_{n}"])
        return (
            f"bid_{name} {held[f'bid_{name}']:.10g} lies above ask_{name} "
            f"{held[f'ask_{name}']:.10g}: the quotes are crossed"
        )
    if kind == "wide_quote":
        name = max(PRICES, key=lambda n: held[f"ask_{n}"] / held[f"bid_{n}"])
        return (
            f"bid_{name} {held[f'bid_{name}']:.10g} and ask_{name} {held[f'ask_{name}']:.10g} are "
            "more than 100 % of their mid apart: one of them is no price"
        )
    side = "ask" if _outside({k: np.array([v]) for k, v in held.items()}, ASK)[0] else "bid"
    return (
        f"open {held[f'{side}_open']:.10g} and close {held[f'{side}_close']:.10g} of the {side} do "
        f"not lie between its low {held[f'{side}_low']:.10g} and high {held[f'{side}_high']:.10g}"
    )

"""How the score falls around the winner: a lone peak is luck, a plateau is not."""

from typing import NamedTuple

import numpy as np

from tradewind.engine.records import Floats, Ints

NEIGHBOURS = 2  # for each axis, at least LEAST in all
LEAST = 6


class Stability(NamedTuple):
    """The winner beside its nearest settings."""

    n: int  # neighbours
    winner: float
    neighbours: float  # their mean score
    worst: float
    rank: float  # share of all settings that the neighbours' mean beats
    reach: float  # mean distance to them, as a share of the space's diagonal


def stability(points: Floats, score: Floats, winner: int) -> Stability | None:
    """Compare the winner with its neighbourhood; higher scores are better.

    Parameters
    ----------
    points : ndarray of float64, shape (n_settings, n_axes)
        Each axis between 0 and 1: numbers by their range or its logarithm, words 0 where they are
        the winner's and 1 where they are not.
    score : ndarray of float64, shape (n_settings,)
        NaN = failed.
    winner : int

    Returns
    -------
    Stability or None
        None where there is nothing beside the winner.
    """
    ways = np.sqrt(((points - points[winner]) ** 2).sum(axis=1))
    others = np.flatnonzero(~np.isnan(score) & (ways > 0.0))
    if not len(others):
        return None
    order = others[np.argsort(ways[others], kind="stable")]
    near: Ints = order[: max(LEAST, NEIGHBOURS * points.shape[1])]
    mean = float(score[near].mean())
    known = score[~np.isnan(score)]
    return Stability(
        len(near),
        float(score[winner]),
        mean,
        float(score[near].min()),
        float((known < mean).mean()),
        float(ways[near].mean() / np.sqrt(points.shape[1])),
    )

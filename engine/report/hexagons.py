"""Points counted in hexagons: a cloud of any size as a few hundred cells."""

from math import sqrt
from typing import NamedTuple

import numpy as np

from tradewind.engine.records import Floats, Ints

ACROSS = 26  # cells on the x axis


class Cells(NamedTuple):
    """Hexagons that hold a point, their corners up and down.

    ``x``, ``y`` and ``n`` (points) have the shape (n_cells,); ``half_width`` is in units of x,
    ``radius`` (centre to upper corner) in units of y.
    """

    x: Floats
    y: Floats
    n: Ints
    half_width: float
    radius: float


def hexagons(
    x: Floats, y: Floats, x_range: tuple[float, float], y_range: tuple[float, float]
) -> Cells:
    """Count points in hexagons that look regular on a plot as high as it is wide.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n_points,)
        Inside the ranges.
    x_range, y_range : tuple of float
        Low and high, apart.

    References
    ----------
    Carr et al. (1987): two shifted rectangular lattices; a point belongs to the nearer centre.
    """
    width = (x_range[1] - x_range[0]) / ACROSS
    height = (y_range[1] - y_range[0]) / ACROSS * sqrt(3.0)
    u, v = (x - x_range[0]) / width, (y - y_range[0]) / height
    even = np.rint(u), np.rint(v)
    odd = np.floor(u) + 0.5, np.floor(v) + 0.5
    # In a regular lattice a step up is sqrt(3) times a step across.
    to_even = (u - even[0]) ** 2 + 3.0 * (v - even[1]) ** 2
    to_odd = (u - odd[0]) ** 2 + 3.0 * (v - odd[1]) ** 2
    nearer = to_even <= to_odd
    centres = np.where(nearer, even[0], odd[0]), np.where(nearer, even[1], odd[1])
    cells, count = np.unique(np.stack(centres), axis=1, return_counts=True)
    return Cells(
        x_range[0] + cells[0] * width,
        y_range[0] + cells[1] * height,
        count.astype(np.int64),
        width / 2.0,
        height / 3.0,
    )

"""How wide the spread may become before nothing is left: one run at many multiples of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.jsonable import jsonable
from tradewind.engine.records import Floats

SCALES = tuple(k / 4 for k in range(21))  # multiples of the run's own spread: 0 to 5


class Outcome(NamedTuple):
    """A run at each multiple of its spread, shape (n_scales,)."""

    sharpe: Floats  # annual, after all costs; NaN where returns do not vary or equity is gone
    final_equity: Floats  # account currency


Simulate = Callable[[Floats], Outcome]
"""Runs a strategy at each of several multiples of its spread."""


def break_even(simulate: Simulate) -> dict[str, Any]:
    """Curve of a run over multiples of its spread, and where it crosses zero.

    Parameters
    ----------
    simulate : function
        Given multiples, the outcome of each; one pass over the data for all of them.

    Returns
    -------
    dict
        ``scale``, ``sharpe`` and ``final_equity``, lists of equal length, and ``multiple``: the
        first at which the Sharpe ratio falls to zero, between two points by a straight line; 0
        where nothing is left even without a spread, None where something is left at the widest.
        Plain JSON.
    """
    scale = np.array(SCALES)
    found = simulate(scale)
    return jsonable(  # type: ignore[no-any-return]
        {
            "scale": scale.tolist(),
            "sharpe": found.sharpe.tolist(),
            "final_equity": found.final_equity.tolist(),
            "multiple": crossing(scale, found.sharpe),
        }
    )


def crossing(scale: Floats, sharpe: Floats) -> float | None:
    """First multiple at which a curve that starts above zero is no longer there.

    Parameters
    ----------
    scale, sharpe : ndarray of float64, shape (n_scales,)
        Multiples, increasing; a Sharpe ratio that is NaN (an account that was ruined, say) is no
        longer above zero.

    Returns
    -------
    float or None
        By a straight line between two points, or the later of them where that one is NaN.
    """
    above = sharpe > 0
    if above.all():
        return None
    i = int(np.argmin(above))
    if i == 0 or np.isnan(sharpe[i]):
        return float(scale[i])
    share = sharpe[i - 1] / (sharpe[i - 1] - sharpe[i])
    return float(scale[i - 1] + share * (scale[i] - scale[i - 1]))

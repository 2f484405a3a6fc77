"""Which forecasters may be the best one, as far as the dates compared can tell."""

from collections.abc import Mapping, Sequence
from typing import Any

from tradewind.engine.records import Floats

SIZE = 0.10  # of the model confidence set: it holds the best one in nine of ten cases
REPETITIONS = 2_000  # bootstrap samples behind it


def confidence_sets(
    losses: Mapping[str, Mapping[str, Floats]], order: Sequence[str], horizon: int, seed: int
) -> tuple[dict[str, dict[str, Any]], str]:
    """Confidence set of each loss, and a note where there is none.

    Parameters
    ----------
    losses : mapping of str to (mapping of str to ndarray of float64, shape (n_dates,))
        Loss -> name -> its mean on each date.
    order : sequence of str
        Names that take part.
    horizon : int
        Bars from a date to its outcome.
    seed : int
        Of the bootstrap.

    Returns
    -------
    mapping
        Name -> loss -> ``p`` and whether it is ``inside``; empty where there is no set.
    str
        Why there is none.
    """
    n_dates = len(next(iter(losses["mae"].values()), ()))
    if len(order) < 2 or n_dates < 5 * horizon or n_dates < 20:
        return {}, f"no model confidence set for {len(order)} forecasters over {n_dates} dates"
    found: dict[str, dict[str, Any]] = {name: {} for name in order}
    for loss, of_each in losses.items():
        chances = confidence_set(of_each, horizon=horizon, seed=seed)
        if chances is None:
            return {}, "no model confidence set: pip install 'tradewind[ml]' for the package arch"
        for name, p in chances.items():
            found[name][loss] = {"p": p, "inside": p > SIZE}
    return found, ""


def confidence_set(
    losses: Mapping[str, Floats], *, horizon: int, seed: int
) -> dict[str, float] | None:
    """Chance with which each stays in the model confidence set; None without the package ``arch``.

    Parameters
    ----------
    losses : mapping of str to ndarray of float64, shape (n_dates,)
    horizon : int
        Blocks of the stationary bootstrap are at least twice as long on average, and at least the
        square root of the number of dates.
    seed : int

    Returns
    -------
    mapping of str to float
        At most SIZE: outside the set. Forecasters whose losses are equal share their chance.

    References
    ----------
    Hansen, Lunde and Nason (2011), with the range statistic.
    """
    try:
        from arch.bootstrap import MCS
    except ImportError:
        return None
    import pandas as pd

    twin = {}  # the test divides by the variance of differences, which equal losses do not have
    kept: dict[bytes, str] = {}
    for name, loss in losses.items():
        twin[name] = kept.setdefault(loss.tobytes(), name)
    names = sorted(set(twin.values()))
    if len(names) == 1:
        return dict.fromkeys(losses, 1.0)
    table = pd.DataFrame({name: losses[name] for name in names})
    block = max(2 * horizon, round(len(table) ** 0.5))
    test = MCS(table, size=SIZE, reps=REPETITIONS, block_size=block, method="R", seed=seed)
    test.compute()
    chance = test.pvalues["Pvalue"]
    return {name: float(chance[twin[name]]) for name in losses}

"""What a leak is worth: the information coefficient with it and without it."""

import numpy as np

from tradewind.engine.audit.findings import Worth
from tradewind.engine.audit.stages import Stage
from tradewind.engine.records import Floats, Panel
from tradewind.engine.scoring.evaluation import realised

FEWEST = 12  # pairs: below this a correlation says nothing


def worth_of(stage: Stage, name: str, panel: Panel, n_bars: int) -> Worth | None:
    """Compare a column as it stands with its values when each bar had just closed.

    Parameters
    ----------
    stage : Stage
    name : str
        Of one of its outputs.
    panel : Panel
    n_bars : int
        Bars at which the honest value is made, from the bars up to it alone.

    Returns
    -------
    Worth or None
        None where too few values are known to say anything.
    """
    if n_bars == 0:
        return None
    whole = stage.compute(panel)[name]
    truth = realised(panel, stage.horizon)
    low = max(stage.first + 1, panel.n_bars // 5)
    last = panel.n_bars - stage.horizon
    rows = np.unique(np.linspace(low, last - 1, min(n_bars, max(1, last - low))).astype(int))
    honest = np.full((len(rows), panel.n_symbols), np.nan)
    for i, row in enumerate(rows):
        try:
            honest[i] = stage.compute(panel.past(int(row) + 1))[name][row]
        except Exception:  # too short for the stage: there is no honest value to compare with
            continue
    return compared(whole[rows], honest, truth[rows], stage.horizon)


def compared(leaking: Floats, honest: Floats, truth: Floats, horizon: int) -> Worth | None:
    """Correlations of both with what came, where it is known; None where there are too few pairs.

    Parameters
    ----------
    leaking, honest, truth : ndarray of float64, of one shape
    horizon : int
    """
    known = np.isfinite(leaking) & np.isfinite(truth)
    n_pairs = int(known.sum())
    if n_pairs < FEWEST:
        return None
    fair = known & np.isfinite(honest)
    return Worth(
        leaking=pooled_ic(leaking[known], truth[known]),
        honest=pooled_ic(honest[fair], truth[fair]) if fair.sum() >= FEWEST else 0.0,
        se=float(np.sqrt(2.0 / n_pairs)),
        n_pairs=n_pairs,
        horizon=horizon,
    )


def pooled_ic(x: Floats, y: Floats) -> float:
    """Rank correlation over all pairs of bar and symbol; 0 where either does not vary."""
    a, b = _centred_ranks(x), _centred_ranks(y)
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0 else 0.0


def _centred_ranks(x: Floats) -> Floats:
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    average: Floats = (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]
    centred: Floats = average - average.mean()
    return centred

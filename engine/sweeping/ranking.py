"""Which of the trials are best: one, or those that no other beats in everything."""

from collections.abc import Sequence

import numpy as np

from tradewind.engine.records import Bools, Floats
from tradewind.engine.sweeping.evaluating import Outcome


def front(outcomes: Sequence[Outcome], signs: Sequence[float]) -> list[int]:
    """Places of the trials that keep to every constraint and that none other dominates.

    The best in the first objective comes first; of equal trials the earliest stays.
    """
    places = [i for i, outcome in enumerate(outcomes) if outcome.feasible]
    if not places:
        return []
    gains = np.array([outcomes[i].scores for i in places]) * np.asarray(signs)
    kept = undominated(gains)
    order = sorted(np.flatnonzero(kept).tolist(), key=lambda j: (-gains[j, 0], places[j]))
    return [places[j] for j in order]


def undominated(gains: Floats) -> Bools:
    """Rows that no other row is at least as good as everywhere and better somewhere.

    Parameters
    ----------
    gains : ndarray of float64, shape (n, n_objectives)
        More is better. Of equal rows the first counts.
    """
    _, first = np.unique(gains, axis=0, return_index=True)
    kept = np.zeros(len(gains), bool)
    if gains.shape[1] == 1:
        kept[int(np.argmax(gains[:, 0]))] = True
        return kept
    order = first[np.lexsort(-gains[first].T[::-1])]  # by the first objective, best first
    found: list[int] = []
    for i in order.tolist():
        ahead = gains[found]
        beaten = bool(len(found)) and bool((ahead >= gains[i]).all(axis=1).any())
        if not beaten:
            found.append(i)
    kept[found] = True
    return kept

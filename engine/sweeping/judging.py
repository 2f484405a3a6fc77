"""How much of the winner is luck: the seam to the statistics of trials.

Everything that a judgement needs is handed over here, in one place: the returns of each bar of the
trials that are kept, the winner among them, the benchmark, and how many were tried.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tradewind.engine.luck.recording import ever_tried
from tradewind.engine.luck.statement import Trials, luck
from tradewind.engine.records import Floats


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a sweep knows about its own selection.

    Attributes
    ----------
    returns : ndarray of float32 or float64, shape (n_kept, n_returns)
        Of each bar, a row a trial; an unbiased sample of all trials where not all are kept.
    winner : ndarray of float64, shape (n_returns,)
        The best trial's.
    benchmark : ndarray of float64, shape (n_returns,)
    per_year : float
        Bars a year.
    tried : int
        Settings that were run, those that are not kept among them.
    data_digest : str
    digests : sequence of str
        Of the settings, as the ledger of trials knows them.
    seed : int
    """

    returns: Any
    winner: Floats
    benchmark: Floats
    per_year: float
    tried: int
    data_digest: str
    digests: Sequence[str] = ()
    seed: int = 0


def judged(evidence: Evidence) -> Mapping[str, Any]:
    """What is to be said about the winner: ``docs/luck.md``."""
    ever, untold = ever_tried(evidence.data_digest, evidence.digests)
    trials = Trials(
        evidence.returns, evidence.winner, evidence.benchmark, evidence.per_year,
        evidence.tried, max(ever, evidence.tried), evidence.seed,
    )  # fmt: skip
    found = luck(trials)
    if untold:
        found["missing"] = {**found["missing"], "ledger": untold}
    return found

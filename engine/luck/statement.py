"""What a sweep must say about its winner, in numbers and in one sentence."""

from collections.abc import Mapping
from math import isfinite, sqrt
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.errors import DataError
from tradewind.engine.jsonable import jsonable
from tradewind.engine.luck import expected_maximum as maximum
from tradewind.engine.luck.overfitting import BLOCKS, block_sums, overfitting
from tradewind.engine.luck.reality_check import block_length, luck_of_the_best, reality_check
from tradewind.engine.records import Floats

LOGIT_BINS = 41
MOST_LOGIT = 10.0
SIGNIFICANT = 0.95


class Trials(NamedTuple):
    """What is known of the trials of a sweep."""

    returns: Floats  # (n_kept, n_bars) of each bar, a fair sample of all trials or all of them
    winner: Floats  # (n_bars,)
    benchmark: Floats  # (n_bars,)
    per_year: float  # bars
    tried: int  # by this sweep
    ever: int  # distinct ones on this data, by anybody
    seed: int = 0


def luck(trials: Trials) -> dict[str, Any]:
    """Everything that is said of the winner; plain JSON values.

    Parameters
    ----------
    trials : Trials

    Returns
    -------
    dict
        ``sentence`` among the numbers; ``missing`` says what could not be told, and why.

    Notes
    -----
    The number of independent trials is that whose best, by Bailey and Lopez de Prado's formula, is
    what resamples of the kept trials show as their best when their means are taken off. Of trials
    that were not kept as many are taken to be independent as of those that were, which is the
    cautious side.
    """
    missing: dict[str, str] = {}
    found: dict[str, Any] = {
        "trials": trials.tried, "trials_ever": trials.ever, "kept": len(trials.returns),
        "bars": trials.returns.shape[1], "years": trials.returns.shape[1] / trials.per_year,
    }  # fmt: skip
    kept = np.asarray(trials.returns, np.float64)
    sound = np.isfinite(kept).all(axis=1)
    kept = kept[sound]
    if (~sound).any():
        missing["ruined"] = f"{int((~sound).sum())} trials were ruined and are left out"
    for name, part in (
        ("sharpe", _sharpe), ("overfitting", _overfitting), ("reality_check", _checked)
    ):  # fmt: skip
        try:
            found[name] = part(trials, kept)
        except DataError as error:
            found[name], missing[name] = None, str(error)
    found["missing"] = missing
    found["sentence"] = sentence(found)
    result: dict[str, Any] = jsonable(found)
    return result


def _sharpe(trials: Trials, kept: Floats) -> dict[str, Any]:
    own = maximum.moments(trials.winner)
    if not len(kept):
        raise DataError("luck: no trial is left")
    year = sqrt(trials.per_year)
    block = block_length(kept)
    best = luck_of_the_best(kept, block=block, seed=trials.seed)
    independent = min(maximum.independent_trials(best), float(len(kept)))
    share = independent / len(kept)
    spread = _spread_of(kept)
    found: dict[str, Any] = {
        "winner": own.sharpe * year, "skew": own.skew, "kurtosis": own.kurtosis,
        "independent_of_kept": independent, "block": block,
        "probabilistic": maximum.probabilistic_sharpe(own),
        "least_track_record_bars": maximum.least_track_record(own),
    }  # fmt: skip
    for name, n in (("sweep", trials.tried), ("ever", trials.ever)):
        count = max(1.0, share * n)
        chance = maximum.expected_maximum(count)
        found[name] = {
            "independent": count,
            "expected_maximum": chance / sqrt(own.n) * year,
            "deflated": maximum.probabilistic_sharpe(own, chance / sqrt(own.n)),
            "deflated_by_spread": maximum.deflated_sharpe(own, count, spread),
            "least_years": maximum.least_backtest_years(count, own.sharpe * year),
        }
    return found


def _spread_of(kept: Floats) -> float:
    """Standard deviation of the trials' Sharpe ratios of one bar."""
    deviation = kept.std(axis=1, ddof=1)
    some = deviation > 0.0
    ratios = kept[some].mean(axis=1) / deviation[some]
    return float(ratios.std(ddof=1)) if len(ratios) > 1 else 0.0


def _overfitting(trials: Trials, kept: Floats) -> dict[str, Any]:
    del trials
    found = overfitting(block_sums(kept, BLOCKS))
    edges = np.linspace(-MOST_LOGIT, MOST_LOGIT, LOGIT_BINS + 1)
    counts, _ = np.histogram(np.clip(found.logits, -MOST_LOGIT, MOST_LOGIT), edges)
    return {
        "probability": found.probability, "splits": len(found.logits), "blocks": BLOCKS,
        "slope": found.slope, "loss": found.loss, "logit_edges": edges.tolist(),
        "logit_counts": counts.tolist(), "median_inside": float(np.median(found.inside)),
        "median_outside": float(np.median(found.outside)),
    }  # fmt: skip


def _checked(trials: Trials, kept: Floats) -> dict[str, Any]:
    found = reality_check(kept, trials.benchmark, seed=trials.seed)
    return {**found._asdict(), "rules": len(kept)}


def sentence(found: Mapping[str, Any]) -> str:
    """One plain sentence for people."""
    ratio = found["sharpe"]
    if ratio is None:
        return "The winner's returns do not vary, so there is nothing to be said about its luck."
    ever = ratio["ever"]
    told = (
        f"The best of {found['trials']:,} trials (some {ratio['sweep']['independent']:,.0f} "
        f"independent ones; {found['trials_ever']:,} were ever tried on this data) has a Sharpe "
        f"ratio of {ratio['winner']:.2f}; luck alone would show {ever['expected_maximum']:.2f}, "
        f"and the probability that there is skill beyond that is {ever['deflated']:.0%}"
    )
    over = found["overfitting"]
    if over is not None:
        told += f"; choosing it was overfitting in {over['probability']:.0%} of splits"
    check = found["reality_check"]
    if check is not None and isfinite(check["consistent"]):
        told += f"; against the benchmark p = {check['consistent']:.2f}"
    verdict = "this is not luck at the 5 % level" if _convincing(found) else "call it luck"
    return f"{told}: {verdict}."


def _convincing(found: Mapping[str, Any]) -> bool:
    over, check = found["overfitting"], found["reality_check"]
    return bool(
        found["sharpe"]["ever"]["deflated"] > SIGNIFICANT
        and (over is None or over["probability"] < 0.5)
        and (check is None or check["consistent"] < 1.0 - SIGNIFICANT)
    )

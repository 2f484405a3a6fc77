"""Whether a forecaster knows anything, and whether it beats what costs nothing.

Everything is computed on the same pairs of bar and symbol: those for which the forecaster and every
rival have a forecast and the outcome is known. Bars overlap (the next bar's label shares all but
one of its bars) and symbols move together, so a date is one observation and intervals allow for
dependence between neighbouring dates.
"""

from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any

import numpy as np

from tradewind.engine.errors import ForecastError
from tradewind.engine.jsonable import jsonable
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Bools, Floats, Panel
from tradewind.engine.scoring.intervals import Mean, mean_hac, ratio_hac
from tradewind.engine.scoring.proper_scores import crps_gaussian as crps_gaussian
from tradewind.engine.scoring.proper_scores import realised as realised
from tradewind.engine.scoring.proper_scores import spearman
from tradewind.engine.scoring.statistics import LossTest, diebold_mariano

LEVELS = (0.80, 0.95)
MIN_CROSS_SECTION = 3  # symbols on a date, below which a rank correlation says nothing
SIGNIFICANT = 0.05
# What the lower end of an interval does not reach without the answer in the question: honest daily
# forecasts have rank correlations near 0.04, shuffled folds gave 0.28 and a centred filter 0.79.
INCREDIBLE = {"rank_ic": ("rank correlation", 0.2), "direction": ("share of right signs", 0.65)}


def score(
    forecasts: Forecasts,
    panel: Panel,
    *,
    first_bar: int,
    rivals: Mapping[str, Forecasts],
    name: str = "forecaster",
    mean_is_return: bool = True,
) -> dict[str, Any]:
    """Accuracy of forecasts, of rivals beside them, and whether the difference can be chance.

    Parameters
    ----------
    forecasts : Forecasts
        Aligned with the panel.
    panel : Panel
    first_bar : int
        First bar whose forecast counts.
    rivals : mapping of str to Forecasts
        Of the same horizon.
    name : str
        What sentences call the forecaster.
    mean_is_return : bool
        Whether its mean is an expected return. If not, absolute errors stand in the result, but
        nobody is called better by them, and the verdict is about signs.

    Returns
    -------
    dict
        ``horizon``, ``n`` (pairs scored), ``n_dates``, ``n_unknown`` (forecasts whose horizon runs
        past the end of the panel or of the symbol, or ends on a halted bar), ``forecaster`` and
        ``rivals`` -> name -> accuracy (:func:`accuracy`; a rival also has ``against``, the
        Diebold-Mariano test of the forecaster against it), and ``verdict``, one sentence. Plain
        JSON values; None where there is no number.

    Raises
    ------
    ForecastError
        If shapes or horizons differ.
    """
    for rival, other in rivals.items():
        if other.horizon != forecasts.horizon or other.mean.shape != panel.shape:
            raise ForecastError(
                f"{rival}: horizon {other.horizon} and shape {other.mean.shape}, to be compared "
                f"with horizon {forecasts.horizon} on a panel of shape {panel.shape}"
            )
    truth = realised(panel, forecasts.horizon)
    given = np.isfinite(forecasts.mean)
    given[:first_bar] = False
    scored = given & np.isfinite(truth)
    for other in rivals.values():
        scored &= np.isfinite(other.mean)
    result: dict[str, Any] = {
        "horizon": forecasts.horizon,
        "n": int(scored.sum()),
        "n_dates": int(scored.any(axis=1).sum()),
        "n_unknown": int((given & ~np.isfinite(truth)).sum()),
        "forecaster": accuracy(forecasts, truth, scored),
        "rivals": {},
    }
    for rival, other in rivals.items():
        loss, rival_loss = _loss(forecasts, truth, scored), _loss(other, truth, scored)
        test = diebold_mariano(loss, rival_loss, horizon=forecasts.horizon)
        against = {
            **asdict(test),
            "better": _better(test, name, rival) if mean_is_return else None,
            "verdict": verdict(test, name, rival, rival_loss) if mean_is_return else "",
        }
        result["rivals"][rival] = {**accuracy(other, truth, scored), "against": against}
    if mean_is_return:
        result["verdict"] = _summary(result["rivals"], name)
    else:
        result["verdict"] = _by_signs(result["forecaster"]["direction"], name)
    return jsonable(result)  # type: ignore[no-any-return]


def suspicion(scores: Mapping[str, Any], name: str) -> str:
    """One sentence on scores too good to be true, empty where they are not.

    No check of the code finds a column of the data that was made from later bars; its scores do.

    Parameters
    ----------
    scores : mapping
        From :func:`score`; may be empty.
    name : str
        What the sentence calls the forecaster.
    """
    for key, (what, limit) in INCREDIBLE.items():
        found = scores.get("forecaster", {}).get(key, {})
        if (found.get("low") or 0.0) > limit:
            return (
                f"too good to be true: {name}'s {what} of {found['value']:.2f} (95 % interval from "
                f"{found['low']:.2f}) is beyond what honest forecasts of market prices reach; look "
                "for a column of the data that was computed with later bars"
            )
    return ""


def accuracy(forecasts: Forecasts, truth: Floats, scored: Bools) -> dict[str, Any]:
    """Numbers of one forecaster over the pairs that ``scored`` marks.

    Returns
    -------
    dict
        ``mae``, ``rmse`` and ``crps`` (log return), ``direction``, ``rank_ic``, ``coverage_80``,
        ``coverage_95`` (see :meth:`Forecasts.interval`), and ``pinball`` by level where quantiles
        are given.
    """
    overlap = forecasts.horizon - 1
    error = np.where(scored, truth - forecasts.mean, np.nan)
    absolute = np.abs(error[scored])
    result: dict[str, Any] = {
        "mae": _average(absolute),
        "rmse": _average(absolute**2) ** 0.5,
        "crps": _average(crps_gaussian(error[scored], forecasts.std[scored])),
        "direction": direction(forecasts.mean, truth, scored, overlap),
        "rank_ic": rank_ic(forecasts.mean, truth, scored, overlap),
    }
    for level in LEVELS:
        low, high = forecasts.interval(level)
        inside = _by_date((truth >= low) & (truth <= high), scored)
        share = ratio_hac(*inside, overlap=overlap)
        result[f"coverage_{level * 100:.0f}"] = _interval(share)
    if forecasts.levels:
        result["pinball"] = {
            f"{level:g}": _average(pinball(truth - forecasts.quantiles[:, :, i], level)[scored])
            for i, level in enumerate(forecasts.levels)
        }
    return result


def direction(mean: Floats, truth: Floats, scored: Bools, overlap: int) -> dict[str, Any]:
    """How often the sign is right, where both sides have one.

    Returns
    -------
    dict
        ``value``, ``low``, ``high`` (95 %), ``se``; ``n`` pairs, ``n_dates``; ``share_up`` of the
        outcomes; ``by_chance``, the hit rate of a forecaster that says "up" as often as this one
        but knows nothing; and ``skill``, value minus that, with its ``p``. A hit rate above one
        half is no skill where most outcomes are up.

    References
    ----------
    ``by_chance`` is the benchmark of Pesaran and Timmermann (1992); their variance assumes
    independent observations, ours allows for dependence between dates.
    """
    counted = scored & (mean != 0) & (truth != 0)
    up, said = counted & (truth > 0), counted & (mean > 0)
    hits, pairs = _by_date(up == said, counted)
    rate = ratio_hac(hits, pairs, overlap=overlap)
    result = {**_interval(rate), "n": int(counted.sum())}
    if not counted.any():
        return {**result, "share_up": None, "by_chance": None, "skill": None, "p": None}
    share_up, share_said = up.sum() / counted.sum(), said.sum() / counted.sum()
    by_chance = share_up * share_said + (1 - share_up) * (1 - share_said)
    # Centred on both shares, so that their own uncertainty is in the standard error.
    product = 2.0 * np.where(counted, (up - share_up) * (said - share_said), 0.0).sum(axis=1)
    skill = ratio_hac(product[counted.any(axis=1)], pairs, overlap=overlap)
    return {
        **result,
        "share_up": float(share_up),
        "by_chance": float(by_chance),
        "skill": skill.value,
        "p": skill.p,
    }


def rank_ic(mean: Floats, truth: Floats, scored: Bools, overlap: int) -> dict[str, Any]:
    """Spearman correlation across symbols, averaged over dates.

    Dates with fewer than three symbols, or on which all forecasts are equal, have none.

    Returns
    -------
    dict
        ``value``, ``low``, ``high``, ``se``, ``t``, ``p``, ``n_dates``, and ``ratio``: mean over
        standard deviation of the dates' values.
    """
    rows = np.flatnonzero(scored.sum(axis=1) >= MIN_CROSS_SECTION)
    values = np.array(
        [spearman(mean[row, scored[row]], truth[row, scored[row]]) for row in rows], np.float64
    )
    values = values[np.isfinite(values)]
    found = mean_hac(values, overlap=overlap)
    spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    ratio = found.value / spread if spread > 0 else float("nan")
    return {**_interval(found, floor=-1.0), "t": found.t, "p": found.p, "ratio": ratio}


def pinball(error: Floats, level: float) -> Floats:
    """Quantile loss of ``outcome - quantile`` at ``level``; smaller is better."""
    loss: Floats = np.maximum(level * error, (level - 1) * error)
    return loss


def _interval(found: Mean, *, floor: float = 0.0) -> dict[str, Any]:
    """Plain form of a mean whose interval cannot leave [floor, 1]."""
    return {
        "value": found.value,
        "low": float(np.clip(found.low, floor, 1.0)),
        "high": float(np.clip(found.high, floor, 1.0)),
        "se": found.se,
        "n_dates": found.n,
    }


def _average(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")


def _by_date(marks: Bools, counted: Bools) -> tuple[Floats, Floats]:
    """Per date with any pair: how many pairs are marked, and how many there are."""
    dates = counted.any(axis=1)
    hits = (marks & counted).sum(axis=1)[dates].astype(np.float64)
    return hits, counted.sum(axis=1)[dates].astype(np.float64)


def _loss(forecasts: Forecasts, truth: Floats, scored: Bools) -> Floats:
    """Absolute error of each date: its sum over the mean number of pairs on a date.

    Their mean is then the mean absolute error over all pairs, so the test speaks of the numbers
    that stand in the table, whatever symbols come and go.
    """
    dates = scored.any(axis=1)
    error = np.where(scored, np.abs(truth - forecasts.mean), 0.0).sum(axis=1)[dates]
    return np.asarray(error * (len(error) / max(int(scored.sum()), 1)))


def _better(test: LossTest, name: str, rival: str) -> str | None:
    """Which of the two is better beyond chance."""
    if not (isfinite(test.p) and test.p < SIGNIFICANT):
        return None
    return name if test.difference < 0 else rival


def verdict(test: LossTest, name: str, rival: str, rival_loss: Floats) -> str:
    """One sentence on a Diebold-Mariano test."""
    if test.n == 0:
        return f"{name} and {rival} have no scored forecast in common."
    if not isfinite(test.p):
        why = f"cannot be compared over {test.n} dates"
        return f"{name} and {rival} {'make the same errors' if test.difference == 0 else why}."
    share = abs(test.difference) / float(rival_loss.mean())
    side = "smaller" if test.difference < 0 else "larger"
    chance = f"p = {test.p:.3f}" if test.p >= 0.001 else "p < 0.001"
    known = "is significant" if test.p < SIGNIFICANT else "can be chance"
    return (
        f"{name}'s mean absolute error is {share:.2%} {side} than {rival}'s over {test.n} dates; "
        f"the difference {known} (Diebold-Mariano, {chance})."
    )


def _summary(rivals: Mapping[str, Any], name: str) -> str:
    """One sentence on all rivals together."""
    winners = {rival: its["against"]["better"] for rival, its in rivals.items()}
    groups = {
        f"{name} beats": [rival for rival, winner in winners.items() if winner == name],
        f"{name} is beaten by": [rival for rival, winner in winners.items() if winner == rival],
        f"{name} is not distinguishable from": [r for r, winner in winners.items() if not winner],
    }
    parts = [f"{what} {' and '.join(whom)}" for what, whom in groups.items() if whom]
    return "; ".join(parts) + " in mean absolute error." if parts else ""


def _by_signs(found: Mapping[str, Any], name: str) -> str:
    """One sentence on a forecaster whose means are scores: how often their sign was right."""
    head = f"{name}'s mean is a score and no return, so absolute errors do not judge it"
    if found["by_chance"] is None:
        return f"{head}; no sign of it could be compared."
    known = isfinite(found["p"]) and found["p"] < SIGNIFICANT
    return (
        f"{head}; its sign is right in {found['value']:.1%} of cases (95 % interval "
        f"{found['low']:.1%} to {found['high']:.1%}), where {found['by_chance']:.1%} would be by "
        f"chance; the difference {'is significant' if known else 'can be chance'}."
    )

"""Several forecasters on the same pairs of bar and symbol: who is better, beyond chance.

Only pairs that everybody forecast and whose outcome is known are scored. The order is that of the
mean absolute error; the model confidence set says how far down the list the best one may hide.
Forecasters whose mean is a score and no return have no errors: they stand below, in the order of
their rank correlation.
"""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from tradewind.engine.errors import ForecastError
from tradewind.engine.jsonable import jsonable
from tradewind.engine.leaderboard.confidence_set import SIZE, confidence_sets
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Bools, Floats, Panel
from tradewind.engine.scoring.evaluation import accuracy, crps_gaussian, realised
from tradewind.engine.scoring.intervals import mean_hac
from tradewind.engine.scoring.statistics import diebold_mariano, normal_quantile

DECILES = tuple(k / 10 for k in range(1, 10))  # levels of the pinball loss
LEAST_SHARE = 0.5  # of the most forecasts anybody gave; who gives fewer is not compared
LOSSES = ("mae", "crps")
# What compares the mean with a return, and says nothing where the mean is a score.
ERRORS = ("mae", "rmse", "crps", "pinball", "coverage_80", "coverage_95")


def common(said: Mapping[str, Forecasts], first_bar: int) -> tuple[Bools, dict[str, str]]:
    """Pairs of bar and symbol that everybody forecast, and who is left out for giving too few.

    Parameters
    ----------
    said : mapping of str to Forecasts
        Of one shape and horizon.
    first_bar : int

    Returns
    -------
    given : ndarray of bool, shape (n_bars, n_symbols)
    left_out : mapping of str to str
        Name -> why.

    Raises
    ------
    ForecastError
        If shapes or horizons differ.
    """
    first = next(iter(said.values()))
    for name, one in said.items():
        if one.horizon != first.horizon or one.mean.shape != first.mean.shape:
            raise ForecastError(
                f"{name}: horizon {one.horizon} and shape {one.mean.shape}, to be compared with "
                f"horizon {first.horizon} and shape {first.mean.shape}"
            )
    counts = {name: int(np.isfinite(one.mean[first_bar:]).sum()) for name, one in said.items()}
    most = max(counts.values())
    left_out = {
        name: f"gave {n:,} forecasts where others gave {most:,}; compared, it would take the rest "
        "of theirs out of the comparison"
        for name, n in counts.items()
        if n < LEAST_SHARE * most
    }
    given = np.ones(first.mean.shape, bool)
    given[:first_bar] = False
    for name, one in said.items():
        if name not in left_out:
            given &= np.isfinite(one.mean)
    return given, left_out


def compare(
    said: Mapping[str, Forecasts],
    panel: Panel,
    given: Bools,
    *,
    reference: str | None,
    scores: Collection[str] = (),
    seed: int = 0,
) -> dict[str, Any]:
    """Accuracy of each forecaster on the same pairs, and what of it can be chance.

    Parameters
    ----------
    said : mapping of str to Forecasts
    panel : Panel
    given : ndarray of bool, shape (n_bars, n_symbols)
        From :func:`common`.
    reference : str or None
        Whom each is tested against: the one that costs nothing.
    scores : collection of str
        Those whose mean is a score and no return.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        ``n``, ``n_dates``, ``n_unknown``, ``rows`` -> name -> numbers of
        :func:`tradewind.engine.scoring.evaluation.accuracy` with ``pinball`` (mean over deciles),
        ``against`` (the reference), ``confidence_set`` (p by loss) and ``mean_is_return``, in the
        order of the mean absolute error; ``confidence_set_note`` where there is none. Those in
        ``scores`` come last, in the order of ``scores_by`` (``rank_ic``, or ``direction`` where a
        date has too few symbols for it), and have None for every error. Plain JSON values.
    """
    horizon = next(iter(said.values())).horizon
    truth = realised(panel, horizon)
    scored = given & np.isfinite(truth)
    returns = {name: one for name, one in said.items() if name not in scores}
    losses = {
        loss: {name: loss_by_date(one, truth, scored, loss) for name, one in returns.items()}
        for loss in LOSSES
    }
    rows = {name: _numbers(one, truth, scored) for name, one in said.items()}
    order = sorted(returns, key=lambda name: rows[name]["mae"])
    confidence, note = confidence_sets(losses, order, horizon, seed)
    below, scores_by = _by_ranks({name: rows[name] for name in said if name in scores})
    for name, row in rows.items():
        row["mean_is_return"] = name in returns
        row["confidence_set"] = confidence.get(name)
        row["against"] = _against(losses["mae"], name, reference, horizon)
        row |= dict.fromkeys(() if name in returns else ERRORS)
    found = {
        "horizon": horizon,
        "n": int(scored.sum()),
        "n_dates": int(scored.any(axis=1).sum()),
        "n_unknown": int((given & ~scored).sum()),
        "reference": reference,
        "confidence_set_size": SIZE,
        "confidence_set_note": note,
        "scores_by": scores_by,
        "rows": {name: rows[name] for name in (*order, *below)},
    }
    return jsonable(found)  # type: ignore[no-any-return]


def _by_ranks(rows: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], str | None]:
    """Names of scores, best first, and by what: ranks where all have them, else signs."""
    if not rows:
        return [], None
    by, key = "rank_ic", "value"
    if not all(np.isfinite(row["rank_ic"]["value"]) for row in rows.values()):
        by, key = "direction", "skill"
    found = {name: row[by][key] for name, row in rows.items()}
    known = {name: value for name, value in found.items() if value is not None}
    rest = [name for name in rows if name not in known]
    return [*sorted(known, key=lambda name: -known[name]), *rest], by


def _numbers(one: Forecasts, truth: Floats, scored: Bools) -> dict[str, Any]:
    found = accuracy(one, truth, scored)
    found["pinball"] = (
        float(pinball_of_deciles(one, truth, scored).mean()) if scored.any() else None
    )
    return found


def pinball_of_deciles(one: Forecasts, truth: Floats, scored: Bools) -> Floats:
    """Pinball loss of each scored pair, averaged over the deciles, shape (n_pairs,).

    A forecaster's own quantiles count where it gives that level, else those of the normal
    distribution of its mean and standard deviation.
    """
    total = np.zeros(int(scored.sum()))
    own = {round(level, 6): k for k, level in enumerate(one.levels)}
    for level in DECILES:
        if round(level, 6) in own:
            quantile = one.quantiles[:, :, own[round(level, 6)]][scored]
        else:
            quantile = one.mean[scored] + normal_quantile(level) * one.std[scored]
        error = truth[scored] - quantile
        total += np.maximum(level * error, (level - 1.0) * error)
    return np.asarray(total / len(DECILES))


def loss_by_date(one: Forecasts, truth: Floats, scored: Bools, loss: str) -> Floats:
    """Loss of each date, shape (n_dates,): its sum over the mean number of pairs on a date.

    Their mean is then the mean over all pairs, the number that stands in the table.

    Parameters
    ----------
    one : Forecasts
    truth : ndarray of float64, shape (n_bars, n_symbols)
    scored : ndarray of bool, shape (n_bars, n_symbols)
    loss : str
        ``mae`` or ``crps``.
    """
    error = np.where(scored, truth - one.mean, 0.0)
    if loss == "mae":
        values = np.abs(error)
    else:
        std = np.where(scored, one.std, 1.0)
        values = np.where(scored, crps_gaussian(error, std), 0.0)
    dates = scored.any(axis=1)
    return np.asarray(values.sum(axis=1)[dates] * (dates.sum() / max(int(scored.sum()), 1)))


def _against(
    losses: Mapping[str, Floats], name: str, reference: str | None, horizon: int
) -> dict[str, Any] | None:
    """Mean absolute error against the reference's, as a share of it; None for itself."""
    if reference is None or name == reference or not {name, reference} <= losses.keys():
        return None
    ours, theirs = losses[name], losses[reference]
    level = float(theirs.mean()) if len(theirs) else float("nan")
    test = diebold_mariano(ours, theirs, horizon=horizon)
    gap = mean_hac(np.asarray((theirs - ours) / level), overlap=horizon - 1)
    return {
        "reference": reference,
        "gain": gap.value,  # positive: smaller errors than the reference's
        "low": gap.low,
        "high": gap.high,
        "p": test.p,
    }

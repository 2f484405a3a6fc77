"""Several forecasters on the same pairs of bar and symbol: who is better, beyond chance.

Only pairs that everybody forecast and whose outcome is known are scored. The order is that of the
mean absolute error; the model confidence set says how far down the list the best one may hide.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tradewind.engine.errors import ForecastError
from tradewind.engine.jsonable import jsonable
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Bools, Floats, Panel
from tradewind.engine.scoring.evaluation import accuracy, crps_gaussian, realised
from tradewind.engine.scoring.intervals import mean_hac
from tradewind.engine.scoring.statistics import diebold_mariano, normal_quantile

DECILES = tuple(k / 10 for k in range(1, 10))  # levels of the pinball loss
SIZE = 0.10  # of the model confidence set: it holds the best one in nine of ten cases
REPETITIONS = 2_000  # bootstrap samples behind it
LEAST_SHARE = 0.5  # of the most forecasts anybody gave; who gives fewer is not compared
LOSSES = ("mae", "crps")


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
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        ``n``, ``n_dates``, ``n_unknown``, ``rows`` -> name -> numbers of
        :func:`tradewind.engine.scoring.evaluation.accuracy` with ``pinball`` (mean over deciles),
        ``against`` (the reference) and ``confidence_set`` (p by loss), in the order of the mean
        absolute error; ``confidence_set_note`` where there is none. Plain JSON values.
    """
    horizon = next(iter(said.values())).horizon
    truth = realised(panel, horizon)
    scored = given & np.isfinite(truth)
    losses = {
        loss: {name: loss_by_date(one, truth, scored, loss) for name, one in said.items()}
        for loss in LOSSES
    }
    rows = {name: _numbers(one, truth, scored) for name, one in said.items()}
    order = sorted(rows, key=lambda name: rows[name]["mae"])
    confidence, note = _confidence_sets(losses, order, horizon, seed)
    for name in order:
        rows[name]["confidence_set"] = confidence.get(name)
        rows[name]["against"] = _against(losses["mae"], name, reference, horizon)
    found = {
        "horizon": horizon,
        "n": int(scored.sum()),
        "n_dates": int(scored.any(axis=1).sum()),
        "n_unknown": int((given & ~scored).sum()),
        "reference": reference,
        "confidence_set_size": SIZE,
        "confidence_set_note": note,
        "rows": {name: rows[name] for name in order},
    }
    return jsonable(found)  # type: ignore[no-any-return]


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
    if reference is None or name == reference or reference not in losses:
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


def _confidence_sets(
    losses: Mapping[str, Mapping[str, Floats]], order: Sequence[str], horizon: int, seed: int
) -> tuple[dict[str, dict[str, Any]], str]:
    """(name -> loss -> p, note where there is none)."""
    n_dates = len(losses["mae"][order[0]])
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

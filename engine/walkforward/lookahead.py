"""Does a forecast change when the bars after it are taken away? Asked of every fold.

A block is predicted in one go, with all its bars at hand, so nothing but this check stands between
a careless ``predict`` and tomorrow's price.
"""

from collections.abc import Mapping

import numpy as np

from tradewind.engine.errors import ForecastError
from tradewind.engine.protocols import Forecaster, Forecasts
from tradewind.engine.records import Bools, Floats, Panel
from tradewind.engine.walkforward.schedule import Fold

SAME = 1e-3  # of a forecast's std: below it lies rounding of a batch of another shape


def cuts(fold: Fold, seen: Panel) -> tuple[int, ...]:
    """Rows of a fold's block after which the future is taken away, each >= 1.

    Two neighbours in the middle of the first fold: what leaks inside groups of bars (a week, every
    other bar) shows at one of them even where the other is the end of a group. One in each later
    fold, at odd and even places in turn, for leaks that begin later in the data. And one behind the
    last bar of the first symbol that leaves inside the block: nobody knows yet that it will.
    """
    n_rows = fold.test_stop - fold.test_start
    middle = n_rows // 2
    wanted = {middle, middle + 1} if fold.number == 0 else {middle + fold.number % 2}
    leaves = seen.ends - (fold.test_start - fold.train_start) + 1
    leaves = leaves[(seen.ends >= 0) & (leaves > 0)]
    wanted |= {int(leaves.min())} if leaves.size else set()
    return tuple(sorted(cut for cut in wanted if 0 < cut < n_rows))


def refuse_lookahead(forecasts: Forecasts, forecaster: Forecaster, fold: Fold, seen: Panel) -> None:
    """Predict the beginning of a block without the rest: what was said before must stay.

    Parameters
    ----------
    forecasts : Forecasts
        One row per bar of the block, made from all of ``seen``.
    forecaster : Forecaster
        Fitted.
    fold : Fold
    seen : Panel
        From the fold's first training bar to the end of its block.

    Raises
    ------
    ForecastError
        Naming the first symbol and bar whose mean, std or quantile moved by more than a thousandth
        of the std, or appeared or vanished.
    """
    first = fold.test_start - fold.train_start
    for cut in cuts(fold, seen):
        early = forecaster.predict(seen.past(first + cut), first=first)
        scale = SAME * forecasts.std[:cut]
        for name, whole, short in _pairs(forecasts, early, cut):
            moved = _moved(whole, short, scale)
            if moved.any():
                row, column = (int(i) for i in np.argwhere(moved)[0])
                raise ForecastError(
                    f"looks ahead: the forecast's {name} for {seen.symbols[column]} at "
                    f"{seen.dates[first + row]} is {whole[row, column]:.6g}, but "
                    f"{short[row, column]:.6g} once the bars from {seen.dates[first + cut]} on "
                    "are taken away; compute every row from bars up to its own"
                )


def _pairs(whole: Forecasts, early: Forecasts, cut: int) -> list[tuple[str, Floats, Floats]]:
    """What was said with and without the later bars, name by name, shapes (cut, n_symbols)."""
    said = _named(whole), _named(early)
    for name, array in said[1].items():
        if array.shape != (cut, whole.mean.shape[1]):
            raise ForecastError(
                f"predict gave a {name} of shape {array.shape} for {cut} bars of "
                f"{whole.mean.shape[1]} symbols; wanted one row per bar from 'first' to the last"
            )
    if said[0].keys() != said[1].keys():
        raise ForecastError(
            f"predict gave the quantiles {whole.levels}, and {early.levels} once later bars were "
            "taken away; give the same levels each time"
        )
    return [(name, array[:cut], said[1][name]) for name, array in said[0].items()]


def _named(forecasts: Forecasts) -> Mapping[str, Floats]:
    quantiles = {
        f"{level:g} quantile": forecasts.quantiles[:, :, k]
        for k, level in enumerate(forecasts.levels)
    }
    return {"mean": forecasts.mean, "std": forecasts.std, **quantiles}


def _moved(whole: Floats, short: Floats, scale: Floats) -> Bools:
    both = np.isfinite(whole) & np.isfinite(short)
    far = np.abs(np.where(both, whole - short, 0.0)) > np.where(np.isfinite(scale), scale, 0.0)
    return np.asarray(far | (np.isnan(whole) != np.isnan(short)))

"""Many fits to one set of forecasts: parts side by side, members mixed, blocks in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tradewind.engine.errors import ForecastError
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import Floats, Panel
from tradewind.engine.scoring.proper_scores import crps_gaussian, realised
from tradewind.engine.walkforward.report import Choice, Control, FitReport, FoldReport
from tradewind.engine.walkforward.schedule import Fold
from tradewind.engine.walkforward.task import FoldTask

Done = tuple[Forecasts, FitReport]


@dataclass(frozen=True, slots=True)
class WalkForward:
    """Out-of-sample forecasts over a whole panel.

    Attributes
    ----------
    forecasts : Forecasts
        One row per bar of the panel, NaN before ``first_bar``.
    folds : tuple of FoldReport
        In time.
    first_bar : int
        First bar with an out-of-sample forecast.
    deaf : bool
        Whether the forecaster learned from bars on which symbols were not eligible.
    """

    forecasts: Forecasts
    folds: tuple[FoldReport, ...]
    first_bar: int
    deaf: bool = False


@dataclass(frozen=True)
class Finished:
    """All fits that are done.

    Attributes
    ----------
    name : str
        Of the forecaster, for messages.
    panel : Panel
    schedule : sequence of Fold
    tasks : sequence of FoldTask
    results : mapping of str to Done
        By the name of the task.
    choices : mapping of int to Choice
    """

    name: str
    panel: Panel
    schedule: Sequence[Fold]
    tasks: Sequence[FoldTask]
    results: Mapping[str, Done]
    choices: Mapping[int, Choice]

    def joined(self) -> WalkForward:
        """Lay the blocks of all folds into arrays of the panel's length."""
        blocks = [self._block(fold, control=False) for fold in self.schedule]
        reports = tuple(map(self._report, self.schedule, blocks))
        said = [block for block in blocks if np.isfinite(block.mean).any()]
        if not said:
            first = self.schedule[0].test_start
            raise ForecastError(
                f"{self.name}: no forecast for any of {self.panel.n_bars - first} bars; "
                "look for symbols without enough history, or train on more bars"
            )
        self._refuse_other_levels(blocks)
        levels = said[0].levels
        mean = np.full(self.panel.shape, np.nan)
        std, quantiles = mean.copy(), np.full((*mean.shape, len(levels)), np.nan)
        for fold, block in zip(self.schedule, blocks, strict=True):
            rows = slice(fold.test_start, fold.test_stop)
            mean[rows], std[rows] = block.mean, block.std
            if block.levels:
                quantiles[rows] = block.quantiles
        quantiles = quantiles if levels else np.empty((0, 0, 0))
        forecasts = Forecasts(mean, std, said[0].horizon, levels, quantiles)
        return WalkForward(forecasts, reports, self.schedule[0].test_start)

    def _refuse_other_levels(self, blocks: Sequence[Forecasts]) -> None:
        given = [
            (fold.number, block.levels)
            for fold, block in zip(self.schedule, blocks, strict=True)
            if block.levels or np.isfinite(block.mean).any()
        ]
        for number, levels in given:
            if levels != given[0][1]:
                raise ForecastError(
                    f"{self.name}: fold {number} gives the quantiles {levels}, fold {given[0][0]} "
                    f"{given[0][1]}; a forecaster must give the same in every fold"
                )

    @cached_property
    def _by_fold(self) -> Mapping[tuple[int, bool], list[FoldTask]]:
        found: dict[tuple[int, bool], list[FoldTask]] = {}
        for task in self.tasks:
            found.setdefault((task.fold.number, task.control), []).append(task)
        return found

    def _of(self, fold: Fold, *, control: bool) -> list[FoldTask]:
        return self._by_fold.get((fold.number, control), [])

    def _members(self, fold: Fold, *, control: bool) -> list[Forecasts]:
        """What each member says of a test block."""
        tasks = self._of(fold, control=control)
        return [
            side_by_side(
                [(task, self.results[task.name][0]) for task in tasks if task.member == member],
                self.panel.symbols,
            )
            for member in sorted({task.member for task in tasks})
        ]

    def _block(self, fold: Fold, *, control: bool) -> Forecasts:
        """Forecasts of one test block."""
        made = self._members(fold, control=control)
        if len({one.levels for one in made}) > 1:
            raise ForecastError(
                f"{self.name}: the fits of fold {fold.number} give the quantiles "
                f"{' and '.join(str(one.levels) for one in made)}; a forecaster must give the "
                "same whatever its seed"
            )
        return mixture(made)

    def _report(self, fold: Fold, block: Forecasts) -> FoldReport:
        tasks = self._of(fold, control=False)
        fits = tuple(self.results[task.name][1] for task in tasks)
        if all(fit.symbols and fit.n_samples == 0 for fit in fits):
            why = fits[0].note.removeprefix(f"{self.name}: ") or "too little history for any symbol"
            raise ForecastError(f"{self.name}, fold {fold.number}: {why}")
        first = [fit for fit in fits if fit.member == 0]
        counted = [fit.n_samples for fit in first if fit.n_samples is not None]
        several = len({fit.member for fit in fits}) > 1
        return FoldReport(
            fold=fold,
            seed=fits[0].seed,
            seconds=sum(fit.seconds for fit in fits),
            from_cache=all(fit.from_cache for fit in fits),
            n_samples=sum(counted) if counted else None,
            history=tuple(
                {"member": fit.member, **point} if several else point
                for fit in fits
                for point in fit.history
            ),
            n_forecasts=int(np.isfinite(block.mean).sum()),
            folder=fits[0].folder,
            note="; ".join(dict.fromkeys(fit.note for fit in fits if fit.note)),
            fits=fits,
            warm=any(fit.warm for fit in fits),
            control=self._control(fold, block, fits),
            choice=self.choices.get(fold.number),
            alike=several and _alike(self._members(fold, control=False)),
        )

    def _control(self, fold: Fold, block: Forecasts, fits: tuple[FitReport, ...]) -> Control | None:
        tasks = self._of(fold, control=True)
        if not tasks:
            return None
        cold = tuple(self.results[task.name][1] for task in tasks)
        rows = slice(fold.test_start, fold.test_stop)
        truth = realised(self.panel, block.horizon)[rows]
        other = self._block(fold, control=True)
        known = np.isfinite(truth) & np.isfinite(block.mean) & np.isfinite(other.mean)
        warm_mae, warm_crps = _scores(block, truth, known)
        mae, crps = _scores(other, truth, known)
        return Control(
            seconds=sum(fit.seconds for fit in cold),
            warm_seconds=sum(fit.seconds for fit in fits),
            loss=stopping_loss(cold),
            warm_loss=stopping_loss(fits),
            mae=mae, warm_mae=warm_mae, crps=crps, warm_crps=warm_crps,
        )  # fmt: skip


def side_by_side(parts: Sequence[tuple[FoldTask, Forecasts]], symbols: Sequence[str]) -> Forecasts:
    """Columns of each part put back in their places."""
    if not parts[0][0].symbols:
        return parts[0][1]
    levels = next((made.levels for _, made in parts if made.levels), ())
    whole = parts[0][1]
    mean = np.full(whole.mean.shape, np.nan)
    std, quantiles = mean.copy(), np.full((*mean.shape, len(levels)), np.nan)
    for task, made in parts:
        at = [symbols.index(symbol) for symbol in task.symbols]
        mean[:, at], std[:, at] = made.mean[:, at], made.std[:, at]
        if made.levels:
            quantiles[:, at] = made.quantiles[:, at]
    quantiles = quantiles if levels else np.empty((0, 0, 0))
    return replace(whole, mean=mean, std=std, levels=levels, quantiles=quantiles)


def mixture(members: Sequence[Forecasts]) -> Forecasts:
    """One forecast of several: mean and deviation of their mixture, averaged quantiles.

    The variance is the mean of the variances plus the variance of the means, so members that
    disagree widen it. Silent where any member is. Quantiles are averaged level by level.

    References
    ----------
    Lakshminarayanan, Pritzel and Blundell (2017), section 2.4, for the moments; Ratcliff (1979)
    for the quantiles.
    """
    first = members[0]
    if len(members) == 1:
        return first
    means: Floats = np.stack([member.mean for member in members])
    mean = means.mean(axis=0)
    within = np.mean([member.std**2 for member in members], axis=0)
    std = np.sqrt(within + ((means - mean) ** 2).mean(axis=0))
    quantiles = first.quantiles
    if first.levels:
        quantiles = np.mean([member.quantiles for member in members], axis=0)
    return replace(first, mean=mean, std=std, quantiles=quantiles)


def _alike(members: Sequence[Forecasts]) -> bool:
    seen = {(one.mean.tobytes(), one.std.tobytes(), one.quantiles.tobytes()) for one in members}
    return len(seen) == 1


def stopping_loss(fits: Sequence[FitReport]) -> float | None:
    """Smallest mean loss in the part that each network stops by, averaged over networks."""
    best: dict[tuple[int, tuple[str, ...], str], float] = {}
    for fit in fits:
        for point in fit.history:
            loss = point.get("stopping")
            if isinstance(loss, int | float) and np.isfinite(loss):
                whose = (fit.member, fit.symbols, str(point.get("network", "")))
                best[whose] = min(best.get(whose, float("inf")), float(loss))
    return sum(best.values()) / len(best) if best else None


def _scores(
    said: Forecasts, truth: Floats, known: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> tuple[float | None, float | None]:
    """(mean absolute error, CRPS) over the pairs that are known."""
    if not known.any():
        return None, None
    error = (truth - said.mean)[known]
    return float(np.abs(error).mean()), float(crps_gaussian(error, said.std[known]).mean())

"""A walk-forward that goes on: the forecast of each new bar, as a backtest would have made it.

The schedule is that of a backtest over everything so far. A bar that begins a test block is
forecast by a new fit on the bars before it; every other one by the fit of its block, which is kept.
"""

import time
from dataclasses import dataclass, replace

from tradewind.engine.cache import CHECKPOINT, ForecastCache
from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.config.walk import ChooseConfig
from tradewind.engine.features.stream import Row
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.live_doors import AtWork, Working
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.protocols import Checkpointed, Forecaster, Forecasts
from tradewind.engine.records import ELIGIBLE, Panel
from tradewind.engine.walkforward.conditions import as_in_a_worker, named
from tradewind.engine.walkforward.crew import crew
from tradewind.engine.walkforward.fit import build, check_shape, of_the_eligible, ready
from tradewind.engine.walkforward.join import Done, mixture, side_by_side
from tradewind.engine.walkforward.run import Plan, fits_of, planned
from tradewind.engine.walkforward.schedule import Fold, days_of, periods
from tradewind.engine.walkforward.task import FoldTask


@dataclass(slots=True)
class Fitted:
    """A fit that forecasts bar after bar.

    Attributes
    ----------
    task : FoldTask
    forecaster : Forecaster
    working : Working or None
        Its form that takes a bar at a time; None where it has none.
    works : bool or None
        Whether it may be asked for that form; None: nobody has looked.
    """

    task: FoldTask
    forecaster: Forecaster
    working: Working | None = None
    works: bool | None = None


class GoingOn:
    """Forecasts one bar at a time.

    Parameters
    ----------
    spec : ForecasterSpec
    config : WalkForwardConfig
    seed : int
        Of the run.
    workers : int or None
        Processes that fit; 0: this one.
    cache : ForecastCache or None
    choose : ChooseConfig or None
    progress : Progress
    stepwise : bool
        Whether a forecaster that can is fed bar by bar instead of asked with its whole past.
    """

    def __init__(
        self,
        spec: ForecasterSpec,
        config: WalkForwardConfig,
        *,
        seed: int,
        workers: int | None,
        cache: ForecastCache | None,
        choose: ChooseConfig | None = None,
        progress: Progress = SILENT,
        stepwise: bool = True,
    ) -> None:
        self.spec, self.config, self.seed = spec, config, seed
        self.workers, self.cache, self.choose = workers, cache, choose
        self.progress, self.stepwise = progress, stepwise
        self.fold: Fold | None = None
        self.fitted: list[Fitted] = []
        self.seconds_fitting = 0.0
        self.fitted_at = -1

    def begin(self, panel: Panel) -> None:
        """Have the fit that forecast the last bar of ``panel``."""
        plan = planned(self.spec, panel, self.config, seed=self.seed, choose=self.choose)
        self._fit(plan, plan.schedule[-1], panel)

    def next(self, panel: Panel) -> Forecasts:
        """Forecast of the last bar of ``panel``, which is one bar longer than the last time.

        Returns
        -------
        Forecasts
            Of one row.

        Raises
        ------
        ConfigError
            If there is no bar to forecast yet: the history is shorter than a training part.
        ForecastError
            If the forecaster fails or says numbers of the wrong shape.
        """
        fold = self.fold
        if fold is None or begins_block(panel, fold, self.config):
            plan = planned(self.spec, panel, self.config, seed=self.seed, choose=self.choose)
            fold = plan.schedule[-1]
            self._fit(plan, fold, panel)
        said = [(one.task, self._said(one, fold, panel)) for one in self.fitted]
        members = sorted({task.member for task, _ in said})
        return mixture(
            [
                side_by_side([pair for pair in said if pair[0].member == member], panel.symbols)
                for member in members
            ]
        )

    def _fit(self, plan: Plan, fold: Fold, panel: Panel) -> None:
        begun = time.perf_counter()
        schedule = plan.schedule if self.config.warm_start else (fold,)
        with crew(self.spec, panel, self.workers, self.cache) as those:
            tasks, results, _ = fits_of(those, plan, schedule, self.progress)
            own = [task for task in tasks if task.fold.number == fold.number and not task.control]
            self.fitted = [self._restored(task, results[task.name], panel) for task in own]
        self.fold, self.fitted_at = fold, panel.n_bars - 1
        self.seconds_fitting = time.perf_counter() - begun

    def _restored(self, task: FoldTask, done: Done, panel: Panel) -> Fitted:
        """Fit of a task: from its checkpoint, or made again where it leaves none."""
        fold, folder = task.fold, done[1].folder
        with named(self.spec, fold, panel):
            kept = None if folder is None else folder / CHECKPOINT
            if kept is not None and kept.exists():
                fresh = build(self.spec, task, task.seed)
                assert isinstance(fresh, Checkpointed)  # nobody else leaves a checkpoint
                return Fitted(task, fresh.restore(kept))
            with as_in_a_worker(self.spec):
                forecaster = ready(self.spec, task, None, _unheard)
                fitted = forecaster.fit(panel.rows(fold.train_start, fold.train_stop))
        return Fitted(task, fitted)

    def _said(self, one: Fitted, fold: Fold, panel: Panel) -> Forecasts:
        """What one fit says of the last bar."""
        t = panel.n_bars - 1
        if one.works is None:  # asking a protocol takes long: once is enough
            one.works = self.stepwise and ELIGIBLE not in panel.columns
            if one.works and isinstance(one.forecaster, AtWork):
                one.working = one.forecaster.at_work(panel.rows(fold.train_start, t))
        if one.working is not None:
            with named(self.spec, fold, panel):
                return one.working.update(Row.of(panel, t))
        seen, first = panel.rows(fold.train_start, t + 1), t - fold.train_start
        with named(self.spec, fold, panel):
            forecasts = one.forecaster.predict(seen, first=first)
            check_shape(forecasts, one.forecaster, (1, panel.n_symbols))
            return of_the_eligible(forecasts, seen, first)


def begins_block(panel: Panel, fold: Fold, config: WalkForwardConfig) -> bool:
    """Whether the last bar of ``panel``, the next after those of ``fold``, begins a new block."""
    t = panel.n_bars - 1
    if isinstance(config.refit, int):
        return t >= fold.test_start + config.refit
    before, now = periods(days_of(panel.rows(max(t - 1, 0), t + 1)), config.refit)[[0, -1]]
    return t > fold.test_start and bool(now != before)


def _unheard(message: dict[str, object]) -> None:
    """Nobody follows a fit that is made again."""


def one_row(forecasts: Forecasts, row: int) -> Forecasts:
    """One bar of forecasts."""
    cut = slice(row, row + 1)
    quantiles = forecasts.quantiles[cut] if forecasts.levels else forecasts.quantiles
    mean, std = forecasts.mean[cut], forecasts.std[cut]
    return replace(forecasts, mean=mean, std=std, quantiles=quantiles)

"""A config's walk-forward as an audit repeats it: fold by fold, in this process, without a cache.

Members of an ensemble, warm starts and the choice of parameters are made as the walk-forward makes
them, in as few fits as show what they know.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tradewind.engine.audit.stages import Effort
from tradewind.engine.config.walk import ChooseConfig, WalkForwardConfig
from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.protocols import Forecaster, Forecasts
from tradewind.engine.records import ELIGIBLE, Floats, Panel
from tradewind.engine.walkforward import choosing
from tradewind.engine.walkforward.conditions import as_in_a_worker, seed_globals
from tradewind.engine.walkforward.join import mixture
from tradewind.engine.walkforward.plan import fold_seed
from tradewind.engine.walkforward.schedule import Fold, folds

MEMBERS = 2  # of an ensemble: what one of them knows, its mean knows
CANDIDATES, GROUPS, HELD_OUT = 2, 3, 1  # of a choice: six fits a fold


@dataclass(frozen=True, slots=True)
class Way:
    """From bars to out-of-sample forecasts.

    Attributes
    ----------
    spec : ForecasterSpec
    walk : WalkForwardConfig
        With its members and warm start.
    seed : int
        Of the run.
    choose : ChooseConfig or None
        Parameters chosen in every fold.
    params : mapping
        In the place of those of ``spec``, where nothing is chosen.
    """

    spec: ForecasterSpec
    walk: WalkForwardConfig
    seed: int
    choose: ChooseConfig | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def make(self) -> Forecaster:
        """Unfitted forecaster, the same one each time; every generator is seeded."""
        return self.made(self.params, self.seed)

    def made(self, params: Mapping[str, Any], seed: int) -> Forecaster:
        """Unfitted forecaster of other parameters; every generator is seeded."""
        seed_globals(seed)
        return self.spec.changed(params).build(seed)

    def seed_of(self, fold: Fold, member: int) -> int:
        """Seed of a fit, as a walk-forward gives it."""
        return fold_seed(self.seed, fold.number, self.spec.params.get("seed", 0), member)

    @property
    def warmup(self) -> int:
        """Of the candidate that needs most, bars."""
        offered = self.choose.candidates if self.choose else (self.params,)
        return max(self.made(params, self.seed).warmup for params in offered)


def few_folds(
    asked: WalkForwardConfig, horizon: int, warmup: int, panel: Panel, effort: Effort
) -> tuple[WalkForwardConfig, list[str]]:
    """Return the config's schedule, with as few and as long folds as the effort allows.

    Parameters
    ----------
    asked : WalkForwardConfig
    horizon, warmup : int
        Of the forecaster, bars.
    panel : Panel
    effort : Effort

    Returns
    -------
    WalkForwardConfig
    list of str
        What of the config was left out.

    Raises
    ------
    ConfigError
        If no bar is left behind the training part.
    """
    train, notes = asked.train, []
    mode = "rolling" if asked.mode == "rolling" else "expanding"
    least = warmup + horizon + (asked.purge or 0) + asked.embargo
    if train > panel.n_bars * 3 // 4:
        train = max(least, panel.n_bars // 2)
        notes.append(f"walk_forward.train: {asked.train} bars were cut to {train} for the audit")
    if train >= panel.n_bars - 2:
        raise ConfigError(
            f"audit: {panel.n_bars} bars leave nothing behind the {train} that the forecaster is "
            "fitted on; take more history (data.start, data.end), or leave out --quick"
        )
    n_folds = max(effort.folds, 2) if asked.warm_start else effort.folds
    if asked.seeds > MEMBERS:
        notes.append(f"walk_forward.seeds: {MEMBERS} of {asked.seeds} members were fitted")
    few = WalkForwardConfig(
        mode=mode, train=train, refit=-(-(panel.n_bars - train) // n_folds), purge=asked.purge,
        embargo=asked.embargo, seeds=min(asked.seeds, MEMBERS), warm_start=asked.warm_start,
    )  # fmt: skip
    return few, notes


def few_candidates(
    asked: ChooseConfig | None, effort: Effort
) -> tuple[ChooseConfig | None, list[str]]:
    """Choice between the first and the last candidate, in few splits; none in a quick audit."""
    if asked is None:
        return None, []
    if not effort.placebos:
        note = "forecaster.choose was left out of the quick audit: parameters were taken as written"
        return None, [note]
    first, last = asked.candidates[0], asked.candidates[-1]
    over = {name: tuple(dict.fromkeys((first[name], last[name]))) for name in first}
    one = next(name for name, values in over.items() if len(values) > 1)
    over = {name: values if name == one else values[:1] for name, values in over.items()}
    few = asked.model_copy(update={"over": over, "groups": GROUPS, "test": HELD_OUT})
    note = (
        f"forecaster.choose: {CANDIDATES} of {len(asked.candidates)} candidates were chosen from, "
        f"{HELD_OUT} of {GROUPS} groups held out; placebos try each of them alone"
    )
    return few, [note]


def walked(way: Way, panel: Panel) -> Floats:
    """Out-of-sample means, shape (n_bars, n_symbols); NaN where there are none."""
    said = np.full(panel.shape, np.nan)
    with as_in_a_worker(way.spec):
        if panel.n_bars <= way.walk.train:
            return said
        schedule = folds(
            panel.n_bars, horizon=way.make().horizon, warmup=way.warmup, config=way.walk
        )
        choices = _choices(way, panel, schedule)
        earlier: dict[int, tuple[Mapping[str, Any], Forecaster]] = {}
        for fold in schedule:
            params = choices.get(fold.number, way.params)
            members = [
                _fitted(way, params, fold, member, earlier, panel)
                for member in range(way.walk.seeds)
            ]
            block = slice(fold.test_start, fold.test_stop)
            said[block] = mixture([_predicted(one, fold, panel) for one in members]).mean
    if ELIGIBLE in panel.columns:  # as a walk-forward does it, whatever the forecaster said
        said[~panel.marked(ELIGIBLE)] = np.nan
    return said


def _fitted(
    way: Way,
    params: Mapping[str, Any],
    fold: Fold,
    member: int,
    earlier: dict[int, tuple[Mapping[str, Any], Forecaster]],
    panel: Panel,
) -> Forecaster:
    """Member of a fold, begun from that of the fold before where it has the same parameters."""
    one: Any = way.made(params, way.seed_of(fold, member))
    before = earlier.get(member)
    if way.walk.warm_start and before is not None and before[0] == params:
        one = one.begin_from(before[1])
    fitted: Forecaster = one.fit(panel.rows(fold.train_start, fold.train_stop))
    earlier[member] = params, fitted
    return fitted


def _predicted(one: Forecaster, fold: Fold, panel: Panel) -> Forecasts:
    seen = panel.rows(fold.train_start, fold.test_stop)
    return one.predict(seen, first=fold.test_start - fold.train_start)


def _choices(way: Way, panel: Panel, schedule: Sequence[Fold]) -> dict[int, Mapping[str, Any]]:
    """Parameters chosen for each fold from its training part; empty where nothing is chosen."""
    if way.choose is None:
        return {}
    tasks = choosing.plan_choice(
        way.spec, panel, schedule, way.choose, seed=way.seed, warmup=way.warmup,
        horizon=way.make().horizon, cached=False,
    )  # fmt: skip
    found: dict[int, choosing.Scores] = {}
    for place, task in enumerate(tasks):
        past = panel.rows(task.fold.train_start, task.fold.train_stop)
        try:
            scores = choosing.scores_of(way.made(task.params, task.seed), past, task)
            found[place] = {"scores": scores, "failed": ""}
        except ForecastError as error:
            found[place] = {"scores": [], "failed": str(error)}
    chosen = choosing.chosen(tasks, found, way.choose, way.spec.name)
    return {number: choice.params for number, choice in chosen.items()}


def on_placebos(way: Way, params: Mapping[str, Any], panel: Panel) -> Floats:
    """Walk-forward for placebos: one fold, two where it starts warm; nothing is chosen."""
    left = panel.n_bars - way.walk.train
    refit = -(-left // 2) if way.walk.warm_start else panel.n_bars
    walk = way.walk.model_copy(update={"refit": max(1, refit)})
    return walked(replace(way, walk=walk, choose=None, params=params), panel)

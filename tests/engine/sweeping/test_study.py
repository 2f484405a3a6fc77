"""Samplers in batches, budgets, what is shared between settings, and choices made on the past."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.sweeps import found, plan
from tradewind.engine.cache import ForecastCache
from tradewind.engine.progress import SILENT
from tradewind.engine.sweeping import nested
from tradewind.engine.sweeping.kept import KeptReturns
from tradewind.engine.sweeping.ranking import undominated
from tradewind.engine.sweeping.run import searched
from tradewind.engine.sweeping.study import Study

FORECASTS = """
name: timed
seed: 7
data: {source: embedded, symbols: [MSFT, KO], end: 2014-12-31}
forecaster: {kind: ewma, horizon: 1, walk_forward: {train: 150, refit: 100}}
strategy: {kind: timing}
sweep:
  space:
    forecaster.halflife: [5.0, 10.0, 20.0]
    strategy.entry: {low: 0.05, high: 0.5}
    strategy.exit: {low: -0.5, high: 0.05}
    strategy.short: [false, true]
  sampler: random
  trials: 90
  batch: 30
  validate: {folds: 2, train: 0.5}
"""


@pytest.mark.parametrize("kind", ["tpe", "cma", "nsga2", "nsga3", "gp", "qmc", "random"])
def test_every_sampler_fills_its_budget_and_gives_the_same_trials_again(kind: str) -> None:
    if kind == "cma":
        pytest.importorskip("cmaes")
    n = 12 if kind == "gp" else 24  # a Gaussian process takes a second for each it asks
    sampler = f"sweep.sampler={{kind: {kind}, startup: 10, population: 8}}"
    change = (sampler, f"sweep.trials={n}", "sweep.batch=6")
    _, one = found(*change)
    _, other = found(*change)
    assert len(one.outcomes) == n
    assert [o.values for o in one.outcomes] == [o.values for o in other.outcomes]
    assert one.best is not None


def test_a_tpe_batch_is_no_copies_of_one_setting_and_keeps_to_what_was_good() -> None:
    asked = plan("sweep.trials=200", "sweep.sampler={kind: tpe, startup: 60}", "sweep.batch=40")
    got = searched(asked, SILENT)
    batches = [got.outcomes[i : i + 40] for i in range(60, 200, 40)]
    for batch in batches:
        seen = Counter(tuple(one.values.values()) for one in batch)
        assert len(seen) == len(batch)
    good = [[o.scores[0] for o in some if o.scores] for some in (got.outcomes[:60], batches[-1])]
    assert np.median(good[1]) > np.median(good[0])


def test_conditions_and_constraints_reach_the_sampler() -> None:
    space = (
        "{strategy.short: [false, true], strategy.fast: {low: 2, high: 20}, "
        "strategy.slow: {low: 30, high: 90, when: {strategy.short: true}}}"
    )
    asked, got = found(f"sweep.space={space}", "sweep.trials=60", "sweep.sampler.startup=20",
                       "sweep.constraints=[max_drawdown < 0.2]")  # fmt: skip
    assert all(
        ("strategy.slow" in one.values) == one.values["strategy.short"] for one in got.outcomes
    )
    study = Study(asked.config, asked.space, asked.wanted, 1)
    study.remember(got.outcomes)
    told = [t.constraints for t in study.optuna.get_trials(deepcopy=False)]
    assert any(value > 0 for one in told for value in one.values())


def test_a_pruner_gives_up_what_loses_fold_after_fold() -> None:
    _, got = found(
        "sweep.trials=60", "sweep.validate={folds: 8, train: 0.2}", "sweep.pruner=wilcoxon"
    )
    states = Counter(one.state for one in got.outcomes)
    assert states["pruned"] > 0
    assert got.best is not None and got.outcomes[got.best].state == "complete"


def test_a_forecaster_is_fitted_once_for_each_of_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradewind.forecasters.baselines import Ewma

    fits: Counter[float] = Counter()
    fit: Any = Ewma.fit

    def counted(self: Any, past: Any) -> Any:
        fits[self._params["halflife"]] += 1
        return fit(self, past)

    monkeypatch.setattr(Ewma, "fit", counted)
    cache = ForecastCache(tmp_path, fresh=False)
    asked = plan(text=FORECASTS, cache=cache, workers=0)
    got = searched(asked, SILENT)
    assert asked.grounds.outlooks.made == 3  # the config as written has one of them
    n_folds = fits[5.0]
    assert n_folds > 1 and set(fits.values()) == {n_folds}
    assert len(got.outcomes) == 90
    assert asked.evaluator.calls == 3 * 3  # a call for each forecaster in each batch


def test_a_time_budget_ends_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = plan("sweep.trials=1000000", "sweep.seconds=0.3", "sweep.sampler=random")
    got = searched(asked, SILENT)
    assert 0 < len(got.outcomes) < 1_000_000


def test_ctrl_c_keeps_what_was_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = plan("sweep.batch=10")
    real, calls = asked.evaluator.evaluate, []

    def stopped(*given: Any) -> Any:
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(asked.evaluator, "evaluate", stopped)
    got = searched(asked, SILENT)
    assert got.interrupted and len(got.outcomes) == 20


def test_a_nested_choice_sees_nothing_of_its_block() -> None:
    asked, got = found("sweep.mode=nested", "sweep.trials=15", "sweep.sampler=random")
    blocks = nested.walked(asked, got, searched)
    panel = asked.bars.history.panel
    assert [len(block.returns) for block in blocks] == [
        b - a for fold in asked.folds for a, b in fold.spans
    ]
    for block, fold in zip(blocks, asked.folds, strict=True):
        text = nested.past_document(asked, fold)
        end = np.datetime64(text.values["data"]["end"])
        assert end < panel.dates[fold.spans[0][0]].astype("datetime64[D]")
        assert block.tried == 15 and block.values is not None
    told = nested.told(asked, blocks)
    assert blocks[0].returns.tolist() == blocks[0].first.tolist()
    curve = nested.stitched(blocks)
    assert len(curve) == 1 + sum(len(block.returns) for block in blocks)
    assert told["curves"]["re-optimised"]["total_return"] == pytest.approx(curve[-1] - 1)


def test_undominated_rows_are_those_nobody_beats() -> None:
    gains = np.array([[1.0, 3.0], [2.0, 2.0], [1.0, 2.0], [3.0, 0.0], [2.0, 2.0]])
    assert undominated(gains).tolist() == [True, True, False, True, False]


def test_a_front_holds_no_setting_that_another_beats_in_everything() -> None:
    from tradewind.engine.sweeping.ranking import front

    asked, got = found("sweep.objectives={annual_return: maximize, max_drawdown: minimize}",
                       "sweep.sampler={kind: nsga2, population: 10}")  # fmt: skip
    places = front(got.outcomes, asked.wanted.signs)
    assert len(places) > 1
    on = [got.outcomes[i].scores for i in places]
    for one in (o for o in got.outcomes if o.feasible):
        for other in on:
            assert not (one.scores[0] > other[0] and one.scores[1] < other[1])


def test_an_even_sample_of_returns_is_kept_where_not_all_fit() -> None:
    counts = np.zeros(50)
    for seed in range(400):
        kept = KeptReturns(10, 2, "float32", seed)
        for number in range(50):
            kept.add(number, np.full(2, number, float))
        assert kept.rows[:, 0].tolist() == kept.numbers and kept.seen == 50
        counts[kept.numbers] += 1
    assert abs(counts - 80).max() < 5 * np.sqrt(400 * 0.2 * 0.8)  # fails once in two million

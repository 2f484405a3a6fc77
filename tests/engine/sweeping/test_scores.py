"""A setting's numbers are those of a run of it, in a batch, alone, and in a grid."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.sweeps import found, plan
from tradewind.engine.bars.sessions import bars_per_year
from tradewind.engine.config.file import validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.runner import compute
from tradewind.engine.scoring import metrics
from tradewind.engine.sweeping import measures

ALL = "{sharpe: maximize, max_drawdown: minimize, sortino: maximize, calmar: maximize}"


def run_of(asked: Any, values: Any) -> Any:
    document = asked.grounds.document_of(asked.space.whole(values))
    return compute(validate(RunConfig, document), document, cached=False)


def test_every_number_of_a_trial_is_that_of_a_run_to_the_last_bit() -> None:
    asked, got = found("sweep.trials=12", f"sweep.objectives={ALL}", "sweep.sampler=nsga2")
    complete = [one for one in got.outcomes if one.state == "complete"]
    assert len(complete) > 3
    for outcome in complete[:4]:
        run = run_of(asked, outcome.values)
        tree = run.metrics
        assert outcome.whole == [measures.at(tree, name) for name in asked.wanted.whole]
        for fold, column in zip(asked.folds, outcome.folds.T, strict=True):
            [(a, b)] = fold.spans
            grown = metrics.growth(run.simulation.equity[a - 1 : b], bars_per_year(run.panel))
            names = [name.removeprefix("strategy.") for name in asked.wanted.objectives]
            assert column.tolist() == [grown[name] for name in names]
        assert outcome.scores == pytest.approx(outcome.folds.mean(axis=1))


def test_folds_lie_behind_the_training_part_and_cover_the_rest() -> None:
    asked = plan()
    n = asked.bars.history.panel.n_bars
    spans = [fold.spans[0] for fold in asked.folds]
    assert spans[0][0] == int(0.4 * n) and spans[-1][1] == n
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert all(not fold.train[a:].any() for fold, (a, _) in zip(asked.folds, spans, strict=True))


def test_combinatorial_folds_hold_out_every_pair_and_train_on_no_label_of_them() -> None:
    asked = plan("sweep.validate={kind: cpcv, groups: 5, test: 2, purge: 3}")
    assert len(asked.folds) == 10
    for fold in asked.folds:
        tested = np.zeros(len(fold.train), bool)
        for a, b in fold.spans:
            tested[a:b] = True
            assert not fold.train[max(a - 3, 0) : a].any()
            assert not fold.train[b : b + 3].any()
        assert not (tested & fold.train).any()


def test_a_held_out_choice_of_blocks_is_scored_on_their_returns_alone() -> None:
    asked, got = found(
        "sweep.validate={kind: cpcv, groups: 4, test: 2}", "sweep.trials=4", "sweep.batch=4"
    )
    outcome = next(one for one in got.outcomes if one.state == "complete")
    equity = run_of(asked, outcome.values).simulation.equity
    fold = asked.folds[2]  # the first and the last block
    assert len(fold.spans) == 2
    steps = np.concatenate([equity[a:b] / equity[a - 1 : b - 1] - 1.0 for a, b in fold.spans])
    want = steps.mean() / steps.std(ddof=1) * np.sqrt(asked.bars.per_year)
    assert outcome.folds[0, 2] == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize("score", ["mean", "median", "worst", "pooled"])
def test_the_whole_grid_has_the_scores_of_the_single_settings(score: str) -> None:
    space = "{strategy.fast: [2, 9], strategy.slow: {low: 8, high: 40, step: 8}}"
    asked, got = found(
        "sweep.sampler=grid", f"sweep.space={space}", f"sweep.validate.score={score}",
        "sweep.objectives={sharpe: maximize, annual_return: maximize, max_drawdown: minimize}",
        "sweep.constraints=[max_drawdown < 0.25]",
    )  # fmt: skip
    assert len(got.outcomes) == 10
    assert [one.state for one in got.outcomes].count("refused") == 1  # 9 is not below 8
    listed = list(got.outcomes)
    again = asked.evaluator.evaluate([one.values for one in listed], asked.space.fixed)
    for one, other in zip(listed, again, strict=True):
        assert one.state == other.state
        np.testing.assert_allclose(one.scores, other.scores, rtol=1e-9)
        np.testing.assert_allclose(one.folds, other.folds, rtol=1e-9)
        np.testing.assert_allclose(one.whole, other.whole, rtol=1e-9)
        assert one.feasible == other.feasible
    best = max((one for one in again if one.feasible), key=lambda one: one.scores[0])
    assert got.outcomes[got.best].values == best.values
    assert got.outcomes[got.best].scores == best.scores  # to the last bit


def test_metrics_that_a_curve_cannot_tell_are_measured_run_by_run() -> None:
    asked, got = found(
        "sweep.trials=3", "sweep.objectives={n_trades: minimize, costs.total: minimize}"
    )
    outcome = next(one for one in got.outcomes if one.state == "complete")
    tree = run_of(asked, outcome.values).metrics
    assert outcome.whole == [tree["strategy"]["n_trades"], tree["costs"]["total"]]
    assert asked.evaluator.calls == 0


def test_a_setting_beyond_its_drawdown_is_stopped_counted_and_never_best() -> None:
    _, all_of_them = found("sweep.sampler=random")
    asked, got = found("sweep.sampler=random", "sweep.constraints=[max_drawdown < 0.15]")
    states = [one.state for one in got.outcomes]
    assert 0 < states.count("breached") < len(states)
    for one, other in zip(got.outcomes, all_of_them.outcomes, strict=True):
        assert one.values == other.values
        if one.state == "complete":
            assert one.scores == other.scores
        if one.state == "breached":
            assert one.excess[0] > 0.0 and not one.feasible
    assert asked.evaluator.calls == 2


def test_strategies_without_a_rule_and_cerebro_run_one_after_the_other() -> None:
    asked, got = found("executor=cerebro", "sweep.trials=3", "sweep.sampler=random")
    _, same = found("sweep.trials=3", "sweep.sampler=random", "sweep.batch=1")
    assert asked.evaluator.calls == 0
    for one, other in zip(got.outcomes, same.outcomes, strict=True):
        assert one.values == other.values and one.state == other.state
        assert one.scores == pytest.approx(other.scores, rel=1e-6)


def test_an_undefined_objective_is_counted_and_never_best() -> None:
    space = "{strategy.fast: [2], strategy.slow: [5, 20, 700]}"  # 700 bars are not there
    _, got = found(
        "sweep.sampler=grid", f"sweep.space={space}", "sweep.validate={folds: 3, train: 0.1}"
    )
    states = {one.values["strategy.slow"]: one.state for one in got.outcomes}
    assert states[5] == states[20] == "complete"
    assert states[700] == "undefined"
    assert got.best in (0, 1)
    _, told = found(
        f"sweep.space={space}", "sweep.validate={folds: 3, train: 0.1}", "sweep.trials=12"
    )
    counts = [one.state for one in told.outcomes]
    assert counts.count("undefined") > 0 and told.outcomes[told.best].state == "complete"


def test_curves_measured_together_have_the_bits_of_each_alone() -> None:
    rng = np.random.default_rng(5)
    names = ["strategy.sharpe", "strategy.max_drawdown"]
    for n_bars in (3, 50, 129, 1000, 5003):
        steps = rng.normal(0.0, 0.01, (7, n_bars + 4))
        curves = np.asarray(np.cumprod(1.0 + steps, axis=1), np.float64)
        curves[3] = 1.0
        cut = curves[:, 2:-2]
        together = measures.of_rows(cut, names, 252.0)
        alone = np.array([measures.measured(one, names, 252.0) for one in cut])
        assert together.tobytes() == alone.tobytes()

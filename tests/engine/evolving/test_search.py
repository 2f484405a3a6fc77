"""The search finds fronts that are known, keeps to limits, and does the same again."""

import builtins
from typing import Any

import numpy as np
import pytest

from tradewind.engine.errors import ConfigError
from tradewind.engine.evolving import search as searching
from tradewind.engine.evolving.as_pymoo import algorithm_of, problem_of, repair_of, run
from tradewind.engine.evolving.front import chosen, in_order, knee
from tradewind.engine.evolving.limits import limits_of, violations
from tradewind.engine.evolving.search import Generation, Pool, Task, hypervolume, search, survivors
from tradewind.engine.evolving.span import Span

NAMES = ("annual_return", "volatility")


def task(
    span: Span, *, turnover_annual: float = np.inf, objectives: Any = NAMES, **given: Any
) -> Task:
    close = span.panel.close
    n = span.panel.n_symbols
    limits = limits_of(span.panel.symbols, **{"cash": 1e5, "least": 1, "most": n, **given})
    return Task(
        limits, lambda w: span.hold(w).outcomes, objectives, close[1:] / close[:-1] - 1.0,
        turnover_annual,
    )  # fmt: skip


def last(of: Task, *, population: int = 40, generations: int = 25, seed: int = 0) -> Generation:
    return list(search(of, population=population, generations=generations, seed=seed))[-1]


def test_the_front_of_two_free_names_is_the_curve_that_a_formula_gives(two: Span) -> None:
    found = last(task(two), population=60, generations=30)
    returns = two.panel.close[1:] / two.panel.close[:-1] - 1.0
    covariance = np.cov(returns[1:].T)  # bought at the second open, which is the first close
    # Least variance of two names: w = (s22 - s12) / (s11 + s22 - 2 s12).
    (s11, s12), (_, s22) = covariance
    least = (s22 - s12) / (s11 + s22 - 2 * s12)
    w = found.weights[:, 0]
    assert w.min() == pytest.approx(least, abs=0.01)
    assert w.max() == pytest.approx(1.0, abs=1e-6)
    assert (w > least - 0.01).all(), "less of the first name has more risk and less return"
    spread = np.sqrt(w * w * s11 + (1 - w) ** 2 * s22 + 2 * w * (1 - w) * s12)
    np.testing.assert_allclose(found.losses[:, 1], spread * np.sqrt(two.per_year), rtol=0.01)
    assert len(found.weights) == 60 and np.diff(np.sort(w)).max() < 0.06, "spread over the curve"


def test_hypervolume_by_hand() -> None:
    # Steps of a staircase below (4, 4): 1 x 3 + 1 x 2 + 1 x 1; what is outside counts nothing.
    steps = np.array([[1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [5.0, 0.0]])
    assert hypervolume(steps, np.array([4.0, 4.0])) == pytest.approx(6.0)
    assert hypervolume(steps[3:], np.array([4.0, 4.0])) == 0.0


def test_the_knee_is_where_the_curve_bends() -> None:
    bent = np.array([[0.0, 1.0], [0.1, 0.2], [0.5, 0.15], [1.0, 0.0]])
    assert knee(bent) == 1
    assert chosen(bent) == {"knee": 1, "min_risk": 3, "max_return": 0}


def test_a_front_is_put_in_order_of_risk_and_doubles_stand_once() -> None:
    losses = np.array([[0.0, 3.0], [2.0, 1.0], [0.0, 3.0], [1.0, 2.0]])
    assert in_order(losses).tolist() == [1, 3, 0]


def test_every_portfolio_of_the_front_keeps_to_the_limits_and_none_beats_another(
    twelve: Span,
) -> None:
    current = np.zeros(12)
    current[:4] = 0.25
    of = task(twelve, least=3, most=5, low=0.05, high=0.4, current=current, turnover=0.8,
              lot=np.full(12, 500.0), turnover_annual=1.2)  # fmt: skip
    found = last(of)
    assert found.feasible and len(found.weights) > 5
    assert violations(found.weights, of.limits).max() == 0.0
    assert of.evaluate(found.weights).turnover.max() <= 1.2
    worse = (found.losses[:, None] <= found.losses[None]).all(axis=2)
    better = (found.losses[:, None] < found.losses[None]).any(axis=2)
    assert not (worse & better).any()


def test_a_third_objective_trades_turnover_for_the_others(twelve: Span) -> None:
    found = last(task(twelve, objectives=(*NAMES, "turnover"), most=4))
    assert found.losses.shape[1] == 3
    assert np.ptp(found.losses[:, 2]) > 0.02


def test_the_same_seed_gives_the_same_generations_and_another_does_not(twelve: Span) -> None:
    of = task(twelve, most=4)
    one, again, other = (last(of, population=20, generations=8, seed=s) for s in (3, 3, 4))
    assert np.array_equal(one.weights, again.weights)
    assert np.array_equal(one.losses, again.losses)
    assert not np.array_equal(one.losses, other.losses)


def test_generations_never_lose_what_was_found(twelve: Span) -> None:
    of = task(twelve, most=4, high=0.5)
    made = list(search(of, population=40, generations=20, seed=1))
    assert [one.number for one in made] == list(range(1, 21))
    assert [one.evaluated for one in made][-1] <= 40 * 20
    best = [one.losses.min(axis=0) for one in made]
    assert (np.diff(best, axis=0) <= 1e-15).all()


def test_hypervolume_is_not_below_that_of_pymoos_own_moves_at_equal_evaluations(
    twelve: Span,
) -> None:
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from scipy.stats import wilcoxon

    of = task(twelve, least=2, most=4, low=0.05, high=0.6)
    ours, theirs = [], []
    reference = np.array([0.2, 0.4])
    for seed in range(8):
        own = last(of, population=30, generations=12, seed=seed)
        plain = NSGA2(pop_size=30, repair=repair_of(of))
        *_, peer = run(problem_of(of), plain, generations=12, seed=seed)
        assert own.evaluated <= peer.evaluated
        ours.append(hypervolume(own.losses, reference))
        theirs.append(hypervolume(peer.losses, reference))
    # One-sided: that ours are smaller has to be refused at no level of use.
    assert wilcoxon(ours, theirs, alternative="less").pvalue > 0.2
    assert np.mean(ours) > np.mean(theirs)


def test_survivors_are_taken_front_by_front_and_the_least_crowded_of_the_last() -> None:
    losses = np.array([[0.0, 9.0], [1.0, 5.0], [1.2, 4.8], [9.0, 0.0], [2.0, 6.0], [0.0, 0.0]])
    broken = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.3])
    found = survivors(Pool(np.arange(6.0)[:, None], losses, broken), 3)
    # Four on the first front: both ends, and of the two beside each other the one with more room.
    assert sorted(found.pool.weights[:, 0].tolist()) == [0.0, 2.0, 3.0]
    assert (found.rank == 0.0).all()
    every = survivors(Pool(np.arange(6.0)[:, None], losses, broken), 6)
    assert every.rank.tolist()[:5] == [0.0, 0.0, 0.0, 0.0, 1.0]
    assert every.pool.weights[-1, 0] == 5.0, "who breaks a limit comes last, good as it may be"


def test_the_loop_in_arrays_finds_what_pymoos_own_finds_with_the_same_moves(
    twelve: Span,
) -> None:
    of = task(twelve, least=2, most=4, low=0.05, high=0.6)
    reference = np.array([0.2, 0.4])
    own, peer = [], []
    for seed in range(6):
        own.append(
            hypervolume(last(of, population=30, generations=15, seed=seed).losses, reference)
        )
        *_, found = run(problem_of(of), algorithm_of(of, population=30), generations=15, seed=seed)
        peer.append(hypervolume(found.losses, reference))
    spread = np.std([*own, *peer])
    assert abs(np.mean(own) - np.mean(peer)) < 2.0 * spread


def test_without_pymoo_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == "pymoo":
            raise ImportError("No module named 'pymoo'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ConfigError, match=r"pip install 'tradewind\[portfolio\]'"):
        searching.require_pymoo()


def test_where_there_is_one_portfolio_only_it_is_the_front(twelve: Span) -> None:
    of = task(twelve, least=12, most=12, low=1 / 12, high=1 / 12)
    found = last(of, population=8, generations=3)
    assert len(found.weights) == 1 and found.evaluated == 1
    np.testing.assert_allclose(found.weights[0], 1 / 12)

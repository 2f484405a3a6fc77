"""What luck shows, against simulation, purgedcv, skfolio and arch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import DataError
from tradewind.engine.luck import expected_maximum as em
from tradewind.engine.luck.overfitting import block_sums, overfitting
from tradewind.engine.luck.reality_check import (
    block_length,
    draw,
    luck_of_the_best,
    reality_check,
)
from tradewind.engine.luck.stability import stability
from tradewind.engine.records import Floats


def noise(seed: int, n_trials: int, n_bars: int, mean: float = 0.0) -> Floats:
    return np.asarray(np.random.default_rng(seed).normal(mean, 0.01, (n_trials, n_bars)))


@pytest.mark.parametrize(("n", "printed"), [(10, 0.704), (100, 1.132), (1_000, 1.456)])
def test_the_best_of_so_many_in_five_years_of_noise(n: int, printed: float) -> None:
    """The formula against 4,000 simulated sweeps; it is some 2 % too high for ten."""
    formula = em.expected_maximum(n) / np.sqrt(5.0)
    assert formula == pytest.approx(printed, abs=5e-4)
    draws = np.random.default_rng(n).normal(size=(4_000, n)).max(axis=1).mean() / np.sqrt(5.0)
    assert formula == pytest.approx(draws, rel=0.035)


@given(st.floats(2.0, 1e6))
@settings(max_examples=50, deadline=None)
def test_independent_trials_invert_the_expected_maximum(n: float) -> None:
    assert em.independent_trials(em.expected_maximum(n)) == pytest.approx(n, rel=1e-6)


def test_ratios_are_those_of_purgedcv() -> None:
    import purgedcv

    returns = np.random.default_rng(1).standard_t(5, 800) * 0.01 + 0.0006
    found = em.moments(returns)
    found = found._replace(sharpe=found.sharpe * np.sqrt(800 / 799))  # theirs divides by n
    assert em.probabilistic_sharpe(found, 0.01) == pytest.approx(
        purgedcv.probabilistic_sharpe_ratio(returns, 0.01), abs=1e-7
    )
    assert em.deflated_sharpe(found, 50, 0.02) == pytest.approx(
        purgedcv.deflated_sharpe_ratio(returns, 50, 0.02**2), abs=1e-7
    )
    assert em.least_track_record(found, 0.01) == purgedcv.min_track_record_length(
        found.sharpe, 0.01, 0.05, found.skew, found.kurtosis
    )
    assert em.least_backtest_years(45, 1.0) == pytest.approx(
        purgedcv.minimum_backtest_length(45, 1.0), abs=1e-9
    )


def test_no_ratio_without_variation() -> None:
    with pytest.raises(DataError, match="without a Sharpe ratio"):
        em.moments(np.zeros(10))
    assert em.least_track_record(em.moments(noise(1, 1, 50, -0.01)[0])) == float("inf")
    assert em.expected_maximum(1) == 0.0


@pytest.mark.parametrize("blocks", [4, 8])
@pytest.mark.parametrize("n_bars", [240, 245])
def test_overfitting_is_that_of_purgedcv(blocks: int, n_bars: int) -> None:
    import purgedcv

    returns = noise(2, 20, n_bars)
    returns[3] = returns[7]  # ties
    returns[5] = 0.0  # a trial that never traded
    ours = overfitting(block_sums(returns, blocks))
    theirs = purgedcv.probability_of_backtest_overfitting(returns, blocks)
    assert ours.probability == theirs.pbo
    np.testing.assert_allclose(ours.logits, theirs.logits, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ours.inside, theirs.is_oos_performance[:, 0], rtol=1e-12)
    np.testing.assert_allclose(
        ours.outside, theirs.is_oos_performance[:, 1], rtol=1e-12, atol=1e-15
    )
    assert ours.slope == pytest.approx(theirs.slope, rel=1e-10)


def test_skill_is_not_overfitting_and_noise_is_half_of_the_time() -> None:
    rates = [overfitting(block_sums(noise(s, 60, 600), 8)).probability for s in range(12)]
    assert 0.3 < np.mean(rates) < 0.7
    skilled = noise(3, 60, 600)
    skilled[11] += 0.004
    assert overfitting(block_sums(skilled, 8)).probability < 0.01


@pytest.mark.parametrize(
    ("returns", "blocks", "words"),
    [
        (noise(1, 3, 30), 16, "two bars or more"),
        (noise(1, 3, 30), 5, "even number"),
        (np.full((3, 40), np.nan), 4, "not finite"),
        (noise(1, 1, 40), 4, "at least two"),
    ],
)
def test_what_cannot_be_judged_says_why(returns: Floats, blocks: int, words: str) -> None:
    with pytest.raises(DataError, match=words):
        overfitting(block_sums(returns, blocks))


@pytest.mark.parametrize("seed", range(3))
def test_unstudentised_p_values_are_those_of_arch_on_the_same_resamples(seed: int) -> None:
    from arch.bootstrap import SPA, StationaryBootstrap

    returns, benchmark = noise(seed, 40, 250, 0.0004 * seed), noise(9, 1, 250)[0]
    theirs = SPA(-benchmark, -returns.T, block_size=8, reps=150, seed=4, bootstrap="stationary")
    theirs.compute()
    bars = StationaryBootstrap(8, np.arange(250), seed=4)
    rows = np.array([data[0][0].astype(int) for data in bars.bootstrap(150)])
    ours = reality_check(returns, benchmark, block=8, rows=rows, studentised=False)
    np.testing.assert_allclose(
        [ours.lower, ours.consistent, ours.upper], theirs.pvalues.to_numpy(), atol=1e-12
    )
    assert ours.reality_check == ours.upper


def test_skill_is_found_and_a_rule_that_never_trades_is_left_out() -> None:
    returns = noise(5, 30, 500)
    returns[4] += 0.002
    returns[6] = 0.0
    found = reality_check(returns, n_resamples=300)
    assert found.consistent < 0.02 and found.reality_check < 0.02
    assert reality_check(np.zeros((3, 50))).consistent == 1.0


def test_noise_is_rejected_as_often_as_the_level_says() -> None:
    """60 sweeps of 50 rules at 20 %: three standard errors are 15 %."""
    p = [reality_check(noise(s, 50, 200), n_resamples=200, seed=s).consistent for s in range(60)]
    assert abs(np.mean(np.array(p) < 0.2) - 0.2) < 0.15


def test_blocks_are_short_without_memory_and_long_with_it() -> None:
    assert block_length(noise(6, 20, 1_000)) < 4.0
    slow = noise(7, 20, 1_000)
    for t in range(1, 1_000):
        slow[:, t] += 0.8 * slow[:, t - 1]
    assert block_length(slow) > 15.0


def test_resamples_run_on_in_blocks() -> None:
    rows = draw(500, 50, 10.0, seed=1)
    runs_on = (np.diff(rows, axis=1) % 500 == 1).mean()
    assert runs_on == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize(("distinct", "copies"), [(40, 1), (40, 10), (5, 60)])
def test_copies_count_once(distinct: int, copies: int) -> None:
    """The best of 1,000 resamples is known to some 2 %, the number of trials to some 30 %."""
    returns = np.repeat(noise(8, distinct, 800), copies, axis=0)
    returns = returns + noise(9, *returns.shape) * 1e-3
    found = em.independent_trials(luck_of_the_best(returns))
    assert found == pytest.approx(distinct, rel=0.3)


def test_a_plateau_is_told_from_a_lone_peak() -> None:
    grid = np.linspace(0.0, 1.0, 21)
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    hill = np.exp(-((points - 0.5) ** 2).sum(axis=1) * 4)
    top = int(np.argmax(hill))
    broad = stability(points, hill, top)
    assert broad is not None and broad.neighbours > 0.95 and broad.rank > 0.9
    spike = np.random.default_rng(2).normal(0, 0.1, len(points))
    spike[100] = 2.0
    lone = stability(points, spike, 100)
    assert lone is not None and lone.neighbours < 0.3 and lone.winner == 2.0
    assert stability(points[:1], np.ones(1), 0) is None

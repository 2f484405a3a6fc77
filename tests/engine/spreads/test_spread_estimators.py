"""Estimators against spreads that are known, by hand, in closed form, and in simulated markets.

What was verified of the package ``bidask`` 2.1.0: its rolling form equals the formula of the paper
written out below, window by window, to rounding; in markets with a known spread it has no bias
where the spread is not far below the noise; and it is as wrong as the formula itself where the mid
does not move.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bidask import edge as edge_of_the_authors
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.known_spreads import Bars, bars_of_trades, panel_of
from tradewind.engine import spread_estimators as se
from tradewind.engine.records import FIELDS, Floats

ROLLING = {"edge": se.edge, "corwin_schultz": se.corwin_schultz, "abdi_ranaldo": se.abdi_ranaldo}


def paper_edge(open_: Floats, high: Floats, low: Floats, close: Floats) -> float:
    """Ardia, Guidotti and Kroencke's estimator for one window, from its moments, signed."""
    o, h, low_, c = (np.log(x) for x in (open_, high, low, close))
    eta = (h + low_) / 2
    o, e, c_1, e_1 = o[1:], eta[1:], c[:-1], eta[:-1]
    moved = ~((h[1:] == low_[1:]) & (low_[1:] == c[:-1]))

    def inside(x: Floats, edge: Floats) -> float:
        return float(np.mean(moved & (x != edge)))

    nu_o = inside(o, h[1:]) + inside(o, low_[1:])
    nu_c = inside(c_1, h[:-1]) + inside(c_1, low_[:-1])

    def centred(x: Floats) -> Floats:
        return x - np.where(moved, x.mean() / moved.mean(), 0.0)

    one = -4 / nu_o * centred(e - o) * (o - e_1) - 4 / nu_c * centred(e - c_1) * (c_1 - e_1)
    two = -4 / nu_o * centred(e - o) * (o - c_1) - 4 / nu_c * centred(o - c_1) * (c_1 - e_1)
    weight = two.var() / (one.var() + two.var())
    square = weight * one.mean() + (1 - weight) * two.mean()
    return float(np.sign(square) * np.sqrt(abs(square)))


def markets(spread: float, n_windows: int = 40, window: int = 252) -> Bars:
    return bars_of_trades(np.random.default_rng(11), n_windows * window, spread)


def averages(spread: float, window: int = 252) -> dict[str, float]:
    """Mean of the estimates of windows that do not overlap, basis points."""
    bars = markets(spread, window=window)
    return {
        name: float(1e4 * np.mean(rolling(*bars, window)[window - 1 :: window]))
        for name, rolling in ROLLING.items()
    }


def test_the_package_equals_the_formula_of_the_paper_in_every_window() -> None:
    bars = bars_of_trades(np.random.default_rng(5), 90, 0.002, n_trades=8)
    found = se.edge(*bars, 21)
    for end in range(21, 91):
        window = tuple(side[end - 21 : end] for side in bars)
        wanted = paper_edge(*window)
        assert found[end - 1] == pytest.approx(wanted, rel=1e-6, abs=1e-9)
        assert edge_of_the_authors(*window, sign=True) == pytest.approx(wanted, rel=1e-9)
    assert np.isnan(found[:20]).all()


TOLERANCE_BPS = 3.0  # of the mean of 40 windows, whose standard error is below 0.8


@pytest.mark.parametrize("spread_bps", [50.0, 100.0, 300.0])
def test_edge_and_abdi_ranaldo_find_a_spread_that_is_known(spread_bps: float) -> None:
    found = averages(spread_bps / 1e4)
    assert found["edge"] == pytest.approx(spread_bps, abs=TOLERANCE_BPS + 0.01 * spread_bps)
    assert found["abdi_ranaldo"] == pytest.approx(spread_bps, abs=TOLERANCE_BPS)


def test_a_spread_of_nothing_comes_out_on_both_sides_of_zero() -> None:
    bars = markets(0.0)
    for name in ("edge", "abdi_ranaldo"):
        estimates = ROLLING[name](*bars, 252)[251::252]
        assert (estimates < 0).any()
        assert (estimates > 0).any()


def test_corwin_schultz_sees_the_spread_and_adds_to_a_small_one() -> None:
    # The bars' ranges are those of 100 trades, not of a path without gaps, and negative two-bar
    # estimates count as zero: both of which its authors describe.
    small, large = averages(0.0)["corwin_schultz"], averages(0.03)["corwin_schultz"]
    assert 20 < small < 60
    assert large == pytest.approx(300.0, abs=30.0)


def test_two_equal_bars_are_all_spread_to_corwin_and_schultz() -> None:
    high, low, close = np.array([101.0, 101.0]), np.array([100.0, 100.0]), np.array([100.5, 100.5])
    found = se.two_bar_spreads(high, low, close)
    assert found[0] == pytest.approx((101.0 - 100.0) / 100.5, rel=1e-12)


def test_corwin_schultz_by_hand_with_a_gap_overnight() -> None:
    # The second bar lies wholly above the close of 100, by 4: it is read as 100 to 103.
    high, low, close = np.array([102.0, 107.0]), np.array([99.0, 104.0]), np.array([100.0, 105.0])
    beta = np.log(102 / 99) ** 2 + np.log(103 / 100) ** 2
    gamma = np.log(103 / 99) ** 2
    k = 3 - 2 * np.sqrt(2)
    alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / k - np.sqrt(gamma / k)
    wanted = 2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha))
    assert se.two_bar_spreads(high, low, close)[0] == pytest.approx(wanted, rel=1e-12)


def test_abdi_ranaldo_by_hand() -> None:
    # log prices: middles 0, 0.02, 0.01; closes 0.03, 0.00
    high, low = np.exp([0.05, 0.05, 0.04]), np.exp([-0.05, -0.01, -0.02])
    close = np.exp([0.03, 0.00, 0.01])
    square = 4 * np.mean([0.03 * (0.03 - 0.02), (0.00 - 0.02) * (0.00 - 0.01)])
    found = se.abdi_ranaldo(close, high, low, close, 3)
    assert found[2] == pytest.approx(np.sqrt(square), rel=1e-12)
    assert np.isnan(found[:2]).all()


def test_a_mid_that_stands_still_gives_abdi_ranaldo_the_spread_and_edge_too_much() -> None:
    rng = np.random.default_rng(1)
    bars = bars_of_trades(rng, 400, 0.01, vol=0.0)
    assert se.abdi_ranaldo(*bars, 400)[-1] == pytest.approx(0.01, rel=1e-3)
    # Opens and closes lie on the high or the low, half the time each: the correction for that
    # doubles the square. So it is in the paper's formula, not in the package alone.
    assert se.edge(*bars, 400)[-1] == pytest.approx(0.01 * np.sqrt(2), rel=0.02)
    assert paper_edge(*bars) == pytest.approx(0.01 * np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("estimator", se.ESTIMATORS)
def test_an_estimate_is_that_of_the_window_before_the_bar(estimator: str) -> None:
    bars = bars_of_trades(np.random.default_rng(3), 60, 0.004)
    found = se.known_before(panel_of(bars), estimator, 20)[:, 0]
    assert np.isnan(found[:20]).all()
    rolling = ROLLING[estimator](*bars, 20)
    np.testing.assert_array_equal(found[20:], rolling[19:-1])


@pytest.mark.parametrize("estimator", se.ESTIMATORS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1_000), cut=st.integers(1, 79))
def test_bars_from_the_cut_on_change_no_estimate_up_to_it(
    estimator: str, seed: int, cut: int
) -> None:
    rng = np.random.default_rng(seed)
    panel = panel_of(*(bars_of_trades(rng, 80, 0.004, n_trades=5) for _ in range(2)))
    factor = rng.uniform(0.5, 2.0, panel.shape)
    factor[:cut] = 1.0
    other = replace(panel, **{name: getattr(panel, name) * factor for name in FIELDS})
    before, after = (se.known_before(p, estimator, 12) for p in (panel, other))
    np.testing.assert_array_equal(before[: cut + 1], after[: cut + 1])
    if cut < 60:
        assert not np.array_equal(before, after, equal_nan=True)


@pytest.mark.parametrize("estimator", se.ESTIMATORS)
def test_a_halt_is_no_bar_of_the_window(estimator: str) -> None:
    bars = bars_of_trades(np.random.default_rng(4), 40, 0.004)
    halted = [np.insert(side, 25, [np.nan] * 5) for side in bars]
    plain = se.known_before(panel_of(bars), estimator, 20)[:, 0]
    found = se.known_before(panel_of(tuple(halted)), estimator, 20)[:, 0]  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.delete(found, range(25, 30)), plain)
    assert np.isnan(found[25:30]).all()


@pytest.mark.parametrize("estimator", se.ESTIMATORS)
def test_looking_back_at_single_bars_finds_what_was_known_before_them(estimator: str) -> None:
    rng = np.random.default_rng(12)
    panel = panel_of(*(bars_of_trades(rng, 90, 0.01 * k, n_trades=9) for k in range(4)))
    halted = rng.random(panel.shape) < 0.2
    prices: dict[str, Any] = {n: np.where(halted, np.nan, getattr(panel, n)) for n in FIELDS}
    panel = replace(panel, **prices)
    bars, columns = np.nonzero(~halted[:, [0, 1, 3]])
    columns = np.array([0, 1, 3])[columns]
    found = se.known_at(panel, estimator, 20, bars, columns)
    wanted = se.known_before(panel, estimator, 20)[bars, columns]
    assert np.isnan(wanted).any() and (~np.isnan(wanted)).sum() > 100
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)
    nothing = np.empty(0, np.int64)
    assert len(se.known_at(panel, estimator, 20, nothing, nothing)) == 0


def test_bars_that_never_move_have_no_edge_and_no_spread() -> None:
    flat = np.full(50, 10.0)
    assert np.isnan(se.edge(flat, flat, flat, flat, 20)).all()
    assert (se.corwin_schultz(flat, flat, flat, flat, 20)[19:] == 0).all()
    assert (se.abdi_ranaldo(flat, flat, flat, flat, 20)[19:] == 0).all()

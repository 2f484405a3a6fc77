"""Copulas at strong dependence, turned ones, distribution functions, and cumulated mispricing."""

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.pairing import copulas
from tradewind.strategies.pairing.copulas import Copula

CORNERS = np.array([1e-6, 1e-3, 0.05, 0.3, 0.5, 0.8, 0.97, 1 - 1e-3, 1 - 1e-6])
U, V = (grid.ravel() for grid in np.meshgrid(CORNERS, CORNERS))
THETA = {"clayton": 2.5, "gumbel": 1.9, "frank": -7.0}


def theirs_of(family: str, theta: float, turned: int = 0) -> Any:
    import pyvinecopulib as pv

    return pv.Bicop(
        family=getattr(pv.BicopFamily, family), rotation=turned, parameters=np.array([[theta]])
    )


def frank_exactly(u: float, v: float, theta: float) -> tuple[float, float]:
    """Density and P(U <= u given V = v) with sixty digits."""
    with localcontext() as context:
        context.prec = 60
        t, a, b = Decimal(theta), Decimal(u), Decimal(v)
        whole = 1 - (-t).exp()
        under = whole - (1 - (-t * a).exp()) * (1 - (-t * b).exp())
        given_second = (1 - (-t * a).exp()) * (-t * b).exp() / under
        return float(t * whole * (-t * (a + b)).exp() / under**2), float(given_second)


@pytest.mark.parametrize("theta", [-60.0, -5.0, 1e-4, 5.0, 20.0, 34.0, 80.0])
def test_franks_copula_keeps_its_digits(theta: float) -> None:
    """pyvinecopulib 1.0.1 gives conditionals that are off by 0.03 at 34: no oracle there."""
    copula = Copula("frank", theta)
    exact = np.array([frank_exactly(u, v, theta) for u, v in zip(U, V, strict=True)])
    np.testing.assert_allclose(copulas.density(copula, U, V), exact[:, 0], rtol=1e-10)
    np.testing.assert_allclose(copulas.conditional(copula, U, V)[0], exact[:, 1], atol=1e-12)


@pytest.mark.parametrize(
    "copula", [Copula("clayton", 60.0), Copula("gumbel", 60.0), Copula("frank", 100.0),
               Copula("frank", -100.0), Copula("clayton", 60.0, turned=180)], ids=str,
)  # fmt: skip
def test_the_strongest_copulas_stay_finite_and_know_where_the_other_leg_is(copula: Copula) -> None:
    assert np.isfinite(copulas.density(copula, U, V)).all()
    first, second = copulas.conditional(copula, U, V)
    assert np.isfinite(first).all() and np.isfinite(second).all()
    other = 1.0 - V if copula.first < 0.0 else V
    np.testing.assert_allclose(first[U - other > 0.1], 1.0, atol=1e-2)
    np.testing.assert_allclose(first[other - U > 0.1], 0.0, atol=1e-2)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
@pytest.mark.parametrize("family", ["clayton", "gumbel"])
def test_turned_copulas_are_those_of_pyvinecopulib(family: str, turned: int) -> None:
    """To 1e-9: nearer the corners than 1e-6 its own Gumbel rounds at 4e-11."""
    copula, theirs = (
        Copula(family, THETA[family], turned=turned),
        theirs_of(family, THETA[family], turned),
    )
    both = np.stack([U, V], axis=1)
    np.testing.assert_allclose(copulas.density(copula, U, V), theirs.pdf(both), rtol=1e-8)
    first, second = copulas.conditional(copula, U, V)
    np.testing.assert_allclose(first, theirs.hfunc2(both), atol=1e-9)
    np.testing.assert_allclose(second, theirs.hfunc1(both), atol=1e-9)
    np.testing.assert_allclose(copulas.cumulative(copula, U, V), theirs.cdf(both), atol=1e-9)


@given(
    st.sampled_from(["clayton", "gumbel", "frank"]), st.sampled_from([0, 90, 180, 270]),
    st.floats(0.02, 0.98), st.floats(0.02, 0.98),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_a_conditional_is_the_slope_of_the_distribution(
    family: str, turned: int, u: float, v: float
) -> None:
    copula, step = Copula(family, THETA[family], turned=turned), 1e-5
    here, there = np.array([u]), np.array([v])
    first, second = copulas.conditional(copula, here, there)
    by_v = copulas.cumulative(copula, here, there + step) - copulas.cumulative(
        copula, here, there - step
    )
    by_u = copulas.cumulative(copula, here + step, there) - copulas.cumulative(
        copula, here - step, there
    )
    assert first[0] == pytest.approx(by_v[0] / (2 * step), abs=1e-4)
    assert second[0] == pytest.approx(by_u[0] / (2 * step), abs=1e-4)


def test_there_is_no_closed_distribution_of_the_elliptical_ones() -> None:
    with pytest.raises(StrategyError, match="no distribution function in closed form"):
        copulas.cumulative(Copula("gaussian", 0.5), U, V)


@pytest.mark.parametrize("name", sorted(copulas.TURNED))
def test_a_turned_family_is_found_among_all(name: str) -> None:
    family, turned = copulas.TURNED[name]
    u, v = theirs_of(family, THETA[family], turned).sample(3_000, seeds=[4, 5, 6]).T
    found, _ = copulas.fit(u, v, name)
    assert (found.family, found.turned) == (family, turned)
    assert found.first == pytest.approx(THETA[family], rel=0.1)
    best = copulas.fit_best(u, v, copulas.EVERY)
    # Clayton's tail is Gumbel's turned by 180: which of the two describes it is what is asked
    assert (best.family, best.turned) == (family, turned)
    assert copulas.fit_best(u, v).turned == 0, "only those that are asked for"


def test_a_turned_family_says_what_it_cannot_describe() -> None:
    u = np.random.default_rng(3).uniform(size=100)
    near = 0.7 * u + 0.3 * np.random.default_rng(4).uniform(size=100)
    with pytest.raises(StrategyError, match="clayton_90 cannot describe series that move together"):
        copulas.fit(u, near, "clayton_90")
    with pytest.raises(StrategyError, match="no family"):
        copulas.fit_best(u, near, [])


def test_franks_parameter_is_found_where_two_series_are_nearly_one() -> None:
    u, v = theirs_of("frank", 30.0).sample(3_000, seeds=[7, 8, 9]).T
    found, likelihood = copulas.fit(u, v, "frank")
    assert found.first == pytest.approx(30.0, rel=0.05)
    assert likelihood > 0.0


def pieces(step: Floats, reset: Any) -> Floats:
    """Running sums by hand, a piece after each reset."""
    ends = [int(t) + 1 for t in np.flatnonzero(reset)]
    return np.concatenate([np.cumsum(part) for part in np.split(step, ends)])


@given(st.integers(0, 1_000), st.integers(1, 39))
@settings(max_examples=40, deadline=None)
def test_cumulated_mispricing_begins_anew_and_knows_no_later_bar(seed: int, cut: int) -> None:
    draw = np.random.default_rng(seed)
    first, second = draw.uniform(size=(2, 40, 2))
    first[draw.integers(0, 40), 0] = np.nan
    reset = draw.uniform(size=(40, 2)) < 0.1
    for i, found in enumerate(copulas.cumulated(first, second, reset)):
        known = ~(np.isnan(first) | np.isnan(second))
        step = np.where(known, (first, second)[i] - 0.5, 0.0)
        for j in range(2):
            np.testing.assert_allclose(found[:, j], pieces(step[:, j], reset[:, j]), atol=1e-12)
    without = copulas.cumulated(first, second)
    np.testing.assert_allclose(
        without, copulas.cumulated(first, second, np.zeros_like(reset)), atol=1e-12
    )
    other, other_reset = first.copy(), reset.copy()
    other[cut:] = 0.9
    other_reset[cut:] = ~reset[cut:]
    for ours, changed in zip(
        copulas.cumulated(first, second, reset), copulas.cumulated(other, second, other_reset),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(ours[:cut], changed[:cut])

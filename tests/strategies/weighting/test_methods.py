"""Methods against closed forms, skfolio and published examples; limits against a plain search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats
from tradewind.strategies.weighting.cone import least
from tradewind.strategies.weighting.hierarchy import hierarchical
from tradewind.strategies.weighting.limits import Estimates, Limits, refuse_contradiction
from tradewind.strategies.weighting.methods import METHODS
from tradewind.strategies.weighting.projection import project
from tradewind.strategies.weighting.views import equilibrium, posterior

INF = float("inf")


def returns(seed: int, n: int = 8, n_obs: int = 300) -> Floats:
    draw = np.random.default_rng(seed)
    common = draw.normal(0.0003, 0.01, (n_obs, 2)) @ draw.normal(0.5, 0.5, (2, n))
    return np.asarray(common + draw.normal(0, 1, (n_obs, n)) * draw.uniform(0.005, 0.02, n))


def estimates(seed: int, n: int = 8) -> Estimates:
    x = returns(seed, n)
    return Estimates(x, np.cov(x.T, ddof=1), x.mean(axis=0), x.mean(axis=0) / x.std(axis=0))


def long_only(n: int, cap: float = 1.0) -> Limits:
    return Limits(np.zeros(n), np.full(n, cap), np.full(n, -1), INF, 1.0, 1.0)


def sectors(n: int, cap: float, share: float, net: float = 1.0) -> Limits:
    low = np.full(n, 0.0 if net == 1.0 else -cap)
    return Limits(low, np.full(n, cap), np.arange(n) % 3, share, net, 1.0 if net == 1.0 else 1.6)


def on_two(method: str, **options: float) -> list[float]:
    """Two names: volatility 0.1 and 0.2, correlation 0.25, means 0.02 and 0.03."""
    covariance = np.array([[0.01, 0.005], [0.005, 0.04]])
    known = Estimates(np.zeros((1, 2)), covariance, np.array([0.02, 0.03]), np.array([2.0, 1.0]))
    return [round(float(w), 6) for w in METHODS[method](known, long_only(2), **options)]


def test_two_names_have_closed_forms() -> None:
    assert on_two("equal") == [0.5, 0.5]
    assert on_two("inverse_volatility") == on_two("risk_parity") == [0.666667, 0.333333]
    # (0.04 - 0.005) / (0.01 + 0.04 - 2 * 0.005)
    assert on_two("minimum_variance") == [0.875, 0.125]
    # inverse variances: 100 and 25
    assert on_two("hrp") == [0.8, 0.2]
    # as inverse volatility: the correlation of two names does not tell them apart
    assert on_two("maximum_diversification") == [0.666667, 0.333333]
    # minimum variance plus (mean difference) / aversion over 0.04
    assert on_two("mean_variance", risk_aversion=2.0) == [0.75, 0.25]
    assert on_two("kelly", fraction=0.5) == [0.75, 0.25]
    assert on_two("by_score") == [0.666667, 0.333333]


def test_minimum_variance_and_risk_parity_are_skfolios() -> None:
    skfolio = pytest.importorskip("skfolio")
    from skfolio.optimization import MeanRisk, RiskBudgeting

    x = returns(1, 12)
    known = Estimates(x, np.cov(x.T, ddof=1), x.mean(axis=0), x.mean(axis=0))
    del skfolio
    exact = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11}
    percent = 100.0 * x  # their solver's tolerances are absolute
    theirs = MeanRisk(max_weights=0.2, solver_params=exact).fit(percent).weights_
    np.testing.assert_allclose(
        METHODS["minimum_variance"](known, long_only(12, 0.2)), theirs, atol=1e-5
    )
    parity = RiskBudgeting(solver_params=exact).fit(percent).weights_
    np.testing.assert_allclose(METHODS["risk_parity"](known, long_only(12)), parity, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*deprecated.*:FutureWarning")
def test_maximum_diversification_and_hrp_are_skfolios() -> None:
    pytest.importorskip("skfolio")
    from skfolio.cluster import HierarchicalClustering, LinkageMethod
    from skfolio.distance import PearsonDistance
    from skfolio.optimization import HierarchicalRiskParity, MaximumDiversification

    x = returns(2, 10)
    known = Estimates(x, np.cov(x.T, ddof=1), x.mean(axis=0), x.mean(axis=0))
    theirs = MaximumDiversification().fit(x).weights_
    ours = METHODS["maximum_diversification"](known, long_only(10))
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    tree = HierarchicalRiskParity(
        distance_estimator=PearsonDistance(),
        hierarchical_clustering_estimator=HierarchicalClustering(
            linkage_method=LinkageMethod.SINGLE
        ),
    )
    # Theirs measures names by their distance alone, ours as the paper by its whole columns: the
    # trees may differ, so the two are compared by the risk that they leave.
    other = tree.fit(x).weights_
    own = METHODS["hrp"](known, long_only(10))
    risk = [float(w @ known.covariance @ w) for w in (own, other)]
    assert risk[0] == pytest.approx(risk[1], rel=0.25)


def test_hierarchical_weights_follow_the_tree() -> None:
    """Two pairs, each nearly one name: a pair gets half, whatever it is made of."""
    correlation = np.eye(4)
    correlation[0, 1] = correlation[1, 0] = correlation[2, 3] = correlation[3, 2] = 0.9
    found = hierarchical(correlation * 0.04)
    np.testing.assert_allclose(found, 0.25)
    louder = np.diag([1.0, 1.0, 2.0, 2.0])
    np.testing.assert_allclose(hierarchical(louder @ correlation @ louder), [0.4, 0.4, 0.1, 0.1])


def test_the_example_of_he_and_litterman() -> None:
    """Seven countries, one view: Germany outperforms the rest of Europe by 5 % (their table 4)."""
    names_vol = np.array([0.160, 0.203, 0.248, 0.271, 0.210, 0.200, 0.187])
    lower = [
        [1.0],
        [0.488, 1.0],
        [0.478, 0.664, 1.0],
        [0.515, 0.655, 0.861, 1.0],
        [0.439, 0.310, 0.355, 0.354, 1.0],
        [0.512, 0.608, 0.783, 0.777, 0.405, 1.0],
        [0.491, 0.779, 0.668, 0.653, 0.306, 0.652, 1.0],
    ]
    correlation = np.eye(7)
    for i, row in enumerate(lower):
        correlation[i, : i + 1] = correlation[: i + 1, i] = row
    covariance = correlation * np.outer(names_vol, names_vol)
    # Australia, Canada, France, Germany, Japan, United Kingdom, United States
    held = np.array([0.016, 0.022, 0.052, 0.055, 0.116, 0.124, 0.615])
    prior = equilibrium(covariance, held, 2.5)
    np.testing.assert_allclose(100 * prior, [3.9, 6.9, 8.4, 9.0, 4.3, 6.8, 7.6], atol=0.05)
    rest = 0.052 + 0.124
    pick = np.array([[0.0, 0.0, -0.052 / rest, 1.0, 0.0, -0.124 / rest, 0.0]])
    doubt = np.array([0.05 * float((pick @ covariance @ pick.T)[0, 0])])
    found = posterior(prior, covariance, pick, np.array([0.05]), doubt, tau=0.05)
    np.testing.assert_allclose(100 * found.mean, [4.3, 7.6, 9.3, 11.0, 4.5, 7.0, 8.1], atol=0.06)


def test_no_confidence_is_the_market_and_much_of_it_the_view() -> None:
    known = estimates(3, 5)
    shy = METHODS["black_litterman"](known, long_only(5), confidence=1e-6)
    np.testing.assert_allclose(shy, 0.2, atol=1e-3)
    sure = METHODS["black_litterman"](known, long_only(5), confidence=1 - 1e-9, tau=1e-6)
    plain = METHODS["mean_variance"](known, long_only(5), risk_aversion=2.5)
    np.testing.assert_allclose(sure, plain, atol=1e-3)


ANY = [name for name in METHODS if name != "hrp"]


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.integers(6, 14))
def test_every_method_keeps_long_limits(method: str, seed: int, n: int) -> None:
    limits = sectors(n, 0.4, 0.5)
    found = METHODS[method](estimates(seed, n), limits)
    assert found.sum() == pytest.approx(1.0, abs=1e-7)
    assert found.min() >= 0.0 and found.max() <= 0.4
    for number in range(3):
        assert found[limits.group == number].sum() <= 0.5 + 1e-7


@pytest.mark.parametrize("method", ["mean_variance", "kelly", "black_litterman"])
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.3]))
def test_methods_of_both_sides_keep_net_gross_and_sectors(
    method: str, seed: int, net: float
) -> None:
    limits = sectors(9, 0.5, 0.5, net)
    found = METHODS[method](estimates(seed, 9), limits)
    assert found.sum() == pytest.approx(net, abs=1e-6)
    assert np.abs(found).sum() <= 1.6 + 1e-6 and np.abs(found).max() <= 0.5
    for number in range(3):
        assert np.abs(found[limits.group == number]).sum() <= 0.8 + 1e-6


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.25, 1.0), st.floats(0.4, 1.0))
def test_the_halved_projection_is_the_cone_solvers(seed: int, cap: float, share: float) -> None:
    wished = np.random.default_rng(seed).normal(0.1, 0.4, 9)
    limits = sectors(9, cap, share)
    ours, theirs = project(wished, limits), least(np.eye(9), -wished, limits)
    np.testing.assert_allclose(ours, theirs, atol=5e-5)  # an interior point stops short of bounds
    assert ((ours - wished) ** 2).sum() <= ((theirs - wished) ** 2).sum() + 1e-9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_what_keeps_the_limits_is_its_own_projection(seed: int) -> None:
    limits = sectors(9, 0.4, 0.5)
    inside = project(np.random.default_rng(seed).normal(size=9), limits)
    np.testing.assert_allclose(project(inside, limits), inside, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_no_small_move_within_the_limits_lowers_the_variance(seed: int) -> None:
    known, limits = estimates(seed, 9), sectors(9, 0.35, 0.45)
    found = METHODS["minimum_variance"](known, limits)
    risk = float(found @ known.covariance @ found)
    draw = np.random.default_rng(seed)
    for _ in range(30):
        moved = project(found + draw.normal(0, 0.01, 9), limits)
        assert float(moved @ known.covariance @ moved) >= risk * (1 - 1e-6)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (long_only(3, 0.2), "add up to 0 and 0.6 cannot add up to 1"),
        (sectors(6, 1.0, 0.3), "with the caps of their sectors cannot add up to 1"),
        (long_only(2)._replace(low=np.array([0.5, 0.9])), "cannot add up to 1"),
        (
            long_only(2)._replace(low=np.array([0.5, 0.0]), high=np.array([0.2, 1.0])),
            "at least 0.5",
        ),
        (long_only(2)._replace(net=2.0), "gross 1 cannot add up to 2"),
    ],
)
def test_limits_that_contradict_each_other_are_named(limits: Limits, message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        refuse_contradiction(limits)


def singular() -> Estimates:
    known = estimates(4, 3)
    return known._replace(covariance=np.ones((3, 3)) * 0.01)


@pytest.mark.parametrize(
    ("method", "known", "options", "message"),
    [
        ("minimum_variance", singular(), {}, "not positive definite"),
        ("maximum_diversification", singular(), {}, "not positive definite"),
        ("kelly", estimates(4, 3), {"fraction": 2.0}, "fraction 2"),
        ("mean_variance", estimates(4, 3), {"risk_aversion": 0.0}, "above zero"),
        ("black_litterman", estimates(4, 3), {"confidence": 1.0}, "between 0 and 1"),
        ("by_score", estimates(4, 3)._replace(score=np.full(3, np.nan)), {}, "a score"),
        (
            "inverse_volatility",
            estimates(4, 3)._replace(covariance=np.zeros((3, 3))),
            {},
            "does not vary",
        ),
    ],
)
def test_what_a_method_cannot_weigh_is_refused(
    method: str, known: Estimates, options: dict[str, float], message: str
) -> None:
    with pytest.raises(StrategyError, match=message):
        METHODS[method](known, long_only(3), **options)

"""Pairs found on a calendar: what is refused and kept, and that no row knows a later bar."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.engine.audit.made_up import signals
from tradewind.engine.errors import StrategyError
from tradewind.engine.protocols import Signals
from tradewind.engine.records import DAY_NS, ELIGIBLE, GROUP, MEMBER, Panel
from tradewind.engine.tampering import tampered
from tradewind.strategies.pairing.forming import due_bars, remarks, walk
from tradewind.strategies.pairs import Pairs

WEEKDAYS = 400


def market(seed: int = 0, n_bars: int = WEEKDAYS, n_symbols: int = 6) -> Panel:
    """Walks; B follows A, D follows C at half its moves."""
    draw = np.random.default_rng(seed)
    logs = 4.0 + np.cumsum(draw.normal(0, 0.01, (n_bars, n_symbols)), axis=0)
    noise = np.zeros((n_bars, 2))
    for t in range(1, n_bars):
        noise[t] = 0.8 * noise[t - 1] + draw.normal(0, 0.004, 2)
    logs[:, 1] = logs[:, 0] + noise[:, 0]
    logs[:, 3] = 2.0 + 0.5 * logs[:, 2] + noise[:, 1]
    close = np.exp(logs)
    ts = (np.arange(n_bars) + 16_000) * DAY_NS
    opened = np.vstack([close[:1], close[:-1]])
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return Panel(tuple("ABCDEF"), ts, opened, high, low, close, np.full(close.shape, 1e5))


def first(strategy: Pairs, panel: Panel) -> Any:
    return next(iter(walk(strategy.plan, panel)))


def names(strategy: Pairs, panel: Panel) -> list[str]:
    formed = first(strategy, panel)
    return ["".join(panel.symbols[k] for k in pair) for pair in formed.pairs]


@pytest.mark.parametrize("find", ["cointegration", "johansen"])
def test_planted_pairs_are_found(find: str) -> None:
    strategy = Pairs(find=find, count=2, formation=252)  # type: ignore[arg-type]
    assert {frozenset(n) for n in names(strategy, market())} == {frozenset("AB"), frozenset("CD")}


def test_the_nearest_prices_and_the_most_alike_returns_are_found() -> None:
    assert names(Pairs(find="distance", count=1), market()) == ["AB"]
    assert names(Pairs(find="correlation", count=1), market()) == ["AB"]


def test_filters_refuse_and_say_how_many() -> None:
    strategy = Pairs(find="cointegration", p_value=0.01, half_life=(1.0, 20.0), count=9)
    formed = first(strategy, market())
    assert formed.found.n_tested > len(formed.pairs) >= 2
    assert formed.found.n_refused["p_value"] > 0
    with_fdr = first(Pairs(find="cointegration", false_discoveries=0.01, count=9), market())
    assert len(with_fdr.pairs) == 2


def test_a_name_may_be_in_so_many_pairs_and_pairs_may_stay_in_their_group() -> None:
    free = names(Pairs(find="distance", count=4), market())
    capped = names(Pairs(find="distance", count=4, per_name=1), market())
    assert len(set("".join(capped))) == 2 * len(capped) and free[0] == capped[0]
    group = np.tile(np.array([0.0, 1.0, 0.0, 1.0, np.nan, np.nan]), (WEEKDAYS, 1))
    panel = replace(market(), columns={GROUP: group})
    assert names(Pairs(find="distance", count=9, within="group"), panel) == ["BD", "AC"] or set(
        names(Pairs(find="distance", count=9, within="group"), panel)
    ) == {"AC", "BD"}
    with pytest.raises(StrategyError, match=r"data\.groups"):
        Pairs(within="group").prepare(market(), Signals())


def test_only_members_at_the_formation_take_part() -> None:
    member = np.ones((WEEKDAYS, 6))
    member[:, 1] = 0.0
    panel = replace(market(), columns={MEMBER: member})
    assert all("B" not in name for name in names(Pairs(find="distance", count=20), panel))


def test_a_symbol_with_gaps_beyond_the_share_does_not_take_part() -> None:
    panel = market()
    close = panel.close.copy()
    close[100:104, 1] = np.nan
    gappy = replace(panel, close=close)
    assert "AB" in names(Pairs(find="distance", count=1), gappy)  # 4 of 252
    assert "AB" not in names(Pairs(find="distance", count=1, max_gaps=0.0), gappy)


def test_identical_constant_and_collinear_series_are_no_pairs() -> None:
    panel = market()
    close = panel.close.copy()
    close[:, 1] = close[:, 0]
    close[:, 3] = close[:, 2] * 2.0
    close[:, 4] = 7.0
    twins = replace(panel, open=close, high=close, low=close, close=close)
    for find in ("distance", "correlation", "cointegration", "johansen"):
        found = names(Pairs(find=find, count=20), twins)
        assert "AB" not in found and "CD" not in found
    assert all("E" not in n for n in names(Pairs(find="cointegration", count=20), twins))
    given = Pairs(pairs=[["A", "B"], ["A", "E"], ["A", "C"]])
    said = remarks(given.plan, twins)
    assert any("A / B did not trade" in line for line in said)
    assert any("A / E did not trade" in line for line in said)


def test_pairs_that_are_named_trade_once_all_have_a_formation_behind_them() -> None:
    panel = market()
    close = panel.close.copy()
    close[:50, 1] = np.nan
    late = replace(panel, open=close, high=close, low=close, close=close)
    assert due_bars(Pairs(pairs=[["A", "B"]], formation=100).plan, late).tolist() == [149]
    with pytest.raises(StrategyError, match="350 bars in common"):
        Pairs(pairs=[["A", "B"]], formation=380).prepare(late, Signals())
    with pytest.raises(StrategyError, match=r"no symbol 'AA' \(did you mean 'A'\?\)"):
        Pairs(pairs=[["AA", "B"]]).prepare(panel, Signals())


def test_prices_below_zero_have_no_logarithm_and_plain_ones_may_trade() -> None:
    panel = market()
    low = panel.close - panel.close.mean()
    below = replace(panel, open=low, high=low, low=low, close=low)
    with pytest.raises(StrategyError, match="prices: plain"):
        Pairs().prepare(below, Signals())
    inputs = Pairs(prices="plain", find="cointegration", count=2).prepare(below, Signals())
    assert np.isfinite(inputs.signal).any()


@pytest.mark.parametrize(
    "form",
    [
        {"find": "cointegration", "count": 2, "every": "month", "periods": 2, "p_value": 0.2},
        {"find": "distance", "count": 2, "hedge": "one", "prices": "plain", "every": "quarter"},
        {"pairs": [["A", "B"]], "hedge": "kalman"},
        {"pairs": [["A", "B"]], "hedge": "tls", "hedge_window": 40, "window": 30},
        {"pairs": [["A", "B"], ["C", "D", "E"]], "hedge": "johansen", "signal": "ou"},
        {"pairs": [["A", "B"]], "signal": "copula", "every": "month"},
        {"pairs": [["A", "B"]], "neutral": "beta", "break_level": 0.05, "break_bars": 5},
    ],
)
@given(seed=st.integers(0, 100), cut=st.integers(130, WEEKDAYS - 2))
@settings(max_examples=3, deadline=None)
def test_no_signal_hedge_or_pair_knows_a_later_bar(form: Any, seed: int, cut: int) -> None:
    strategy, panel = Pairs(formation=100, **form), market(seed)
    whole = strategy.prepare(panel, Signals())
    assert np.isfinite(whole.signal).any()
    for how in ("noise", "dropped"):
        other = strategy.prepare(tampered(panel, cut, how), Signals())
        for name in ("row", "signal", "share", "broken", "price"):
            ours, theirs = getattr(whole, name)[:cut], getattr(other, name)[:cut]
            np.testing.assert_array_equal(ours, theirs, err_msg=f"{name}, {how}")
        seen = np.unique(whole.row[:cut][whole.row[:cut] >= 0])
        np.testing.assert_array_equal(whole.leg[seen], other.leg[seen])


@given(seed=st.integers(0, 100), cut=st.integers(160, WEEKDAYS - 2))
@settings(max_examples=8, deadline=None)
def test_no_series_that_is_forecast_knows_a_later_bar(seed: int, cut: int) -> None:
    strategy = Pairs(formation=100, find="distance", count=2, due=0.1)
    panel = market(seed)
    whole, other = strategy.derived(panel), strategy.derived(tampered(panel, cut, "noise"))
    assert whole is not None and other is not None
    born = (whole.columns[ELIGIBLE][:cut] == 1.0).any(axis=0)
    assert born.any()
    for name in ("open", "high", "low", "close", "volume"):
        ours, theirs = getattr(whole, name)[:cut][:, born], getattr(other, name)[:cut][:, born]
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


def test_a_derived_return_is_what_the_spread_earned() -> None:
    strategy, panel = Pairs(pairs=[["A", "B"]], formation=100, due=0.0), market()
    series = strategy.derived(panel)
    assert series is not None
    formed = first(strategy, panel)
    share = formed.share[99, 0]
    moved = panel.close[150, :2] / panel.close[149, :2] - 1.0
    assert series.close[150, 0] / series.close[149, 0] - 1.0 == pytest.approx(share @ moved)
    assert series.columns[ELIGIBLE][98, 0] == 0.0 and series.columns[ELIGIBLE][99, 0] == 1.0
    assert Pairs(pairs=[["A", "B"]]).derived(panel) is None


def test_due_wants_a_forecast_of_the_spreads() -> None:
    with pytest.raises(StrategyError, match="forecaster"):
        Pairs(pairs=[["A", "B"]], due=0.1).prepare(market(), signals(market()))


def test_shares_are_neutral_in_the_way_that_is_asked() -> None:
    panel = market()
    dollar = first(Pairs(pairs=[["C", "D"]], neutral="dollar"), panel).share
    np.testing.assert_allclose(dollar.sum(axis=2), 0.0, atol=1e-12)
    hedged = first(Pairs(pairs=[["C", "D"]]), panel)
    ratio = -hedged.share[-1, 0, 1] / hedged.share[-1, 0, 0]
    assert ratio == pytest.approx(-hedged.told.coefficient[-1, 0, 1])
    beta = first(Pairs(pairs=[["C", "D"]], neutral="beta"), panel)
    step = panel.close[1:252] / panel.close[:251] - 1.0
    market_step = step.mean(axis=1) - step.mean(axis=1).mean()
    slopes = market_step @ step[:, 2:4] / (market_step @ market_step)
    assert float(beta.share[-1, 0] @ slopes) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"pairs": []}, "the list is empty"),
        ({"pairs": [["A"]]}, "one symbol"),
        ({"pairs": [["A", "A"]]}, "twice"),
        ({"pairs": [["A", "B"], ["A", "B"]]}, "listed twice"),
        ({"pairs": [["A", "B", "C"]], "hedge": "kalman"}, "needs hedge"),
        ({"pairs": [["A", "B", "C"]], "hedge": "ols", "signal": "copula"}, "two legs"),
        ({"pairs": [["A", "B"]], "hedge": "one", "hedge_window": 20}, "rolls least squares"),
        ({"pairs": [["A", "B"]], "periods": 3}, "set every"),
        ({"half_life": (9.0, 2.0)}, "larger one first"),
        ({"entry": 1.0, "exit": 1.0}, "must rise"),
        ({"entry": 2.0, "stop": 2.0}, "must rise"),
        ({"break_level": 0.2}, "wanted 0.01"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(form: Any, words: str) -> None:
    with pytest.raises(StrategyError, match=words):
        Pairs(**form)

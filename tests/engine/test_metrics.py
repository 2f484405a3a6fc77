import json
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tradewind.engine.jsonable import jsonable
from tradewind.engine.records import (
    EVENT,
    FILL,
    ORDER,
    TRADE,
    Floats,
    Panel,
    Records,
    Simulation,
    empty,
)
from tradewind.engine.scoring.metrics import drawdown, growth, measure
from tradewind.engine.types import Cut, Happening, Reason

nan = float("nan")
YEAR = 252.0


def simulation(
    equity: Any, *, fills: Any = (), orders: Any = (), events: Any = (), **curves: Any
) -> Simulation:
    equity = np.array(equity, float)
    curves = {"cash": equity, "gross": 0 * equity, "borrow": 0 * equity, **curves}
    return Simulation.with_curves(
        equity=equity,
        fills=np.array(list(fills), FILL) if fills else empty(FILL),
        orders=np.array(list(orders), ORDER) if orders else empty(ORDER),
        events=np.array(list(events), EVENT) if events else empty(EVENT),
        **{name: np.array(curve, float) for name, curve in curves.items()},
    )


def fill(bar: int, qty: float, mid: float, quote: float, price: float, fee: float) -> Any:
    return (0, 0, bar, qty, price, mid, quote, fee, 1.0)


def trade(pnl: float, *, bars: tuple[int, int] = (1, 3)) -> Any:
    return (0, *bars, 1.0, 100.0, 100.0 + pnl, pnl, 0.1)


def measured(
    run: Simulation, trades: Any = (), benchmark: Any = None, first_bar: int = 0
) -> dict[str, dict[str, Any]]:
    n_bars = len(run.equity)
    flat = np.ones((n_bars, 1))
    panel = Panel(("A",), np.arange(n_bars) + 1, flat, flat, flat, flat, flat)
    rows: Records = np.array(list(trades), TRADE) if trades else empty(TRADE)
    market = np.zeros(n_bars) if benchmark is None else np.array(benchmark, float)
    return measure(run, rows, panel, market, first_bar=first_bar, bars_per_year=YEAR)


def curve(seed: int, n_bars: int = 800) -> tuple[Floats, Floats]:
    """Equity of a strategy and returns of a market it is correlated with."""
    draw = np.random.default_rng(seed)
    market = draw.normal(4e-4, 0.01, n_bars)
    market[0] = 0.0
    ours = 0.6 * market + draw.standard_t(4, n_bars) * 0.006
    ours[0] = 0.0
    return np.asarray(100_000 * np.cumprod(1 + ours), np.float64), market


def test_growth_and_risk_by_hand() -> None:
    ours = measured(simulation([100.0, 110.0, 99.0]))["strategy"]
    returns = [0.1, -0.1]
    assert ours["n_returns"] == 2
    assert ours["final_equity"] == 99.0
    assert ours["total_return"] == pytest.approx(-0.01)
    assert ours["annual_return"] == pytest.approx(0.99 ** (YEAR / 2) - 1)
    assert ours["annual_volatility"] == pytest.approx(np.std(returns, ddof=1) * sqrt(YEAR))
    assert ours["sharpe"] == pytest.approx(0.0, abs=1e-14)
    # Skewness does not matter at a Sharpe ratio of zero: one over the root of n, annual.
    assert ours["sharpe_se"] == pytest.approx(sqrt(1 / 2) * sqrt(YEAR))
    assert (ours["best_bar"], ours["worst_bar"]) == (pytest.approx(0.1), pytest.approx(-0.1))
    assert ours["max_drawdown"] == pytest.approx(0.1)


def test_the_numbers_that_empyrical_defines_as_we_do_are_equal_to_its() -> None:
    import empyrical

    equity, market = curve(0)
    result = measured(simulation(equity), benchmark=market)
    returns, rival = equity[1:] / equity[:-1] - 1, market[1:]
    for ours, theirs in ((result["strategy"], returns), (result["benchmark"], rival)):
        want = {
            "annual_return": empyrical.annual_return(theirs),
            "annual_volatility": empyrical.annual_volatility(theirs),
            "sharpe": empyrical.sharpe_ratio(theirs),
            "sortino": empyrical.sortino_ratio(theirs),
            "calmar": empyrical.calmar_ratio(theirs),
            "max_drawdown": -empyrical.max_drawdown(theirs),
            "total_return": empyrical.cum_returns_final(theirs),
        }
        for name, value in want.items():
            assert ours[name] == pytest.approx(value, rel=1e-9), name
    ours = result["strategy"]
    assert ours["beta"] == pytest.approx(empyrical.beta(returns, rival), rel=1e-9)
    assert ours["information_ratio"] == pytest.approx(
        empyrical.excess_sharpe(returns, rival) * sqrt(YEAR), rel=1e-9
    )
    # Their alpha compounds the intercept of one bar, ours is the arithmetic one of a regression.
    compounded = (1 + ours["alpha"] / YEAR) ** YEAR - 1
    assert compounded == pytest.approx(empyrical.alpha(returns, rival), rel=1e-9)


def test_alpha_beta_and_correlation_are_those_of_the_regression() -> None:
    from scipy.stats import linregress

    equity, market = curve(1)
    ours = measured(simulation(equity), benchmark=market)["strategy"]
    line = linregress(market[1:], equity[1:] / equity[:-1] - 1)
    assert ours["beta"] == pytest.approx(line.slope, rel=1e-9)
    assert ours["alpha"] == pytest.approx(line.intercept * YEAR, rel=1e-9)
    assert ours["correlation"] == pytest.approx(line.rvalue, rel=1e-9)


def test_a_strategy_that_is_its_benchmark_does_not_differ_from_it() -> None:
    _, market = curve(2)
    result = measured(simulation(100 * np.cumprod(1 + market)), benchmark=market)
    ours, theirs = result["strategy"], result["benchmark"]
    assert {name: ours[name] for name in theirs} == pytest.approx(theirs, rel=1e-9)
    assert ours["beta"] == pytest.approx(1.0)
    assert ours["excess_annual_return"] == pytest.approx(0.0, abs=1e-12)
    assert ours["tracking_error"] == pytest.approx(0.0, abs=1e-12)
    assert ours["information_ratio"] is None
    assert ours["sharpe_difference"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("equity", "want"),
    [
        ([100, 90, 95, 101, 100.5], (0.1, 3, True, 3)),
        ([100, 120, 90, 100], (0.25, 2, False, 2)),
        ([100, 99, 100, 98, 97, 99, 96], (0.04, 4, False, 4)),
        ([100, 95, 100, 98, 99, 99, 99, 101], (0.05, 2, True, 5)),
        ([100, 101, 102], (0.0, 0, True, 0)),
        ([100, 100, 100], (0.0, 0, True, 0)),
        ([100], (0.0, 0, True, 0)),
        ([100, 50, -20, 10], (1.2, 3, False, 3)),
    ],
    ids=str,
)
def test_drawdowns_by_eye(equity: list[float], want: tuple[float, int, bool, int]) -> None:
    names = ("max_drawdown", "max_drawdown_bars", "max_drawdown_recovered", "longest_drawdown_bars")
    found = drawdown(np.array(equity, float))
    assert [found[name] for name in names] == pytest.approx(list(want))


def event(bar: int, kind: Happening, amount: float) -> Any:
    return (bar, -1, kind.value, amount)


def test_costs_are_recomputed_from_fills_and_events() -> None:
    fills = [
        fill(1, 10.0, 100.0, 100.2, 100.3, 1.0),
        fill(2, -4.0, 110.0, 109.8, 109.7, 0.5),
    ]
    events = [
        event(1, Happening.BORROW, -0.25),
        event(2, Happening.BORROW, -0.5),
        event(2, Happening.INTEREST, 0.4),  # earned
        event(2, Happening.DIVIDEND, 3.0),
        event(2, Happening.SPLIT, 2.0),  # which is no money
    ]
    run = simulation([1_000.0, 1_010.0, 1_020.0], fills=fills, events=events)
    costs = measured(run)["costs"]
    assert costs["fee"] == pytest.approx(1.5)
    assert costs["spread"] == pytest.approx(10 * 0.2 + 4 * 0.2)
    assert costs["slippage"] == pytest.approx(10 * 0.1 + 4 * 0.1)
    assert costs["borrow"] == pytest.approx(0.75)
    assert costs["interest"] == pytest.approx(-0.4)
    assert costs["total"] == pytest.approx(1.5 + 2.8 + 1.4 + 0.75 - 0.4)
    assert costs["dividends"] == pytest.approx(3.0)
    years = 2 / YEAR
    assert costs["fee_bps_annual"] == pytest.approx(1e4 * 1.5 / (1_010 * years))
    assert costs["interest_bps_annual"] == pytest.approx(-1e4 * 0.4 / (1_010 * years))


def test_what_was_paid_for_a_foreign_symbol_is_told_in_the_accounts_currency() -> None:
    row = list(fill(1, 10.0, 100.0, 100.2, 100.3, 1.0))
    row[-1] = 1.25
    run = simulation([10_000.0, 10_000.0, 10_000.0], fills=[tuple(row)])
    found = measured(run)
    assert found["costs"]["spread"] == pytest.approx(10 * 0.2 * 1.25)
    assert found["costs"]["slippage"] == pytest.approx(10 * 0.1 * 1.25)
    assert found["costs"]["fee"] == 1.0  # in the account's currency already
    turnover = found["strategy"]["turnover_annual"]
    assert turnover == pytest.approx(10 * 100.3 * 1.25 / 10_000 / (2 / YEAR))


def test_exposure_and_turnover_by_hand() -> None:
    run = simulation(
        [100.0, 100.0, 200.0, 100.0],
        cash=[100.0, 50.0, 300.0, 100.0],
        gross=[0.0, 50.0, 100.0, 0.0],
        fills=[fill(1, 2.0, 25, 25, 25.0, 0), fill(2, -2.0, 50, 50, 50.0, 0)],
    )
    ours = measured(run)["strategy"]
    assert ours["gross_exposure"] == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert ours["net_exposure"] == pytest.approx((0.5 - 0.5 + 0) / 3)
    assert ours["max_gross_exposure"] == 0.5
    assert ours["time_in_market"] == pytest.approx(2 / 3)
    assert ours["turnover_annual"] == pytest.approx(150 / (400 / 3) / (3 / YEAR))


def test_trades_by_hand_count_only_what_is_closed() -> None:
    trades = [trade(30.0), trade(-10.0, bars=(2, 8)), trade(0.0), trade(99.0, bars=(5, -1))]
    ours = measured(simulation([100.0, 100.0]), trades)["strategy"]
    assert (ours["n_trades"], ours["n_open_trades"]) == (3, 1)
    assert ours["hit_rate"] == pytest.approx(1 / 3)
    assert ours["hit_rate_low"] < 1 / 3 < ours["hit_rate_high"]
    assert ours["profit_factor"] == pytest.approx(3.0)
    assert ours["average_trade"] == pytest.approx(20 / 3)
    assert (ours["average_win"], ours["average_loss"]) == (30.0, -10.0)
    assert ours["average_bars_held"] == pytest.approx((2 + 6 + 2) / 3)


def test_orders_are_counted_by_how_they_ended() -> None:
    ends = [Reason.FILLED, Reason.FILLED, Reason.REJECTED_CASH, Reason.END_OF_DATA]
    rest = (0.0,) * (len(ORDER.names or ()) - 7)
    orders = [(i, 0, 0, 1.0, 0, int(reason), 0.0, *rest) for i, reason in enumerate(ends)]
    fills = [fill(1, 1.0, 1, 1, 1, 0)] * 2
    counts = measured(simulation([1.0, 1.0], orders=orders, fills=fills))["orders"]
    assert (counts["orders"], counts["fills"]) == (4, 2)
    assert (counts["filled"], counts["rejected_cash"], counts["end_of_data"]) == (2, 1, 1)
    assert sum(counts[reason.name.lower()] for reason in Reason) == 4


def test_cuts_are_counted_by_the_cap_that_made_them() -> None:
    made = [Cut.NAME, Cut.DRAWDOWN, Cut.NAME, Cut.GROSS]
    events = [(bar, 0, int(Happening.CUT), float(cut)) for bar, cut in enumerate(made)]
    events.append((4, -1, int(Happening.BORROW), 1.0))  # an amount of money, no cap
    counts = measured(simulation([1.0, 1.0], events=events))["cuts"]
    assert counts == {
        "total": 4, "name": 2, "group": 0, "gross": 1, "pyramiding": 0, "drawdown": 1
    }  # fmt: skip


def test_measuring_starts_at_the_close_of_the_first_bar() -> None:
    equity, market = curve(3, 300)
    whole = measured(simulation(equity), benchmark=market, first_bar=100)
    late = measured(simulation(equity[100:]), benchmark=[0.0, *market[101:]])
    market[:101] = 0.0
    assert whole["strategy"] == pytest.approx(late["strategy"])
    start = equity[100]
    assert whole["strategy"]["total_return"] == pytest.approx(equity[-1] / start - 1)


def test_a_run_that_never_traded_has_defined_answers() -> None:
    result = measured(simulation([100.0] * 50))
    ours = result["strategy"]
    nothing = {name for name, value in ours.items() if value is None}
    assert nothing == {
        "sharpe", "sharpe_se", "sharpe_se_hac", "sortino", "calmar", "beta", "alpha",
        "correlation", "information_ratio", "sharpe_difference", "sharpe_difference_se",
        "hit_rate", "hit_rate_low", "hit_rate_high", "profit_factor", "average_trade",
        "average_win", "average_loss", "average_bars_held",
    }  # fmt: skip
    assert ours["annual_return"] == ours["annual_volatility"] == ours["max_drawdown"] == 0.0
    assert ours["turnover_annual"] == ours["time_in_market"] == 0.0
    assert result["costs"]["total_bps_annual"] == 0.0


def test_steady_growth_has_no_sharpe_ratio_but_everything_else() -> None:
    ours = measured(simulation(100 * 1.0001 ** np.arange(500)))["strategy"]
    assert ours["sharpe"] is None
    assert ours["sharpe_se"] is None
    assert ours["annual_return"] == pytest.approx(1.0001**YEAR - 1)
    assert ours["annual_volatility"] == pytest.approx(0.0, abs=1e-12)


def test_a_single_bar_has_an_equity_and_nothing_that_needs_a_second() -> None:
    ours = measured(simulation([100.0]))["strategy"]
    assert (ours["final_equity"], ours["total_return"], ours["n_returns"]) == (100.0, 0.0, 0)
    for name in ("annual_return", "annual_volatility", "sharpe", "turnover_annual", "beta"):
        assert ours[name] is None, name


def test_ruin_is_said_and_what_returns_would_define_is_not() -> None:
    ours = measured(simulation([100.0, 40.0, -5.0, 10.0], gross=[0.0, 40.0, 9.0, 0.0]))["strategy"]
    assert ours["ruined"] is True
    assert ours["max_drawdown"] == pytest.approx(1.05)
    assert ours["total_return"] == pytest.approx(-0.9)
    for name in ("annual_return", "sharpe", "sortino", "calmar", "gross_exposure", "alpha"):
        assert ours[name] is None, name


def test_absurd_growth_is_no_infinity() -> None:
    ours = measured(simulation([1e-3, 1e9]))["strategy"]
    assert ours["annual_return"] is None
    assert ours["total_return"] == pytest.approx(1e12)


@settings(max_examples=60, deadline=None)
@given(
    seed=some.integers(0, 10_000),
    n_bars=some.integers(1, 12),
    first_bar=some.integers(0, 11),
    scale=some.sampled_from([0.0, 1e-12, 0.01, 0.9, 3.0]),
    n_fills=some.integers(0, 5),
)
def test_every_result_is_strict_json_and_no_warning_is_raised(
    seed: int, n_bars: int, first_bar: int, scale: float, n_fills: int
) -> None:
    draw = np.random.default_rng(seed)
    equity = 100 * (1 + scale * draw.normal(size=n_bars))
    equity[0] = 100.0
    first_bar = min(first_bar, n_bars - 1)
    fills = [fill(1, *draw.normal(size=5)) for _ in range(n_fills)]
    trades = [trade(float(draw.integers(-2, 3))) for _ in range(n_fills)]
    market = draw.choice([0.0, 0.01, -1.0], n_bars)
    run = simulation(equity, fills=fills, gross=np.abs(equity))
    result = measured(run, trades, market, first_bar)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert set(result) == {"strategy", "benchmark", "costs", "orders", "rejections", "cuts"}


def test_growth_of_an_empty_curve_is_all_none() -> None:
    found = jsonable(growth(np.empty(0), YEAR))
    assert {name for name, value in found.items() if value is not None} == {"n_returns", "ruined"}

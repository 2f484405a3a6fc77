"""Trades by hand, across splits, dividends and currencies."""

from dataclasses import replace

import numpy as np
import pytest

from tests.markets import candles
from tests.parity.random_runs import Tabled, random_run
from tradewind.engine.books.round_trips import round_trips
from tradewind.engine.executors.reference import simulate
from tradewind.engine.feeds.exchange_rates import CLOSE
from tradewind.engine.records import EVENT, FILL, Panel, Records, empty
from tradewind.engine.types import Happening

SPLIT, DIVIDEND, BORROW = Happening.SPLIT, Happening.DIVIDEND, Happening.BORROW


def fills(*rows: tuple[float, ...]) -> Records:
    """(bar, qty, price) and perhaps (fee, fx), all of column 0."""
    out = np.zeros(len(rows), FILL)
    for fill, row in zip(out, rows, strict=True):
        fill["bar"], fill["qty"], fill["price"] = row[:3]
        fill["fee"], fill["fx"] = row[3:] if len(row) > 3 else (0.0, 1.0)
    return out


def events(*rows: tuple[int, Happening, float]) -> Records:
    out = np.zeros(len(rows), EVENT)
    for event, (bar, kind, amount) in zip(out, rows, strict=True):
        event["bar"], event["kind"], event["amount"] = bar, kind.value, amount
    return out


def closing_at(price: float, n_bars: int = 6) -> Panel:
    return candles([(price, price, price, price)] * n_bars)


def test_a_trade_goes_from_flat_to_flat() -> None:
    (trade,) = round_trips(
        fills((1, 10, 100.0, 1.0, 1.0), (2, 10, 110.0, 1.0, 1.0), (4, -20, 120.0, 2.0, 1.0)),
        closing_at(999.0),
    )
    assert trade.tolist() == (0, 1, 4, 20.0, 105.0, 120.0, 300.0 - 4.0, 4.0)


def test_a_split_inside_a_trade_changes_its_units_and_not_its_profit() -> None:
    (trade,) = round_trips(
        fills((1, 100, 90.0), (4, -300, 31.0)), closing_at(31.0), events((2, SPLIT, 3.0))
    )
    assert (trade["exit_bar"], trade["qty"], trade["pnl"]) == (4, 300.0, 300.0)
    assert (trade["entry_price"], trade["exit_price"]) == (30.0, 31.0)


def test_what_is_bought_on_the_day_of_a_split_is_in_new_units() -> None:
    (trade,) = round_trips(
        fills((1, 100, 90.0), (2, 30, 30.0), (4, -330, 31.0)),
        closing_at(31.0),
        events((2, SPLIT, 3.0)),
    )
    assert (trade["exit_bar"], trade["qty"]) == (4, 330.0)
    assert trade["pnl"] == pytest.approx(330.0)


def test_a_trade_before_a_split_keeps_its_own_units() -> None:
    first, second = round_trips(
        fills((0, 10, 60.0), (1, -10, 66.0), (2, 5, 60.0), (4, -10, 33.0)),
        closing_at(31.0),
        events((3, SPLIT, 2.0)),
    )
    assert (first["qty"], first["entry_price"], first["pnl"]) == (10.0, 60.0, 60.0)
    assert (second["qty"], second["entry_price"], second["pnl"]) == (10.0, 30.0, 30.0)


def test_an_open_trade_is_marked_in_the_units_of_the_end() -> None:
    (trade,) = round_trips(fills((1, 100, 90.0)), closing_at(31.0), events((2, SPLIT, 3.0)))
    assert (trade["exit_bar"], trade["qty"], trade["entry_price"]) == (-1, 300.0, 30.0)
    assert trade["pnl"] == pytest.approx(300.0)


def test_a_short_survives_a_reverse_split() -> None:
    (trade,) = round_trips(
        fills((1, -100, 1.0), (4, 2, 40.0)), closing_at(40.0), events((3, SPLIT, 1 / 50))
    )
    assert trade["exit_bar"] == 4
    assert (trade["qty"], trade["pnl"]) == pytest.approx((-2.0, 20.0))


def test_dividends_belong_to_the_trade_that_was_held_before_their_bar() -> None:
    first, second = round_trips(
        fills((1, 10, 50.0), (3, -10, 50.0), (3, -10, 50.0), (5, 10, 50.0)),
        closing_at(50.0),
        events((3, DIVIDEND, 20.0), (4, DIVIDEND, -20.0), (2, BORROW, -3.0)),
    )
    assert (first["pnl"], second["pnl"]) == (20.0, -20.0)


def test_profit_is_in_the_accounts_currency_at_the_rate_of_each_fill() -> None:
    panel = closing_at(50.0)
    rates = np.array([[1.0, 1.0, 1.0, 1.0, 1.3, np.nan]]).T
    panel = replace(panel, columns={CLOSE: rates})
    (closed,) = round_trips(fills((1, 10, 50.0, 0.0, 1.1), (2, -10, 60.0, 0.0, 1.2)), panel)
    assert closed["pnl"] == pytest.approx(10 * (60 * 1.2 - 50 * 1.1))
    assert (closed["entry_price"], closed["exit_price"]) == (50.0, 60.0)
    (open_,) = round_trips(fills((1, 10, 50.0, 0.0, 1.1)), panel)
    assert open_["pnl"] == pytest.approx(10 * 50 * (1.3 - 1.1))


def test_no_fills_are_no_trades() -> None:
    assert len(round_trips(empty(FILL), closing_at(10.0))) == 0


def test_a_reversal_is_two_trades_and_what_is_open_is_marked_at_the_end() -> None:
    first, second = round_trips(
        fills((1, 10, 10.0), (2, -10, 11.0), (2, -4, 11.0)), closing_at(8.0)
    )
    assert first["pnl"] == pytest.approx(10.0)
    assert second["exit_bar"] == -1
    assert np.isnan(second["exit_price"])
    assert second["qty"] == -4.0
    assert second["pnl"] == pytest.approx(4 * (11 - 8))


@pytest.mark.parametrize("seed", range(40))
def test_trades_and_what_holding_cost_add_up_to_the_change_of_equity(seed: int) -> None:
    """Random runs with every order, cost, split, dividend and currency."""
    run = random_run(seed)
    found = simulate(Tabled(), run.table, run.panel, run.terms, start=1, market=run.market)
    rates = np.broadcast_to(run.market.fx_close.values, run.panel.shape).copy()
    panel = replace(run.panel, columns={CLOSE: rates})
    trades = round_trips(found.fills, panel, found.events)
    assert trades["fee"].sum() == pytest.approx(found.fills["fee"].sum())
    gain = trades["pnl"].sum() + found.paid(BORROW) + found.paid(Happening.INTEREST)
    scale = np.abs(found.equity).max()
    assert gain == pytest.approx(found.equity[-1] - run.terms.account.cash, abs=1e-9 * scale)

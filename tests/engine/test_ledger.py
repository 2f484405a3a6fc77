import numpy as np
import pytest

from tests.markets import NO_BAR, candles, random_panel, random_terms, random_wishes, terms, trade
from tradewind.engine.errors import InvariantError
from tradewind.engine.ledger import fold, round_trips
from tradewind.engine.records import FILL, ORDER, empty


def fills(*rows: tuple[int, int, float, float, float]) -> np.ndarray:
    """(symbol, bar, qty, price, fee) as FILL rows."""
    found = np.zeros(len(rows), FILL)
    for i, (symbol, bar, qty, price, fee) in enumerate(rows):
        found[i] = (i, symbol, bar, qty, price, price, price, fee)
    return found


def flat(price: float) -> tuple[float, float, float, float]:
    return (price,) * 4


def test_fills_fold_to_cash_and_exposure_by_hand() -> None:
    panel = candles([flat(10.0), flat(11.0), flat(12.0)], [flat(5.0), NO_BAR, flat(4.0)])
    rows = fills((0, 0, 10.0, 10.0, 1.0), (1, 0, -20.0, 5.0, 0.5), (0, 2, -10.0, 12.0, 0.0))
    cash = np.array([1000 - 100 - 1 + 100 - 0.5, 998.5, 998.5 + 120])
    net = np.array([100.0 - 100.0, 110.0 - 100.0, -80.0])
    found = fold(panel, 1000.0, cash + net, np.zeros(3), empty(ORDER), rows)
    np.testing.assert_allclose(found.cash, cash)
    np.testing.assert_allclose(found.gross, [200.0, 210.0, 80.0])  # B counts at its last close


def test_borrow_leaves_cash_on_its_bar() -> None:
    panel = candles([flat(10.0)] * 3)
    borrow = np.array([0.0, 2.0, 3.0])
    found = fold(panel, 100.0, np.array([100.0, 98.0, 95.0]), borrow, empty(ORDER), empty(FILL))
    np.testing.assert_allclose(found.cash, [100.0, 98.0, 95.0])


def test_an_equity_that_is_not_that_of_the_fills_is_refused_with_its_bar() -> None:
    panel = candles([flat(10.0)] * 3)
    wrong = np.array([100.0, 100.0, 100.001])
    with pytest.raises(InvariantError, match=r"at bar 2 .* equity of .*100\.0.*100\.001"):
        fold(panel, 100.0, wrong, np.zeros(3), empty(ORDER), empty(FILL))


def test_a_round_trip_by_hand() -> None:
    panel = candles([flat(10.0)] * 6)
    rows = fills(
        (0, 1, 10.0, 10.0, 1.0), (0, 2, 5.0, 13.0, 1.0), (0, 4, -15.0, 12.0, 2.0)
    )  # fmt: skip
    (trip,) = round_trips(rows, panel)
    assert (trip["entry_bar"], trip["exit_bar"], trip["qty"]) == (1, 4, 15.0)
    assert trip["entry_price"] == pytest.approx((100 + 65) / 15)
    assert trip["exit_price"] == 12.0
    assert trip["fee"] == 4.0
    assert trip["pnl"] == pytest.approx(180 - 165 - 4)


def test_a_reversal_is_two_trades_and_what_is_open_is_marked_at_the_end() -> None:
    panel = candles([flat(10.0), flat(10.0), flat(10.0), flat(8.0)])
    rows = fills((0, 1, 10.0, 10.0, 0.0), (0, 2, -10.0, 11.0, 0.0), (0, 2, -4.0, 11.0, 0.0))
    first, second = round_trips(rows, panel)
    assert first["pnl"] == pytest.approx(10.0)
    assert second["exit_bar"] == -1
    assert np.isnan(second["exit_price"])
    assert second["qty"] == -4.0
    assert second["pnl"] == pytest.approx(4 * (11 - 8))


def test_no_fills_are_no_trades() -> None:
    assert len(round_trips(empty(FILL), candles([flat(10.0)] * 2))) == 0


@pytest.mark.parametrize("seed", range(20))
def test_trades_add_up_to_the_change_of_equity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = random_panel(rng, 60, 4)
    found = trade("kernel", panel, random_wishes(rng, panel), random_terms(rng, panel))
    trades = round_trips(found.fills, panel)
    assert trades["fee"].sum() == pytest.approx(found.fills["fee"].sum())
    gain = trades["pnl"].sum() - found.borrow.sum()
    assert gain == pytest.approx(found.equity[-1] - 1e5, rel=1e-9, abs=1e-6)


def test_a_tampered_fill_is_noticed() -> None:
    rng = np.random.default_rng(5)
    panel = random_panel(rng, 60, 3)
    found = trade("kernel", panel, random_wishes(rng, panel), terms(panel, cash=1e5))
    forged = found.fills.copy()
    forged["price"][3] *= 1.0001
    with pytest.raises(InvariantError):
        fold(panel, 1e5, found.equity, found.borrow, found.orders, forged)

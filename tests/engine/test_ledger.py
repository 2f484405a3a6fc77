import numpy as np
import pytest

from tests.markets import NO_BAR, candles, random_panel, random_wishes, terms, trade
from tradewind.engine.errors import InvariantError
from tradewind.engine.ledger import fold
from tradewind.engine.records import EVENT, FILL, ORDER, empty
from tradewind.engine.types import Happening


def fills(*rows: tuple[int, int, float, float, float]) -> np.ndarray:
    """(symbol, bar, qty, price, fee) as FILL rows."""
    found = np.zeros(len(rows), FILL)
    for i, (symbol, bar, qty, price, fee) in enumerate(rows):
        found[i] = (i, symbol, bar, qty, price, price, price, fee, 1.0)
    return found


def decided(*bars: int) -> np.ndarray:
    """Orders by the bar they were decided on."""
    orders = np.zeros(len(bars), ORDER)
    orders["id"], orders["bar"] = np.arange(len(bars)), bars
    return orders


def flat(price: float) -> tuple[float, float, float, float]:
    return (price,) * 4


def test_fills_fold_to_cash_and_exposure_by_hand() -> None:
    panel = candles([flat(10.0), flat(11.0), flat(12.0)], [flat(5.0), NO_BAR, flat(4.0)])
    rows = fills((0, 0, 10.0, 10.0, 1.0), (1, 0, -20.0, 5.0, 0.5), (0, 2, -10.0, 12.0, 0.0))
    cash = np.array([1000 - 100 - 1 + 100 - 0.5, 998.5, 998.5 + 120])
    net = np.array([100.0 - 100.0, 110.0 - 100.0, -80.0])
    found = fold(panel, 1000.0, cash + net, decided(-1, -1, 1), rows, empty(EVENT))
    np.testing.assert_allclose(found.cash, cash)
    np.testing.assert_allclose(found.gross, [200.0, 210.0, 80.0])  # B counts at its last close


def test_borrow_leaves_cash_on_its_bar() -> None:
    panel = candles([flat(10.0)] * 3)
    events = np.array([(1, -1, Happening.BORROW, -2.0), (2, -1, Happening.BORROW, -3.0)], EVENT)
    equity = np.array([100.0, 98.0, 95.0])
    found = fold(panel, 100.0, equity, empty(ORDER), empty(FILL), events)
    np.testing.assert_allclose(found.cash, [100.0, 98.0, 95.0])
    np.testing.assert_allclose(found.borrow, [0.0, 2.0, 3.0])


def test_an_equity_that_is_not_that_of_the_fills_is_refused_with_its_bar() -> None:
    panel = candles([flat(10.0)] * 3)
    wrong = np.array([100.0, 100.0, 100.001])
    with pytest.raises(InvariantError, match=r"at bar 2 .* equity of .*100\.0.*100\.001"):
        fold(panel, 100.0, wrong, empty(ORDER), empty(FILL), empty(EVENT))


def test_a_tampered_fill_is_noticed() -> None:
    rng = np.random.default_rng(5)
    panel = random_panel(rng, 60, 3)
    found = trade("kernel", panel, random_wishes(rng, panel), terms(panel, cash=1e5))
    forged = found.fills.copy()
    forged["price"][3] *= 1.0001
    with pytest.raises(InvariantError):
        fold(panel, 1e5, found.equity, found.orders, forged, found.events)

import numpy as np
import pytest

from tests.markets import NO_BAR, candles, random_panel, random_wishes, terms, trade
from tradewind.engine.books.fill_checks import Rules
from tradewind.engine.books.ledger import fold
from tradewind.engine.costs import costs
from tradewind.engine.errors import InvariantError
from tradewind.engine.records import EVENT, FILL, ORDER, empty
from tradewind.engine.series import constant
from tradewind.engine.types import Happening, OrderType


def fills(*rows: tuple[int, int, float, float, float]) -> np.ndarray:
    """(symbol, bar, qty, price, fee) as FILL rows."""
    found = np.zeros(len(rows), FILL)
    for i, (symbol, bar, qty, price, fee) in enumerate(rows):
        found[i] = (i, symbol, bar, qty, price, price, price, fee, 1.0)
    return found


def decided(*bars: int) -> np.ndarray:
    """Orders by the bar they were decided on."""
    orders = np.zeros(len(bars), ORDER)
    orders["id"], orders["bar"], orders["limit"] = np.arange(len(bars)), bars, np.nan
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


def rules(cash_only: bool = False, spread_bps: float = 0.0, slippage_bps: float = 0.0) -> Rules:
    return Rules(costs(0.0, spread_bps, slippage_bps, 0.0), constant(0.0), cash_only)


def bought(price: float, quote: float, order_type: OrderType, limit: float = np.nan) -> None:
    """Fold one purchase on a bar of 98 to 102, with slippage of 1 % and a spread of 2 %."""
    panel = candles([flat(100.0), (100.0, 102.0, 98.0, 100.0)])
    rows = fills((0, 1, 1.0, price, 0.0))
    rows["quote"] = quote
    orders = decided(0)
    orders["order_type"], orders["limit"] = order_type, limit
    equity = np.array([1_000.0, 1_000.0 - price + 100.0])
    held_to = rules(spread_bps=200.0, slippage_bps=100.0)
    fold(panel, 1_000.0, equity, orders, rows, empty(EVENT), rules=held_to)


@pytest.mark.parametrize(
    ("price", "quote", "kind", "limit"),
    [
        (98.98, 98.98, OrderType.LIMIT, 98.98),  # the ask's low: 98 times 1.01
        (103.02, 103.02, OrderType.LIMIT, 104.0),  # its high
        (103.02 * 1.01, 103.02, OrderType.STOP, np.nan),  # and the most that slips
        (101.0, 101.0, OrderType.MARKET, np.nan),
    ],
)
def test_a_fill_at_the_edge_of_what_is_allowed_passes(
    price: float, quote: float, kind: OrderType, limit: float
) -> None:
    bought(price, quote, kind, limit)


@pytest.mark.parametrize(
    ("price", "quote", "kind", "limit"),
    [
        (98.97, 98.97, OrderType.LIMIT, 98.98),  # below the ask's low, though above the bar's
        (103.03, 103.03, OrderType.STOP, np.nan),
        (103.02 * 1.0101, 103.02, OrderType.STOP, np.nan),
        (101.0, 100.9, OrderType.LIMIT, 104.0),  # a limit does not slip
        (101.0, 101.0, OrderType.LIMIT, 100.0),  # nor fill beyond itself
        (101.5, 101.0, OrderType.STOP_LIMIT, 101.2),
        (100.9, 101.0, OrderType.MARKET, np.nan),  # better than the ask
    ],
)
def test_a_fill_beyond_its_bar_its_slippage_or_its_limit_is_refused(
    price: float, quote: float, kind: OrderType, limit: float
) -> None:
    with pytest.raises(InvariantError, match=r"fill 0 of A on bar 1 .*ran from 98\.98 to 103\.02"):
        bought(price, quote, kind, limit)


def test_a_purchase_that_overdraws_a_cash_account_is_refused_and_a_fee_on_a_sale_is_not() -> None:
    panel = candles([flat(100.0)] * 3)
    rows = fills((0, 1, 10.0, 100.0, 0.0), (0, 2, -10.0, 100.0, 1_200.0))
    equity = np.array([1_000.0, 1_000.0, -200.0])
    orders = decided(0, 1)
    fold(panel, 1_000.0, equity, orders, rows, empty(EVENT), rules=rules(cash_only=True))
    rows["qty"][0] = 10.5
    with pytest.raises(InvariantError, match=r"fill 0, which buys A on bar 1 .* account -50\.0;"):
        fold(panel, 1_000.0, equity, orders, rows, empty(EVENT), rules=rules(cash_only=True))
    fold(panel, 1_000.0, equity, orders, rows, empty(EVENT), rules=rules(cash_only=False))


def test_a_stretch_without_a_bar_is_gone_through_with_care() -> None:
    panel = candles([flat(10.0), flat(11.0), NO_BAR, NO_BAR, flat(12.0), flat(13.0)])
    rows = fills((0, 0, 10.0, 10.0, 0.0))
    worth = np.array([100.0, 110.0, 110.0, 110.0, 120.0, 130.0])
    fold(panel, 100.0, worth, decided(-1), rows, empty(EVENT))
    worth[3] = 120.0
    with pytest.raises(InvariantError, match="at bar 3"):
        fold(panel, 100.0, worth, decided(-1), rows, empty(EVENT))


def test_a_close_before_a_split_marks_what_has_no_bar_after_it_in_new_units() -> None:
    panel = candles([flat(10.0), flat(10.0), NO_BAR, flat(5.5)])
    rows = fills((0, 0, 10.0, 10.0, 0.0))
    split = np.array([(2, 0, Happening.SPLIT, 2.0)], EVENT)
    worth = np.array([100.0, 100.0, 100.0, 110.0])
    fold(panel, 100.0, worth, decided(-1), rows, split)

"""What a strategy is measured against, by hand."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tradewind.engine.bars.adjusting import DIVIDEND, SPLIT
from tradewind.engine.errors import ConfigError
from tradewind.engine.feeds.exchange_rates import CLOSE as RATE
from tradewind.engine.records import Panel
from tradewind.engine.scoring.benchmark import benchmark_returns

nan = float("nan")


@pytest.fixture
def lives(make_panel: Callable[..., Panel]) -> Panel:
    """One name throughout, one that is halted on two bars, one that begins late and ends early."""
    close = np.array(
        [
            [100.0, 50.0, nan],
            [110.0, 55.0, nan],
            [110.0, nan, 10.0],
            [121.0, nan, 20.0],
            [121.0, 66.0, 10.0],
            [133.1, 66.0, nan],
        ]
    )
    made: Panel = make_panel(close)
    return replace(made, ends=np.array([-1, -1, 4]))


def test_equal_weight_averages_the_living_and_keeps_the_halted_at_their_last_close(
    lives: Panel,
) -> None:
    np.testing.assert_allclose(
        benchmark_returns(lives, "equal_weight", first_bar=0),
        [
            0.0,
            (0.1 + 0.1) / 2,
            (0.0 + 0.0) / 2,  # the second is halted, the third has no return yet
            (0.1 + 0.0 + 1.0) / 3,
            (0.0 + 0.2 - 0.5) / 3,  # the second comes back a fifth higher
            (0.1 + 0.0) / 2,
        ],
    )


def test_a_delisting_return_hits_the_benchmark_on_the_last_bar(lives: Panel) -> None:
    usual = benchmark_returns(lives, "equal_weight", first_bar=0)
    harsh = benchmark_returns(lives, "equal_weight", first_bar=0, delisting_return=-0.3)
    assert harsh[4] - usual[4] == pytest.approx(0.5 * -0.3 / 3)
    np.testing.assert_array_equal(np.delete(harsh, 4), np.delete(usual, 4))


def test_a_symbol_is_cash_before_it_begins_and_after_it_ends(lives: Panel) -> None:
    np.testing.assert_allclose(benchmark_returns(lives, "S2", first_bar=0), [0, 0, 0, 1.0, -0.5, 0])


def test_a_halted_symbol_catches_up_when_it_trades_again(lives: Panel) -> None:
    found = benchmark_returns(lives, "S1", first_bar=0)
    np.testing.assert_allclose(found, [0, 0.1, 0, 0, 0.2, 0])
    assert np.prod(1 + found) == pytest.approx(66 / 50)


def test_cash_earns_nothing(lives: Panel) -> None:
    assert not benchmark_returns(lives, "cash", first_bar=0).any()


def test_a_benchmark_earns_nothing_up_to_the_first_bar(lives: Panel) -> None:
    found = benchmark_returns(lives, "S0", first_bar=3)
    np.testing.assert_allclose(found, [0, 0, 0, 0, 0.0, 0.1])


def test_bars_on_which_nobody_lives_earn_nothing(make_panel: Callable[..., Panel]) -> None:
    close = np.array([[1.0], [2.0], [nan], [nan]])
    found = benchmark_returns(make_panel(close), "equal_weight", first_bar=0)
    np.testing.assert_allclose(found, [0, 1, 0, 0])


def test_a_panel_too_short_to_move_has_no_return(make_panel: Callable[..., Panel]) -> None:
    panel = make_panel(np.ones((1, 2)))
    assert benchmark_returns(panel, "equal_weight", first_bar=0).tolist() == [0.0]


def test_an_unknown_benchmark_is_refused_with_the_nearest_name(lives: Panel) -> None:
    with pytest.raises(ConfigError, match=r"unknown 'equal_wieght' \(did you mean 'equal_weight'"):
        benchmark_returns(lives, "equal_wieght", first_bar=0)


def test_a_benchmark_of_raw_foreign_prices_holds_splits_dividends_and_rates() -> None:
    close = np.array([[100.0, 52.0, 50.0, 50.0]]).T
    columns = {
        SPLIT: np.array([[1.0, 2.0, 1.0, 1.0]]).T,
        DIVIDEND: np.array([[0.0, 0.0, 1.0, 0.0]]).T,
        RATE: np.array([[1.0, 1.0, 1.0, 1.1]]).T,
    }
    panel = Panel(("A",), np.arange(4) + 1, close, close, close, close, close, columns=columns)
    returns = benchmark_returns(panel, "A", first_bar=0)
    assert returns == pytest.approx([0.0, 0.04, 51 / 52 - 1, 0.1])

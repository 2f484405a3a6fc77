import numpy as np
import pytest

from tests.markets import book, candles, terms
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors import reference
from tradewind.engine.protocols import Forecasts, Signals, View
from tradewind.engine.records import Panel
from tradewind.strategies.timing import Timing

FLAT = (100.0, 100.0, 100.0, 100.0)


def scored(*scores: float) -> tuple[Panel, Signals]:
    """One symbol at 100 whose forecasts have these scores."""
    panel = candles([FLAT] * len(scores))
    mean = np.array(scores)[:, None] * 0.02
    std = np.where(np.isnan(mean), np.nan, 0.02)
    return panel, Signals(Forecasts(mean, std, horizon=5))


def sides(strategy: Timing, *scores: float) -> list[int]:
    """Side held at the close of each bar."""
    panel, signals = scored(*scores)
    inputs = strategy.prepare(panel, signals)
    found = reference.simulate(strategy, inputs, panel, terms(panel), start=0)
    held = np.zeros(panel.n_bars)
    for fill in found.fills:
        held[fill["bar"] :] += fill["qty"]
    return [int(side) for side in np.sign(np.round(held, 9))]


def test_a_strong_forecast_is_held_from_the_next_bar_on() -> None:
    assert sides(Timing(entry=0.5), 0.0, 0.6, 0.6, 0.6) == [0, 0, 1, 1]


def test_between_exit_and_entry_nothing_changes() -> None:
    timing = Timing(entry=0.5, exit=0.1)
    assert sides(timing, 0.6, 0.2, 0.11, 0.4, 0.05, 0.3, 0.3) == [0, 1, 1, 1, 1, 0, 0]


def test_a_strong_forecast_against_the_position_reverses_it() -> None:
    assert sides(Timing(entry=0.5, exit=0.1), 0.6, -0.6, 0.0, 0.0) == [0, 1, -1, 0]


def test_without_the_short_side_it_goes_flat_instead() -> None:
    assert sides(Timing(entry=0.5, exit=0.1, short=False), 0.6, -0.9, -0.9, 0.0) == [0, 1, 0, 0]


def test_a_bar_without_a_forecast_changes_nothing() -> None:
    assert sides(Timing(entry=0.5), 0.6, np.nan, np.nan, 0.6) == [0, 1, 1, 1]


def test_scores_are_means_in_units_of_their_own_uncertainty() -> None:
    panel, _ = scored(0.0, 0.0)
    forecasts = Forecasts(np.array([[0.01], [0.03]]), np.array([[0.02], [0.01]]), horizon=5)
    found = Timing().prepare(panel, Signals(forecasts)).score
    np.testing.assert_allclose(found, [[0.5], [3.0]])


def test_it_says_what_to_do_where_there_is_no_forecaster() -> None:
    panel, _ = scored(0.0)
    with pytest.raises(StrategyError, match="add a 'forecaster:' block"):
        Timing().prepare(panel, Signals())


def test_forecasts_of_another_panel_are_refused() -> None:
    panel, _ = scored(0.0, 0.0)
    _, signals = scored(0.0)
    with pytest.raises(StrategyError, match="do not belong"):
        Timing().prepare(panel, signals)


def test_an_exit_above_the_entry_is_refused() -> None:
    with pytest.raises(StrategyError, match=r"exit 0\.5 lies above entry 0\.2"):
        Timing(entry=0.2, exit=0.5)


def test_decide_and_the_compiled_rule_say_the_same() -> None:
    panel, signals = scored(0.6, -0.7, 0.1)
    timing = Timing(entry=0.5)
    inputs = timing.prepare(panel, signals)
    wishes = timing.decide(View(1, inputs, book([2.0])))
    assert [(wish.symbol, wish.weight) for wish in wishes] == [(0, -1.0)]

"""How an answer meets what is stored, small enough to check by eye."""

import numpy as np
import pytest

from tradewind.engine.feeds.store_merge import Difference, Merge, merge
from tradewind.engine.feeds.store_series import Events, Prices, Series, no_events

WIDE = (0, 100)


def bars(closes: dict[int, float], volume: float = 1000.0) -> Prices:
    ts = np.array(sorted(closes), np.int64)
    values = np.array([[c, c + 1, c - 1, c, volume] for _, c in sorted(closes.items())])
    return Prices(ts, values.reshape(-1, 5))


def paid(amounts: dict[int, float], kind: str = "dividend") -> Events:
    ts = np.array(sorted(amounts), np.int64)
    return Events(
        ts, np.array([kind] * len(ts), "U12"), np.array([amounts[t] for t in sorted(amounts)])
    )


def joined(
    stored: dict[int, float],
    received: dict[int, float],
    window: tuple[int, int] = WIDE,
    known: tuple[int, int] = WIDE,
) -> Merge:
    return merge(
        Series(bars(stored), no_events()), Series(bars(received), no_events()), window, known
    )


def closes(outcome: Merge) -> dict[int, float]:
    prices = outcome.series.prices
    return dict(zip(prices.ts.tolist(), prices.values[:, 3].tolist(), strict=True))


def test_new_bars_are_added_on_both_sides() -> None:
    outcome = joined({5: 10, 6: 11}, {4: 9, 5: 10, 6: 11, 7: 12}, known=(5, 6))
    assert closes(outcome) == {4: 9, 5: 10, 6: 11, 7: 12} and outcome.differences == ()


def test_a_stored_bar_wins_and_the_difference_is_told() -> None:
    outcome = joined({5: 10, 6: 11}, {5: 10, 6: 11.5, 7: 12})
    assert closes(outcome)[6] == 11
    assert outcome.differences[0] == Difference(
        "bar", 6, (11, 12, 10, 11, 1000), (11.5, 12.5, 10.5, 11.5, 1000)
    )


@pytest.mark.parametrize(("factor", "n_told"), [(1 + 5e-6, 0), (1 + 5e-5, 1)])
def test_single_precision_is_no_difference(factor: float, n_told: int) -> None:
    outcome = joined({5: 10, 6: 11}, {5: 10, 6: 11 * factor})
    assert len(outcome.differences) == n_told


@pytest.mark.parametrize(("volume", "n_told"), [(1009.0, 0), (1100.0, 1)])
def test_late_prints_are_no_difference(volume: float, n_told: int) -> None:
    stored, received = bars({5: 10}), bars({5: 10}, volume)
    outcome = merge(Series(stored, no_events()), Series(received, no_events()), WIDE, WIDE)
    assert len(outcome.differences) == n_told


def test_a_missing_price_equals_itself_only() -> None:
    nan = float("nan")
    assert joined({5: 10, 6: nan}, {5: 10, 6: nan}).differences == ()
    assert len(joined({5: 10, 6: nan}, {5: 10, 6: 11}).differences) == 1


def test_a_bar_that_vanished_stays_and_is_told() -> None:
    outcome = joined({5: 10, 6: 11}, {5: 10})
    assert closes(outcome) == {5: 10, 6: 11}
    assert outcome.differences[0].received is None


def test_a_bar_outside_of_the_answers_range_has_not_vanished() -> None:
    outcome = joined({1: 6, 5: 10, 6: 11}, {5: 10, 6: 11, 7: 12}, window=(5, 7), known=(1, 6))
    assert outcome.differences == () and closes(outcome) == {1: 6, 5: 10, 6: 11, 7: 12}


def test_what_was_not_final_is_told_anew() -> None:
    outcome = joined({5: 10, 6: 99}, {5: 10, 6: 11, 7: 12}, window=(5, 7), known=(5, 5))
    assert outcome.differences == () and closes(outcome) == {5: 10, 6: 11, 7: 12}


@pytest.mark.parametrize("factor", [0.5, 1.01, 7.0])
def test_other_units_are_held_back(factor: float) -> None:
    received = {t: c * factor for t, c in {5: 10.0, 6: 11.0, 7: 12.0}.items()}
    outcome = joined({5: 10, 6: 11}, received, known=(5, 6))
    assert outcome.held_back and closes(outcome) == {5: 10, 6: 11}
    assert len(outcome.differences) == 2


def test_an_overlap_without_a_common_bar_is_held_back() -> None:
    outcome = joined({5: 10, 6: 11}, {7: 12})
    assert "not one of the bars" in outcome.held_back and closes(outcome) == {5: 10, 6: 11}


def test_an_empty_answer_takes_nothing_away() -> None:
    outcome = joined({5: 10, 6: 11}, {}, window=(6, 8), known=(5, 6))
    assert closes(outcome) == {5: 10, 6: 11} and not outcome.held_back


def test_events_are_added_kept_and_told() -> None:
    stored = Series(bars({5: 10, 6: 11}), paid({5: 0.5, 6: 0.5}))
    received = Series(bars({5: 10, 6: 11}), paid({4: 0.1, 5: 0.6}))
    outcome = merge(stored, received, WIDE, WIDE)
    assert dict(
        zip(outcome.series.events.ts.tolist(), outcome.series.events.value.tolist(), strict=True)
    ) == {4: 0.1, 5: 0.5, 6: 0.5}
    assert [(d.ts, d.stored, d.received) for d in outcome.differences] == [
        (4, None, (0.1,)),
        (5, (0.5,), (0.6,)),
        (6, (0.5,), None),
    ]


def test_a_dividend_and_a_split_of_one_day_live_side_by_side() -> None:
    stored = Series(bars({5: 10, 6: 11}), paid({6: 0.5}))
    received = Series(bars({5: 10, 6: 11}), paid({6: 2.0}, "split"))
    outcome = merge(stored, received, (5, 6), (5, 5))
    assert sorted(outcome.series.events.kind.tolist()) == ["split"]
    outcome = merge(stored, received, WIDE, WIDE)
    assert sorted(outcome.series.events.kind.tolist()) == ["dividend", "split"]

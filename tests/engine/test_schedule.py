from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.records import Panel
from tradewind.engine.walkforward.notes import fold_facts
from tradewind.engine.walkforward.report import FoldReport
from tradewind.engine.walkforward.schedule import Fold, days_of, folds


def test_an_expanding_schedule_small_enough_to_check_by_eye() -> None:
    config = WalkForwardConfig(train=20, refit=4)
    assert folds(30, horizon=2, warmup=3, config=config) == (
        Fold(0, 0, 20, 20, 24),
        Fold(1, 0, 24, 24, 28),
        Fold(2, 0, 28, 28, 30),
    )


def test_a_rolling_schedule_keeps_the_length_of_its_window() -> None:
    config = WalkForwardConfig(train=20, refit=4, mode="rolling")
    assert folds(30, horizon=2, warmup=3, config=config) == (
        Fold(0, 0, 20, 20, 24),
        Fold(1, 4, 24, 24, 28),
        Fold(2, 8, 28, 28, 30),
    )


def test_a_purge_beyond_the_horizon_ends_training_that_much_earlier() -> None:
    config = WalkForwardConfig(train=20, refit=10, purge=7)
    assert folds(30, horizon=2, warmup=3, config=config) == (Fold(0, 0, 15, 20, 30),)


def test_a_purge_below_the_horizon_changes_nothing() -> None:
    asked, default = WalkForwardConfig(train=40, purge=0), WalkForwardConfig(train=40)
    assert folds(90, horizon=5, warmup=3, config=asked) == folds(
        90, horizon=5, warmup=3, config=default
    )


schedules = some.fixed_dictionaries(
    {
        "n_bars": some.integers(21, 400),
        "train": some.integers(20, 200),
        "refit": some.integers(1, 60),
        "purge": some.one_of(some.none(), some.integers(0, 40)),
        "mode": some.sampled_from(["expanding", "rolling"]),
        "horizon": some.integers(1, 20),
        "warmup": some.integers(1, 40),
    }
)


@given(schedules)
def test_no_training_label_overlaps_its_test_block_and_every_bar_is_tested_once(
    asked: dict[str, int],
) -> None:
    horizon, warmup, n_bars = asked["horizon"], asked["warmup"], asked["n_bars"]
    config = WalkForwardConfig.model_validate(
        {key: asked[key] for key in ("train", "refit", "purge", "mode")}
    )
    purge = horizon if config.purge is None else config.purge
    enough = config.train >= warmup + horizon + max(0, purge - horizon) and n_bars > config.train
    if not enough:
        with pytest.raises(ConfigError, match=r"walk_forward.train"):
            folds(n_bars, horizon=horizon, warmup=warmup, config=config)
        return
    schedule = folds(n_bars, horizon=horizon, warmup=warmup, config=config)
    tested = [bar for fold in schedule for bar in range(fold.test_start, fold.test_stop)]
    assert tested == list(range(config.train, n_bars))
    for number, fold in enumerate(schedule):
        samples = range(fold.train_start + warmup - 1, fold.train_stop - horizon)
        assert fold.number == number
        assert len(samples) >= 1
        last_label_ends = samples[-1] + horizon
        assert last_label_ends < fold.test_start
        assert fold.test_start - samples[-1] - 1 >= purge
        assert fold.test_stop - fold.test_start <= asked["refit"]


def test_too_little_history_says_how_much_there_is_and_how_much_is_wanted() -> None:
    with pytest.raises(ConfigError) as caught:
        folds(400, horizon=5, warmup=60, config=WalkForwardConfig(train=500))
    message = str(caught.value)
    assert "500 bars of training leave none to test on" in message
    assert "has 400" in message
    assert "at most 399" in message


def test_history_shorter_than_the_forecaster_needs_asks_for_more_history() -> None:
    with pytest.raises(ConfigError, match="this forecaster needs 65 - so take more history"):
        folds(60, horizon=5, warmup=60, config=WalkForwardConfig(train=80))


def test_a_window_longer_than_the_training_block_says_what_to_set() -> None:
    with pytest.raises(ConfigError) as caught:
        folds(4_000, horizon=5, warmup=600, config=WalkForwardConfig(train=500, purge=8))
    message = str(caught.value)
    assert "500 bars leave no training sample" in message
    assert "600 bars of warm-up" in message
    assert "at least 608" in message


def days_from(first: str, n_bars: int) -> Any:
    """Working days in a row."""
    return np.busday_offset(np.datetime64(first), np.arange(n_bars), roll="forward")


def test_an_embargo_ends_training_that_much_earlier_still() -> None:
    config = WalkForwardConfig(train=20, refit=10, purge=7, embargo=2)
    assert folds(30, horizon=2, warmup=3, config=config) == (Fold(0, 0, 13, 20, 30),)


def test_before_an_anchor_lies_the_warm_up_of_its_sample_and_nothing_else() -> None:
    config = WalkForwardConfig(train=20, refit=4, mode="anchored", anchor=6)
    assert folds(34, horizon=2, warmup=3, config=config) == (
        Fold(0, 4, 26, 26, 30, lead=2),
        Fold(1, 4, 30, 30, 34, lead=2),
    )


def test_what_is_said_to_be_learned_from_begins_at_the_anchor_and_not_at_its_warm_up() -> None:
    days = days_from("2020-01-01", 34)
    config = WalkForwardConfig(train=20, refit=4, mode="anchored", anchor=6)
    (fold, _) = folds(34, horizon=2, warmup=3, config=config, days=days)
    report = FoldReport(fold, 0, 0.0, False, None, (), 1, None)
    facts = fold_facts(report, list(days))
    assert facts["train_dates"] == [str(days[6]), str(days[25])]
    assert facts["train"] == [4, 26]  # the bars handed to fit
    plain = folds(34, horizon=2, warmup=3, config=WalkForwardConfig(train=20), days=days)[0]
    assert plain.learned_start == plain.train_start == 0


def test_an_anchor_in_the_first_bars_has_less_warm_up_before_it() -> None:
    config = WalkForwardConfig(train=22, mode="anchored", anchor=1)
    assert folds(30, horizon=2, warmup=20, config=config)[0] == Fold(0, 0, 23, 23, 30, lead=1)
    with pytest.raises(ConfigError, match="set train to at least 22"):
        folds(30, horizon=3, warmup=20, config=config.model_copy(update={"train": 21}))


def test_an_anchor_and_the_first_forecast_may_be_days() -> None:
    days = days_from("2020-01-01", 60)
    config = WalkForwardConfig.model_validate(
        {"train": 20, "mode": "anchored", "anchor": "2020-01-04", "first": "2020-02-08"}
    )
    found = folds(60, horizon=2, warmup=2, config=config, days=days)
    # The 4th of January and the 8th of February are Saturdays: the Mondays after them count.
    assert days[found[0].train_start + 1] == np.datetime64("2020-01-06")
    assert days[found[0].test_start] == np.datetime64("2020-02-10")
    assert found[0].train_stop == found[0].test_start


@pytest.mark.parametrize(
    ("period", "starts"),
    [
        ("week", ["2019-12-24", "2019-12-30", "2020-01-06", "2020-01-13"]),
        ("month", ["2019-12-24", "2020-01-01"]),
        ("quarter", ["2019-12-24", "2020-01-01"]),
        ("year", ["2019-12-24", "2020-01-01"]),
    ],
)
def test_a_fit_by_the_calendar_comes_with_the_first_bar_of_a_period(
    period: str, starts: list[str]
) -> None:
    days = days_from("2019-11-26", 38)
    config = WalkForwardConfig.model_validate({"train": 20, "refit": period})
    found = folds(38, horizon=2, warmup=3, config=config, days=days)
    assert [str(days[fold.test_start]) for fold in found] == starts
    assert [fold.test_stop for fold in found] == [*(f.test_start for f in found[1:]), 38]


def test_quarters_begin_in_january_april_july_and_october() -> None:
    days = days_from("2020-01-01", 400)
    config = WalkForwardConfig(train=20, refit="quarter")
    found = folds(400, horizon=2, warmup=3, config=config, days=days)
    months = [str(days[fold.test_start])[5:7] for fold in found[1:]]
    assert months == ["04", "07", "10", "01", "04", "07"]


@given(n_bars=some.integers(60, 300), more=some.integers(1, 60))
@pytest.mark.parametrize("period", ["week", "month", "quarter", "year"])
def test_bars_to_come_change_no_fold_but_the_end_of_the_last(
    period: str, n_bars: int, more: int
) -> None:
    days = days_from("2019-11-26", n_bars + more)
    config = WalkForwardConfig.model_validate({"train": 40, "refit": period})
    short = folds(n_bars, horizon=2, warmup=3, config=config, days=days[:n_bars])
    long = folds(n_bars + more, horizon=2, warmup=3, config=config, days=days)
    assert short[:-1] == long[: len(short) - 1]
    assert short[-1].test_start == long[len(short) - 1].test_start


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"first": "2030-01-01"}, "first: 2030-01-01 lies behind the data, which has 100 bars and"),
        ({"first": "2020-01-10"}, "first: 7 bars come before 2020-01-10 and .*train wants 20"),
        ({"mode": "anchored", "anchor": 100}, "anchor: 100 lies behind the data"),
        ({"mode": "anchored", "anchor": 85}, "train: 20 bars of training from the anchor, bar 85"),
    ],
)
def test_a_day_or_an_anchor_outside_the_data_says_where_the_data_ends(
    changes: dict[str, Any], message: str
) -> None:
    config = WalkForwardConfig.model_validate({"train": 20, **changes})
    with pytest.raises(ConfigError, match=message):
        folds(100, horizon=2, warmup=3, config=config, days=days_from("2020-01-01", 100))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mode": "anchored"}, "mode anchored needs 'anchor'"),
        ({"anchor": 3}, "anchor means nothing in mode expanding"),
        ({"refit": "weekly"}, "week"),
        ({"refit": 0}, "greater than or equal to 1"),
        ({"seeds": 0}, "greater than or equal to 1"),
    ],
)
def test_a_schedule_that_contradicts_itself_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        WalkForwardConfig.model_validate(changes)


def test_the_day_of_a_bar_that_closes_at_midnight_is_the_one_that_ends() -> None:
    close = np.ones((2, 1))
    day = 86_400_000_000_000
    panel = Panel(("A",), np.array([day, day + 1]), close, close, close, close, close)
    assert [str(d) for d in days_of(panel)] == ["1970-01-01", "1970-01-02"]

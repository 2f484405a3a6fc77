import pytest
from hypothesis import given
from hypothesis import strategies as some

from tradewind.engine.config import WalkForwardConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.schedule import Fold, folds


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
        assert fold.test_stop - fold.test_start <= config.refit


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

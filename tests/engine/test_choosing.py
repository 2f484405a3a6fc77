"""Parameters chosen per fold: from its training part alone, by scores that can be had by hand."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.walks import descent, go, same, schedule
from tradewind.engine.cache import ForecastCache
from tradewind.engine.config.walk import ChooseConfig
from tradewind.engine.errors import ConfigError, ForecastError
from tradewind.engine.records import ELIGIBLE, FIELDS, Panel
from tradewind.engine.scoring.proper_scores import realised
from tradewind.engine.walkforward.notes import fit_notes
from tradewind.engine.walkforward.purged_cv import group_of, splits
from tradewind.engine.walkforward.run import WalkForward, fold_seed

CHOOSE = ChooseConfig(over={"window": (2, 4), "hidden": (0, 9)}, groups=4, test=1, score="mae")
TWO_FOLDS = schedule(train=80, refit=25)


@pytest.fixture(scope="module")
def panel(make_walk: Callable[..., Panel]) -> Panel:
    walk: Panel = make_walk(3, 120, 4)
    return walk


@pytest.fixture
def cache(tmp_path: Path) -> ForecastCache:
    return ForecastCache(tmp_path / "cache")


def chosen(result: WalkForward) -> list[dict[str, Any]]:
    return [dict(fold.choice.params) for fold in result.folds if fold.choice]


def by_hand(panel: Panel, params: dict[str, Any], stop: int, number: int) -> float:
    """Mean absolute error over all held-out groups of the training part."""
    past = panel.past(stop)
    bars = np.arange(4, past.n_bars - 2)  # the longest window is 4, so the first sample is bar 4
    truth, group = realised(past, 2), group_of(len(bars), 4)
    total = count = 0.0
    for split in splits(bars + 1, bars + 2, groups=4, test=1, embargo=2):
        eligible = np.zeros(past.shape)
        eligible[bars[split.train]] = 1.0
        masked = replace(past, columns={ELIGIBLE: eligible})
        made = descent(**params).build(fold_seed(7, number)).fit(masked)
        rows = bars[np.isin(group, split.held_out)]
        error = np.abs(truth - made.predict(past, first=0).mean)[rows]
        total, count = total + error.sum(), count + error.size
    return float(total / count)


def test_each_fold_takes_the_candidate_that_did_best_on_what_was_held_out(panel: Panel) -> None:
    result = go(descent(), panel, config=TWO_FOLDS, choose=CHOOSE)
    assert len(chosen(result)) == 2
    for fold in result.folds:
        assert fold.choice is not None
        offered = [dict(one.params) for one in fold.choice.candidates]
        assert offered == list(CHOOSE.candidates)
        want = [by_hand(panel, one, fold.fold.train_stop, fold.fold.number) for one in offered]
        assert [one.score for one in fold.choice.candidates] == pytest.approx(want, rel=1e-12)
        assert dict(fold.choice.params) == offered[int(np.argmin(want))]
        assert all(one.n_fits == 4 for one in fold.choice.candidates)


def test_a_fold_is_what_a_run_with_the_chosen_parameters_gives(
    panel: Panel, cache: ForecastCache
) -> None:
    result = go(descent(), panel, config=TWO_FOLDS, choose=CHOOSE, cache=cache)
    for fold, params in zip(result.folds, chosen(result), strict=True):
        rows = slice(fold.fold.test_start, fold.fold.test_stop)
        plain = go(descent(**params), panel, config=TWO_FOLDS, cache=cache)
        assert plain.folds[fold.fold.number].from_cache
        np.testing.assert_array_equal(result.forecasts.mean[rows], plain.forecasts.mean[rows])


@pytest.mark.parametrize("workers", [1, 2])
def test_the_choice_is_the_same_here_in_workers_and_from_the_cache(
    panel: Panel, cache: ForecastCache, workers: int
) -> None:
    config = schedule(train=80, refit=25, seeds=2, warm_start=True)
    here = go(descent(), panel, config=config, choose=CHOOSE)
    there = go(descent(), panel, config=config, choose=CHOOSE, workers=workers, cache=cache)
    again = go(descent(), panel, config=config, choose=CHOOSE, workers=workers, cache=cache)
    assert same(here.forecasts, there.forecasts)
    assert same(here.forecasts, again.forecasts)
    assert chosen(here) == chosen(there) == chosen(again)
    assert all(fold.from_cache for fold in again.folds)


@settings(max_examples=10, deadline=None)
@given(seed=some.integers(0, 1_000), how=some.sampled_from(["noise", "nan", "reversed"]))
def test_no_choice_sees_its_test_block(
    make_walk: Callable[..., Panel], seed: int, how: str
) -> None:
    whole = make_walk(seed, 110, 2)
    arrays = {name: getattr(whole, name).copy() for name in FIELDS}
    for array in arrays.values():
        if how == "noise":
            array[80:] *= np.random.default_rng(seed).uniform(0.5, 2.0, array[80:].shape)
        else:
            array[80:] = np.nan if how == "nan" else array[80:][::-1]
    tampered = replace(whole, **arrays)
    what = {"config": schedule(train=80, refit=40), "choose": CHOOSE}
    first = go(descent(), whole, **what).folds[0].choice
    assert first is not None
    if how == "nan":
        with pytest.raises(ForecastError, match="no forecast for any"):
            go(descent(), tampered, **what)
        other = go(descent(), whole.past(81), **what).folds[0].choice
    else:
        other = go(descent(), tampered, **what).folds[0].choice
    assert first == other


def test_a_changed_score_chooses_again_without_a_fit(panel: Panel, cache: ForecastCache) -> None:
    go(descent(), panel, config=TWO_FOLDS, choose=CHOOSE, cache=cache)
    count = len(list(cache.folder.glob("*/[0-9a-f]*/entry.json")))
    for score in ("crps", "rank_ic"):
        other = CHOOSE.model_copy(update={"score": score})
        result = go(descent(), panel, config=TWO_FOLDS, choose=other, cache=cache)
        assert all(f.choice is not None and f.choice.score == score for f in result.folds)
    # At most the two folds themselves are new, where another candidate was chosen.
    assert len(list(cache.folder.glob("*/[0-9a-f]*/entry.json"))) <= count + 4
    more = CHOOSE.model_copy(update={"embargo": 5})
    go(descent(), panel, config=TWO_FOLDS, choose=more, cache=cache)
    assert len(list(cache.folder.glob("*/[0-9a-f]*/entry.json"))) >= count + 2 * 4 * 4


def test_the_rank_correlation_is_the_larger_the_better(panel: Panel) -> None:
    choose = CHOOSE.model_copy(update={"score": "rank_ic"})
    for fold in go(descent(), panel, config=TWO_FOLDS, choose=choose).folds:
        assert fold.choice is not None
        scores = [one.score for one in fold.choice.candidates if one.score is not None]
        best = next(o for o in fold.choice.candidates if o.params == fold.choice.params)
        assert len(scores) == 4
        assert best.score == max(scores)
        assert best.low is not None
        assert best.high is not None
        assert best.low <= max(scores) <= best.high


def test_a_candidate_that_cannot_be_fitted_is_passed_over_and_told(panel: Panel) -> None:
    choose = ChooseConfig(over={"least": (1, 9_999)}, groups=4, test=1)
    result = go(descent(), panel, config=TWO_FOLDS, choose=choose)
    assert chosen(result) == [{"least": 1}] * 2
    assert result.folds[0].choice is not None
    failed = result.folds[0].choice.candidates[1]
    assert failed.score is None
    assert "fewer than 9999 samples" in failed.note
    none = ChooseConfig(over={"least": (9_998, 9_999)}, groups=4, test=1)
    with pytest.raises(ForecastError, match=r"Descent, fold 0: none of the 2 candidates .* fewer"):
        go(descent(), panel, config=TWO_FOLDS, choose=none)


def test_a_forecaster_that_does_not_heed_what_is_held_out_is_refused(panel: Panel) -> None:
    with pytest.raises(ForecastError, match="learns from bars on which the column 'eligible' is 0"):
        go(descent("Deaf"), panel, config=TWO_FOLDS, choose=CHOOSE)


@pytest.mark.parametrize(
    ("window", "told"),
    [
        (90, r"80 bars leave no training sample: .* set train to at least 93, or leave it out"),
        (76, r"warm-up of 77 bars and horizon of 2 leave 2 of the 80 bars .*groups is 4; leave"),
    ],
)
def test_a_candidate_that_the_training_part_is_too_short_for_is_named_before_any_fit(
    panel: Panel, window: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradewind.engine.walkforward.run.crew", None)  # no worker is started
    choose = ChooseConfig(over={"window": (4, window)}, groups=4, test=1)
    with pytest.raises(ConfigError, match=rf"^choose\.over: candidate window {window}: .*{told}"):
        go(descent(), panel, config=TWO_FOLDS, choose=choose)


def test_data_too_short_for_any_candidate_is_not_blamed_on_the_first(panel: Panel) -> None:
    with pytest.raises(ConfigError, match=r"^walk_forward\.train: 120 bars of training leave none"):
        go(descent(), panel, config=schedule(train=120), choose=CHOOSE)


def test_the_horizon_cannot_be_chosen(panel: Panel) -> None:
    choose = ChooseConfig(over={"horizon": (2, 3)})
    with pytest.raises(ConfigError, match=r"choose\.over: the horizon is what is forecast"):
        go(descent(), panel, config=TWO_FOLDS, choose=choose)


def test_the_reader_is_told_what_was_chosen_how_often(panel: Panel) -> None:
    result = go(descent(), panel, config=TWO_FOLDS, choose=CHOOSE)
    (note,) = fit_notes(result.folds, TWO_FOLDS, CHOOSE)
    assert note.startswith("parameters chosen in each fold (2) from its training part alone, by")
    assert "mae in combinatorial purged cross-validation (1 of 4 groups held out): window" in note
    assert (
        sum(int(part.rpartition(" in ")[2]) for part in note.split("): ")[1].split(", window")) == 2
    )


def test_only_a_fold_with_the_last_ones_parameters_begins_from_it(panel: Panel) -> None:
    config = schedule(train=40, refit=15, warm_start=True, control_every=0)
    result = go(descent(), panel, config=config, choose=CHOOSE)
    params = chosen(result)
    warm = [False] + [a == b for a, b in pairwise(params)]
    assert [fold.warm for fold in result.folds] == warm

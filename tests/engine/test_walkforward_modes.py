"""Warm start, ensembles, parts of the symbols, eligibility: each against a run done by hand."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.walks import descent, go, same, schedule, spec
from tradewind.engine.cache import ForecastCache
from tradewind.engine.errors import ConfigError, ForecastError, TooLittleHistoryError
from tradewind.engine.protocols import Continuing, Divisible, Forecasts, Resumable, Watched
from tradewind.engine.records import ELIGIBLE, Panel
from tradewind.engine.walkforward.join import mixture
from tradewind.engine.walkforward.notes import fit_notes
from tradewind.engine.walkforward.run import WalkForward, fold_seed


@pytest.fixture(scope="module")
def panel(make_walk: Callable[..., Panel]) -> Panel:
    walk: Panel = make_walk(3, 120, 9)
    walk.close[:60, 8] = np.nan  # comes late: the first folds know too little of it
    return replace(walk, ends=np.empty(0, np.int64))


@pytest.fixture
def cache(tmp_path: Path) -> ForecastCache:
    return ForecastCache(tmp_path / "cache")


def fits(result: WalkForward) -> int:
    """Fits that were made and not found."""
    mine = [fit for fold in result.folds for fit in fold.fits]
    return sum(not fit.from_cache for fit in mine)


def test_the_learner_of_these_tests_offers_everything() -> None:
    made = descent().build(0)
    for protocol in (Continuing, Divisible, Resumable, Watched):
        assert isinstance(made, protocol)


ALL: dict[str, dict[str, Any]] = {
    "rolling": {"mode": "rolling"},
    "anchored": {"mode": "anchored", "anchor": 10, "train": 30},
    "calendar": {"refit": "month"},
    "warm": {"warm_start": True, "control_every": 2},
    "seeds": {"seeds": 3},
    "warm seeds": {"warm_start": True, "seeds": 2, "control_every": 3},
}


@pytest.mark.parametrize("pooled", [True, False], ids=["pooled", "parts"])
@pytest.mark.parametrize("mode", ALL)
def test_every_mode_gives_the_same_bits_here_and_in_workers_and_from_the_cache(
    panel: Panel, cache: ForecastCache, mode: str, pooled: bool
) -> None:
    what, config = descent(pooled=pooled, epochs=2), schedule(**ALL[mode])
    here = go(what, panel, config=config)
    there = go(what, panel, config=config, workers=2, cache=cache)
    again = go(what, panel, config=config, workers=1, cache=cache)
    assert np.isfinite(here.forecasts.mean[here.first_bar :, 0]).all()
    assert same(here.forecasts, there.forecasts)
    assert same(here.forecasts, again.forecasts)
    assert fits(there) > 0
    assert fits(again) == 0
    assert [fold.warm for fold in here.folds] == [fold.warm for fold in again.folds]


def test_a_warm_fold_is_what_beginning_from_the_last_by_hand_gives(panel: Panel) -> None:
    warm = go(descent(), panel, config=schedule(warm_start=True))
    earlier: Any = None
    for number, start in enumerate(range(40, 120, 15)):
        made: Any = descent().build(fold_seed(7, number))
        made = made if earlier is None else made.begin_from(earlier)
        earlier = made.fit(panel.past(start))
        stop = min(start + 15, 120)
        want = earlier.predict(panel.past(stop), first=start)
        np.testing.assert_array_equal(warm.forecasts.mean[start:stop], want.mean)
    cold = go(descent(), panel)
    assert same_rows(warm, cold, 40, 55)
    assert not same_rows(warm, cold, 55, 70)
    assert [fold.warm for fold in warm.folds] == [False, True, True, True, True, True]


def same_rows(one: WalkForward, other: WalkForward, start: int, stop: int) -> bool:
    return bool((one.forecasts.mean[start:stop, 0] == other.forecasts.mean[start:stop, 0]).all())


@pytest.mark.parametrize("pooled", [True, False])
def test_every_few_folds_a_warm_one_is_compared_with_one_from_scratch(
    panel: Panel, pooled: bool
) -> None:
    config = schedule(warm_start=True, control_every=2)
    warm, cold = go(descent(pooled=pooled), panel, config=config), go(descent(pooled=pooled), panel)
    assert [fold.control is not None for fold in warm.folds] == [False, False, True, False, True,
                                                                 False]  # fmt: skip
    control = warm.folds[2].control
    assert control is not None
    truth = np.log(panel.close[72:87]) - np.log(panel.close[70:85])
    for mine, result in ((control.warm_mae, warm), (control.mae, cold)):
        assert mine == pytest.approx(np.nanmean(np.abs(truth - result.forecasts.mean[70:85])))
    assert control.loss is not None
    assert control.warm_loss is not None
    last = [min(p["stopping"] for p in r.folds[2].history if p["network"] == n)
            for r in (warm,) for n in {p["network"] for p in r.folds[2].history}]  # fmt: skip
    assert control.warm_loss == pytest.approx(np.mean(last))
    note, *_ = fit_notes(warm.folds, config)
    assert note.startswith("warm start: 5 of 6 folds began from the weights of the fold before")
    assert "beside 2 fitted from scratch as well: stopping loss" in note
    assert "of 2" in note


def test_what_folds_have_to_say_is_told_once_with_how_often(panel: Panel) -> None:
    folds = go(spec("Quantiles"), panel).folds
    assert len(folds) > 2
    marked = [replace(fold, note="no GPU: on the CPU") for fold in folds[:2]]
    notes = fit_notes((*marked, *folds[2:]), schedule())
    assert notes == (f"no GPU: on the CPU (2 of {len(folds)} folds)",)
    many = [replace(folds[0], note=f"note {k}") for k in range(7)]
    assert fit_notes(many, schedule())[-1].startswith("2 more notes of single folds")


def test_without_a_control_the_note_says_that_nothing_is_known(panel: Panel) -> None:
    config = schedule(warm_start=True, control_every=0)
    result = go(descent(), panel, config=config)
    assert all(fold.control is None for fold in result.folds)
    assert "whether that helps is not known" in fit_notes(result.folds, config)[0]


def test_a_control_is_the_fold_of_a_run_without_warm_start(
    panel: Panel, cache: ForecastCache
) -> None:
    go(descent(), panel, cache=cache)
    warm = go(descent(), panel, cache=cache, config=schedule(warm_start=True, control_every=1))
    # The first fold and all controls are there; the five warm ones are not.
    assert fits(warm) == 5


def test_a_warm_fold_is_fitted_again_when_an_earlier_one_changes(
    panel: Panel, cache: ForecastCache
) -> None:
    cold = schedule(mode="rolling")
    warm = schedule(mode="rolling", warm_start=True, control_every=0)
    shaken = replace(panel, close=panel.close.copy())
    shaken.close[5] *= 1.01  # the second window begins at bar 15
    assert fits(go(descent(), panel, config=cold, cache=cache)) == 6
    assert fits(go(descent(), shaken, config=cold, cache=cache)) == 1
    assert fits(go(descent(), panel, config=warm, cache=cache)) == 5
    # The first fold is there already, as it is without a warm start; all behind it began from it.
    assert fits(go(descent(), shaken, config=warm, cache=cache)) == 5


def test_a_warm_chain_goes_on_from_the_fold_that_is_kept(
    panel: Panel, cache: ForecastCache
) -> None:
    config = schedule(warm_start=True, control_every=0)
    short = go(descent(), panel.past(118), config=config, cache=cache)
    whole = go(descent(), panel, config=config, cache=cache, workers=1)
    assert len(short.folds) == len(whole.folds) == 6
    assert fits(whole) == 1
    assert same(whole.forecasts, go(descent(), panel, config=config).forecasts)


def test_a_forecaster_that_cannot_go_on_is_refused_a_warm_start(panel: Panel) -> None:
    with pytest.raises(ConfigError, match=r"walk_forward\.warm_start: Slope cannot begin"):
        go(spec(), panel, config=schedule(warm_start=True))


def test_an_ensemble_is_the_mixture_of_runs_with_its_members_seeds(panel: Panel) -> None:
    together = go(descent(), panel, config=schedule(seeds=3))
    for number, start in enumerate(range(40, 120, 15)):
        stop = min(start + 15, 120)
        said = [
            descent().build(fold_seed(7, number, 0, member)).fit(panel.past(start))
            .predict(panel.past(stop), first=start)
            for member in range(3)
        ]  # fmt: skip
        means = np.stack([one.mean for one in said])
        mean = means.mean(axis=0)
        second = np.mean([one.std**2 + one.mean**2 for one in said], axis=0)
        np.testing.assert_allclose(together.forecasts.mean[start:stop], mean, rtol=1e-12)
        np.testing.assert_allclose(
            together.forecasts.std[start:stop], np.sqrt(second - mean**2), rtol=1e-9
        )
    assert [len(fold.fits) for fold in together.folds] == [3] * 6
    assert {point["member"] for point in together.folds[0].history} == {0, 1, 2}
    assert len({fit.seed for fold in together.folds for fit in fold.fits}) == 18


def test_a_mixture_averages_quantiles_and_is_silent_where_a_member_is() -> None:
    nan = np.nan
    one = Forecasts(
        np.array([[0.0, nan]]), np.array([[1.0, nan]]), 1, (0.5,), np.full((1, 2, 1), 1.0)
    )
    two = Forecasts(
        np.array([[4.0, 1.0]]), np.array([[1.0, 1.0]]), 1, (0.5,), np.full((1, 2, 1), 3.0)
    )
    mixed = mixture([one, two])
    np.testing.assert_array_equal(mixed.mean, [[2.0, nan]])
    np.testing.assert_allclose(mixed.std, [[5**0.5, nan]])  # 1 within, 4 between
    assert mixed.quantiles[0, 0, 0] == 2.0


def test_more_seeds_fit_the_new_members_alone(panel: Panel, cache: ForecastCache) -> None:
    three = go(descent(), panel, cache=cache, config=schedule(seeds=3))
    assert fits(three) == 18
    five = go(descent(), panel, cache=cache, config=schedule(seeds=5))
    assert fits(five) == 12
    assert fits(go(descent(), panel, cache=cache)) == 0
    assert same(five.forecasts, go(descent(), panel, config=schedule(seeds=5)).forecasts)


def test_members_that_say_the_same_are_told_to_the_reader(panel: Panel) -> None:
    config = schedule(seeds=2)
    notes = fit_notes(go(spec("Quantiles", seed=1), panel, config=config).folds, config)
    assert notes == ()  # its noise is seeded
    notes = fit_notes(
        go(spec("Failing", how="ours", after=999), panel, config=config).folds, config
    )
    assert "nothing in this forecaster depends on its seed" in notes[0]


def test_symbols_fitted_alone_are_spread_over_tasks_and_joined(panel: Panel) -> None:
    parts = go(descent(pooled=False), panel)
    assert [len(fold.fits) for fold in parts.folds] == [3] * 6  # 4, 4 and 1 of 9 symbols
    assert parts.folds[0].fits[1].symbols == ("S4", "S5", "S6", "S7")
    undivided = descent(pooled=False).build(fold_seed(7, 2)).fit(panel.past(70))
    want = undivided.predict(panel.past(85), first=70)
    np.testing.assert_array_equal(parts.forecasts.mean[70:85], want.mean)
    assert parts.folds[2].n_samples == vars(undivided)["n_samples"]


def test_a_part_with_too_little_history_is_silent_and_says_why(
    panel: Panel, cache: ForecastCache
) -> None:
    for _ in range(2):  # made, and found again
        result = go(descent(pooled=False, least=5), panel, cache=cache)
        assert np.isnan(result.forecasts.mean[:70, 8]).all()
        assert np.isfinite(result.forecasts.mean[70:, 8]).all()
        assert "fewer than 5 samples" in result.folds[0].note
        assert result.folds[2].note == ""
    with pytest.raises(ForecastError, match="Descent, fold 0: fewer than 999 samples"):
        go(descent(pooled=False, least=999), panel)
    with pytest.raises(TooLittleHistoryError):
        go(descent(least=999), panel)


def test_a_part_without_history_begins_from_scratch_when_it_has_some(panel: Panel) -> None:
    config = schedule(warm_start=True, control_every=0)
    what = descent(pooled=False, least=5)
    result = go(what, panel, config=config)
    assert [fold.fits[2].warm for fold in result.folds] == [False, False, False, True, True, True]
    assert same(result.forecasts, go(what, panel, config=config, workers=2).forecasts)


def eligible_from(panel: Panel, first: int, last: int) -> Panel:
    """Symbol S0 is eligible on bars ``first`` to ``last`` alone, the others always."""
    column = np.ones(panel.shape)
    column[:, 0] = 0.0
    column[first : last + 1, 0] = 1.0
    column[-1, 1] = np.nan
    return replace(panel, columns={ELIGIBLE: column})


@pytest.mark.parametrize("workers", [0, 2])
def test_nothing_is_forecast_where_a_symbol_is_not_eligible(panel: Panel, workers: int) -> None:
    members = eligible_from(panel, 50, 99)
    for what in (spec(), descent(), spec("Quantiles")):
        said = go(what, members, workers=workers).forecasts
        given = np.isfinite(said.mean)
        assert given[50:100, 0].all()
        assert not given[:50, 0].any()
        assert not given[100:, 0].any()
        assert given[40:119, 1].all()
        assert not given[119, 1]
        assert (np.isfinite(said.std) == given).all()
        if said.levels:
            assert (np.isfinite(said.quantiles) == given[..., None]).all()


def test_a_changed_membership_is_a_changed_past(panel: Panel, cache: ForecastCache) -> None:
    go(descent(), eligible_from(panel, 50, 99), cache=cache)
    assert fits(go(descent(), eligible_from(panel, 50, 95), cache=cache)) == 3
    assert fits(go(descent(), eligible_from(panel, 50, 99), cache=cache)) == 0


def test_a_forecaster_that_learns_outside_the_universe_is_told_of(
    panel: Panel, cache: ForecastCache
) -> None:
    members = eligible_from(panel, 50, 99)
    for name, deaf in (("Descent", False), ("Deaf", True)):
        for workers in (0, 1):  # asked, and found again
            result = go(descent(name), members, cache=cache, workers=workers)
            assert result.deaf is deaf
            notes = fit_notes(result.folds, schedule(), deaf=result.deaf)
            assert any("outside the universe" in note for note in notes) is deaf
    assert go(descent("Deaf"), panel).deaf is False  # everybody is a member


def test_progress_tells_fold_epoch_and_loss(panel: Panel) -> None:
    for workers in (0, 1):
        notes: list[tuple[int, str]] = []

        class Heard:
            def start(self, task: str, total: int | None) -> None: ...

            def advance(self, task: str, steps: int = 1, note: str = "") -> None:
                notes.append((steps, note))  # noqa: B023

            def finish(self, task: str) -> None: ...

        go(descent(), panel, workers=workers, progress=Heard())
        epochs = [note for steps, note in notes if steps == 0]
        assert sum(steps for steps, _ in notes) == 6
        assert epochs, workers
        assert all("epoch 1/4, loss fitting " in note for note in epochs[:1])
        assert epochs[0].startswith("fold ")

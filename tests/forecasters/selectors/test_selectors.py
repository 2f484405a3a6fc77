"""Selectors on small markets that can be checked by eye, and what they refuse."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewind.engine.bars.sessions import session_closes
from tradewind.engine.errors import (
    CheckpointError,
    ConfigError,
    ForecastError,
    TooLittleHistoryError,
)
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.records import ELIGIBLE, Floats, Panel
from tradewind.forecasters.selectors.forecast import ForecastSelector
from tradewind.forecasters.selectors.formation import above_median, formation_bars, outcomes
from tradewind.forecasters.selectors.learned import Part
from tradewind.forecasters.selectors.logistic import LogisticSelector
from tradewind.forecasters.selectors.momentum_features import NAMES, monthly_inputs
from tradewind.forecasters.selectors.ranker import LightGbmRanker
from tradewind.forecasters.selectors.rbm import RbmSelector
from tradewind.forecasters.selectors.rules import (
    EqualSelector,
    LowVolatilitySelector,
    MomentumSelector,
    ReversalSelector,
)


def market(close: Floats, first: str = "2014-01-02") -> Panel:
    """New York's sessions with these closes."""
    days = session_closes("XNYS", first, "2020-12-31")
    ts = days.closes[: len(close)]
    names = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[k] for k in range(close.shape[1]))
    volume = np.where(np.isnan(close), np.nan, 1e6)
    return Panel(names, ts, close, close, close, close, volume, calendar="XNYS")


def walks(seed: int, n_bars: int = 900, n: int = 20) -> Panel:
    draw = np.random.default_rng(seed)
    return market(50 * np.exp(np.cumsum(draw.normal(0, 0.02, (n_bars, n)), axis=0)))


def planted(seed: int, n_bars: int = 1_500, n: int = 26) -> Panel:
    """Who rises in the last twenty days of a month falls in the next, and noise on top."""
    draw = np.random.default_rng(seed)
    panel = walks(seed, n_bars, n)
    ends = formation_bars(panel, "month_end")
    steps = draw.normal(0, 0.01, panel.shape)
    for begin, end in pairwise(ends):
        if begin >= 20:
            rose = steps[begin - 19 : begin + 1].sum(axis=0)
            steps[begin + 1 : end + 1] -= 0.6 * (rose - rose.mean()) / (end - begin)
    return market(50 * np.exp(np.cumsum(steps, axis=0)))


# --- what came of a formation ---------------------------------------------------------------------


def test_outcomes_by_eye() -> None:
    close = np.array(
        [[10.0, 10.0, 10.0, np.nan], [11.0, 9.0, 12.0, 5.0], [12.0, np.nan, 15.0, 5.0],
         [12.0, np.nan, np.nan, 5.0], [13.0, np.nan, 18.0, 5.0]]
    )  # fmt: skip
    panel = market(close)
    found = outcomes(panel, np.array([0, 2, 4]), delisting_return=-0.5)
    # B stops at 9 and loses half of that; D is not there yet; C's gap counts with the close before.
    np.testing.assert_allclose(found.simple[0], [0.2, -0.55, 0.5, np.nan])
    np.testing.assert_allclose(found.simple[1], [13 / 12 - 1, np.nan, 0.2, 0.0])
    assert np.isnan(found.simple[2]).all()  # the next formation has not come
    np.testing.assert_array_equal(found.above[0], [0, 0, 1, np.nan])


def test_at_the_median_is_not_above_it() -> None:
    np.testing.assert_array_equal(
        above_median(np.array([[1.0, 2.0, 3.0, np.nan], [np.nan] * 4])),
        [[0.0, 0.0, 1.0, np.nan], [np.nan] * 4],
    )


# --- the 33 inputs --------------------------------------------------------------------------------


def test_the_inputs_of_one_formation_are_those_of_the_paper() -> None:
    panel = walks(0, 420, 6)
    made = monthly_inputs(panel)
    ends = made.bars
    k = 16
    raw = np.empty((6, 32))
    close = panel.close
    for j in range(12):  # months t - 13 to t - 2, cumulated from the close of month t - 14
        raw[:, j] = close[ends[k - 13 + j]] / close[ends[k - 14]] - 1
    for j in range(20):  # the last twenty days
        raw[:, 12 + j] = close[ends[k] - 19 + j] / close[ends[k] - 20] - 1
    expected = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    np.testing.assert_allclose(made.x[k, :, :32], expected, rtol=1e-12)
    assert len(NAMES) == made.x.shape[2] == 33
    np.testing.assert_allclose(made.x[k, :, :32].mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(made.x[k, :, :32].std(axis=0), 1.0)


def test_january_is_the_month_in_which_the_portfolio_is_held() -> None:
    panel = walks(1, 700, 6)
    for every, held in (("month_end", "12"), ("month", "01")):
        made = monthly_inputs(panel, every)  # type: ignore[arg-type]
        known = np.isfinite(made.x[:, 0, 0])
        months = [str(day)[5:7] for day in panel.dates[made.bars[known]]]
        assert [month == held for month in months] == (made.x[known, 0, 32] == 1.0).tolist()
        assert held in months


def test_who_was_not_traded_in_a_month_or_lacks_days_is_left_out() -> None:
    close = walks(2, 420, 8).close.copy()
    ends = monthly_inputs(walks(2, 420, 8)).bars
    close[ends[8] + 1 : ends[9] + 1, 0] = np.nan  # a whole month without a trade
    close[ends[16] - 9 : ends[16] - 2, 1] = np.nan  # seven days of the last month
    close[ends[16] - 3, 2] = np.nan  # one day counts as unchanged
    made = monthly_inputs(market(close))
    assert np.isnan(made.x[16, :2]).all() and np.isfinite(made.x[16, 2:]).all()
    assert made.left_out["too little history"] >= 1 and made.left_out["gaps"] == 1


def test_a_date_with_few_symbols_or_all_alike_is_left_out_and_counted() -> None:
    few = monthly_inputs(walks(3, 420, 4))
    assert np.isnan(few.x).all() and set(few.left_out) == {"too few symbols"}
    same = np.repeat(walks(4, 420, 1).close, 6, axis=1)
    alike = monthly_inputs(market(same))
    assert np.isnan(alike.x).all() and set(alike.left_out) == {"all alike"}


def test_who_is_not_eligible_has_no_part_in_the_scores_of_others() -> None:
    panel = walks(5, 420, 7)
    marks = np.ones(panel.shape)
    marks[:, 0] = 0.0
    some = monthly_inputs(replace(panel, columns={ELIGIBLE: marks}))
    without = monthly_inputs(panel.select(panel.symbols[1:]))
    np.testing.assert_array_equal(some.x[:, 1:], without.x)


def test_hourly_bars_are_refused() -> None:
    with pytest.raises(ForecastError, match=r"daily bars: data\.resample: 1d"):
        monthly_inputs(replace(walks(6, 420, 6), interval="1h"))


# --- rules ----------------------------------------------------------------------------------------


def test_momentum_reversal_and_calm_by_hand() -> None:
    close = np.array([[10.0, 10.0], [12.0, 10.0], [12.0, 11.0], [9.0, 11.0]])
    panel = market(close)
    weekly: dict[str, Any] = {"formation": "day"}
    momentum = MomentumSelector(lookback=3, skip=1, **weekly).score(panel, first=3)
    np.testing.assert_allclose(momentum, [[0.2, 0.1]])
    reversal = ReversalSelector(lookback=2, **weekly).score(panel, first=3)
    np.testing.assert_allclose(reversal, [[0.25, -0.1]])
    calm = LowVolatilitySelector(lookback=3, **weekly).score(panel, first=3)
    steps = np.diff(np.log(close), axis=0)
    np.testing.assert_allclose(calm, [-steps.std(axis=0, ddof=1)])
    np.testing.assert_array_equal(EqualSelector(**weekly).score(panel, first=2), np.zeros((2, 2)))


def test_a_selector_ranks_at_its_formations_alone() -> None:
    panel = walks(7, 300, 4)
    scores = ReversalSelector(formation="month_end").score(panel, first=100)
    ranked = 100 + np.flatnonzero(np.isfinite(scores).any(axis=1))
    ends = formation_bars(panel, "month_end")
    np.testing.assert_array_equal(ranked, ends[ends >= 100])


# --- what is learned ------------------------------------------------------------------------------

LEARNERS = {
    "rbm": RbmSelector(seed=1, machine_epochs=8, epochs=12, whole_rate=0.002),
    "rbm without machines": RbmSelector(seed=1, pretrain=False, epochs=12, whole_rate=0.002),
    "logistic": LogisticSelector(),
    "ranker": LightGbmRanker(least_rows=20),
    "trees": LightGbmRanker(least_rows=20, objective="binary"),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_a_planted_reversal_is_found(name: str) -> None:
    panel = planted(11)
    selector = LEARNERS[name].fit(panel.past(1_100))
    scores = selector.score(panel, first=1_100)
    bars = formation_bars(panel, "month_end")
    came = outcomes(panel, bars)
    row = {int(bar): k for k, bar in enumerate(bars)}
    found = []
    for k in np.flatnonzero(np.isfinite(scores).any(axis=1)):
        out = came.simple[row[1_100 + int(k)]]
        if np.isfinite(out).any():
            found.append(np.corrcoef(scores[k], out)[0, 1])
    assert len(found) >= 15
    assert np.mean(found) > 0.15, found


def test_a_cached_ranking_depends_on_the_code_of_the_forecaster_inside() -> None:
    of = {"kind": "lightgbm", "horizon": 5}
    found = ForecasterSpec(f"{ForecastSelector.__module__}:ForecastSelector", {"of": of}).content()
    (inner,) = ForecastSelector.made_of({"of": of})
    assert found["made_of"] == [inner.content()]
    assert inner.target.startswith("tradewind.forecasters.boosting")
    assert "lightgbm" in inner.content()["versions"] and inner.params["horizon"] == 5


def test_equal_outcomes_have_equal_grades_and_the_others_equal_parts() -> None:
    def graded(*outcome: float, grades: int = 4) -> list[int]:
        n = len(outcome)
        part = Part(
            np.zeros((n, 1), np.float32), np.zeros(n, np.int64), np.array(outcome),
            np.zeros(n, np.int64),
        )  # fmt: skip
        return [int(grade) for grade in LightGbmRanker(grades=grades)._label(part)]

    assert graded(0.3, 0.1, 0.2, 0.4) == [2, 0, 1, 3]
    assert graded(0.0, 0.0, 0.0, 0.0) == [0, 0, 0, 0]
    assert graded(0.2, 0.0, 0.0, 0.2) == [2, 0, 0, 2]


def test_the_network_remembers_its_stages() -> None:
    panel = walks(12)
    network = RbmSelector(machine_epochs=2, epochs=2, hidden=(6, 2)).fit(panel)
    stages = list(dict.fromkeys(point.network for point in network.history))
    assert stages == ["rbm 1", "rbm 2", "rebuild", "classify", "whole"]
    plain = RbmSelector(epochs=2, hidden=(6, 2), pretrain=False).fit(panel)
    assert {point.network for point in plain.history} == {"whole"}


@pytest.mark.parametrize("n", [8, 9, 13])
def test_a_full_network_says_the_same_bits_formation_by_formation(n: int) -> None:
    panel = walks(4, 900, n)
    network = RbmSelector(seed=1, epochs=2, pretrain=False).fit(panel.past(750))
    whole = network.score(panel, first=750)
    ranked = 750 + np.flatnonzero(np.isfinite(whole).any(axis=1))
    assert len(ranked) >= 6
    for bar in map(int, ranked):
        np.testing.assert_array_equal(
            network.score(panel.past(bar + 1), first=bar)[0], whole[bar - 750]
        )


def test_a_fit_tells_how_it_goes() -> None:
    heard: list[str] = []
    network = RbmSelector(machine_epochs=2, epochs=2, hidden=(6, 2))
    network.watch(lambda point: heard.append(f"{point['network']} {point['epoch']}"))
    network.fit(walks(13))
    assert heard[:3] == ["rbm 1 0", "rbm 1 1", "rbm 1 2"] and heard[-1].startswith("whole")


def test_a_machine_that_learns_by_heart_is_reported() -> None:
    network = RbmSelector(
        machine_epochs=60, gaussian_rate=0.05, machine_batch=10, weight_decay=0.0, epochs=1,
        validation=0.5,
    )  # fmt: skip
    network.fit(walks(14, 640, 12))
    assert any("learns them by heart" in note for note in network.notes)


def test_a_checkpoint_of_other_sizes_or_with_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    small: dict[str, Any] = {"machine_epochs": 1, "epochs": 1}
    RbmSelector(hidden=(6, 2), **small).fit(walks(15)).save(tmp_path / "kept")
    with pytest.raises(CheckpointError, match=r"made with hidden = \[6, 2\]"):
        RbmSelector(hidden=(6, 3), **small).restore(tmp_path / "kept")
    file = tmp_path / "kept" / "weights.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="damaged"):
        RbmSelector(hidden=(6, 2), **small).restore(tmp_path / "kept")


@pytest.mark.parametrize("make", [RbmSelector, LogisticSelector, LightGbmRanker])
def test_too_little_history_says_how_much_there_is(make: type[Any]) -> None:
    with pytest.raises(TooLittleHistoryError, match=r"300 bars hold 0 formations .* walk_forward"):
        make().fit(walks(16, 300))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RbmSelector(hidden=()), "hidden is"),
        (lambda: RbmSelector(formation="week"), "with the 33 monthly inputs"),
        (lambda: RbmSelector(momentum=1.5), "momentum is 1.5; wanted < 1"),
        (lambda: LogisticSelector(features=("range", "range")), "names 'range' twice"),
        (lambda: ForecastSelector(of={}), "wanted kind: a registered forecaster"),
        (lambda: ForecastSelector(of={"kind": "nobody"}), "unknown 'nobody'"),
        (
            lambda: ForecastSelector(of={"kind": "ewma", "halflif": 3}),
            r"of\.halflif: unknown key .did you mean 'halflife'",
        ),
        (lambda: MomentumSelector(lookback=5, skip=5), "leaves nothing of lookback 5"),
    ],
)
def test_parameters_that_cannot_be_are_refused(make: Any, message: str) -> None:
    with pytest.raises((ConfigError, ForecastError), match=message):
        make()


def test_scores_before_a_fit_are_refused() -> None:
    with pytest.raises(ForecastError, match="score before fit"):
        LogisticSelector().score(walks(17), first=0)

"""The walk-forward an audit repeats: that of the run, with members, warm starts and choices."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.walks import descent, go, schedule
from tradewind.engine.audit.auditing import audit
from tradewind.engine.audit.findings import Danger
from tradewind.engine.audit.from_config import subject_of
from tradewind.engine.audit.placebo import placebo
from tradewind.engine.audit.stages import FULL, QUICK, Effort
from tradewind.engine.audit.walking import Way, few_candidates, few_folds, walked
from tradewind.engine.causality import first_leak
from tradewind.engine.config.file import load
from tradewind.engine.config.walk import ChooseConfig
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.records import Panel

CHOOSE = ChooseConfig(over={"window": (2, 4), "hidden": (0, 9)}, groups=4, test=1, score="mae")
# Says the next return wherever it was given later bars and told to peek; else the last one.
PEEKING = """
import numpy as np
from tradewind.engine.protocols import Forecasts


class Peeks:
    horizon, warmup = 1, 2

    def __init__(self, *, peek: bool = False, seed: int = 0):
        self.peek = peek

    def fit(self, past):
        return self

    def predict(self, past, *, first):
        step = np.diff(np.log(past.close), axis=0, prepend=np.nan)
        mean = np.roll(step, -1, axis=0) if self.peek else step
        return Forecasts(mean[first:], np.full_like(mean[first:], 0.01), 1)
"""


@pytest.fixture(scope="module")
def panel(make_walk: Callable[..., Panel]) -> Panel:
    walk: Panel = make_walk(3, 120, 4)
    return walk


@pytest.fixture
def peeks(tmp_path: Path) -> ForecasterSpec:
    (tmp_path / "peeking.py").write_text(PEEKING)
    return ForecasterSpec(f"{tmp_path / 'peeking.py'}:Peeks", {})


@pytest.mark.parametrize(
    ("how", "choose"),
    [
        ({}, None),
        ({"seeds": 3}, None),
        ({"warm_start": True, "control_every": 0}, None),
        ({"mode": "rolling", "seeds": 2, "warm_start": True}, CHOOSE),
    ],
    ids=["plain", "ensemble", "warm", "all together"],
)
def test_it_is_the_walk_forward_of_the_run_bit_by_bit(
    panel: Panel, how: dict[str, Any], choose: ChooseConfig | None
) -> None:
    config = schedule(train=80, refit=15, **how)
    ours = walked(Way(descent(), config, 7, choose), panel)
    theirs = go(descent(), panel, config=config, choose=choose).forecasts.mean
    assert np.isfinite(ours[80:]).all()
    np.testing.assert_array_equal(ours, theirs)


def test_members_warm_starts_and_choices_see_no_later_bar(panel: Panel) -> None:
    config = schedule(train=80, refit=15, seeds=2, warm_start=True)
    way = Way(descent(), config, 7, CHOOSE)
    assert first_leak(lambda other: walked(way, other), panel, cuts=(82, 96, 112)) is None


def test_a_candidate_that_peeks_is_found_though_the_config_itself_does_not(
    peeks: ForecasterSpec, tmp_path: Path
) -> None:
    kind = peeks.target.replace(str(tmp_path), ".")
    (tmp_path / "peeking.yaml").write_text(
        "name: peeking\nstrategy: {kind: timing}\n"
        "data: {symbols: [MSFT, KO], start: 2014-01-02, end: 2015-12-30}\n"
        f"forecaster: {{kind: '{kind}', walk_forward: {{train: 100}}, "
        "choose: {over: {peek: [false, true]}}}\n"
    )
    light = Effort(cuts=2, fit_hows=1, worth=0, placebos=4, bars=160, symbols=2, folds=1)
    subject = subject_of(*load(tmp_path / "peeking.yaml"), light)
    found = {
        way.name: placebo(way.name, way.placebo, subject.panel, horizon=1, n_panels=4)[0]
        for way in subject.evaluations
        if way.placebo is not None
    }
    assert list(found) == ["walk-forward of Peeks", "walk-forward of Peeks, peek True"]
    assert not found["walk-forward of Peeks"]
    assert {one.danger for one in found["walk-forward of Peeks, peek True"]} == {Danger.PLACEBO}
    report = audit(replace(subject, strategies=(), runs=()), light)
    assert {one.danger for one in report.leaks} >= {Danger.PLACEBO, Danger.FUTURE_VALUE}
    assert any("2 of 2 candidates" in line for line in report.unseen)


def test_few_fits_are_made_and_what_was_left_out_is_said(panel: Panel) -> None:
    choose, notes = few_candidates(CHOOSE, FULL)
    assert choose is not None
    assert len(choose.candidates) == 2
    assert (choose.groups, choose.test, choose.score) == (3, 1, "mae")
    assert "2 of 4 candidates" in notes[0]
    assert few_candidates(None, FULL) == (None, [])
    none, notes = few_candidates(CHOOSE, QUICK)
    assert none is None and "left out of the quick audit" in notes[0]

    asked = schedule(train=80, refit=5, seeds=9, warm_start=True)
    walk, notes = few_folds(asked, 2, 4, panel, QUICK)
    assert (walk.seeds, walk.warm_start, walk.refit) == (2, True, 20)  # two folds: one begins warm
    assert notes == ["walk_forward.seeds: 2 of 9 members were fitted"]

"""Forecasters, selectors, strategies and simulations behind their doors."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
import pytest

from tests.audit_research import Research, changed, subject
from tradewind.contracts import faulty_forecasters as faulty
from tradewind.engine.audit.auditing import Asked, Evaluated, Simulated, Subject, audit
from tradewind.engine.audit.decisions import decisions
from tradewind.engine.audit.facts import Facts
from tradewind.engine.audit.findings import Danger, Finding, Report
from tradewind.engine.audit.made_up import signals
from tradewind.engine.audit.stages import (
    Effort,
    feature_stage,
    forecaster_stages,
    named_features,
    selector_stages,
    state_of,
)
from tradewind.engine.audit.watching import watched
from tradewind.engine.causality import probe
from tradewind.engine.protocols import Forecaster, Selector, Signals, View
from tradewind.engine.records import Floats, Panel, Simulation
from tradewind.engine.types import Intent
from tradewind.strategies import InverseVolatility, Momentum, SmaCross, Timing

LIGHT = Effort(cuts=3, worth=40, placebos=0)
FITTED = 150


def history() -> Panel:
    return probe(seed=7, n_bars=220, n_symbols=4)


def of_forecaster(make: Callable[[], Forecaster]) -> Report:
    panel = history()
    stages = forecaster_stages("mine", make, panel, FITTED)
    return audit(Subject(name="one", panel=panel, stages=stages), LIGHT)


def test_an_honest_forecaster_is_not_accused() -> None:
    report = of_forecaster(faulty.Honest)
    assert not report.findings
    assert {check.means for check in report.checks} >= {"tampering", "warm-up"}
    assert report.n_tried > 20


@pytest.mark.parametrize(
    ("make", "stage", "column", "reach"),
    [
        (faulty.ReadsTheNextBar, "forecast", "mean", 1),
        (faulty.ScalesByAll, "forecast", "mean", None),
        (faulty.LooksBehindTheView, "fit", "std", None),
    ],
)
def test_a_forecaster_that_looks_ahead_is_named(
    make: Callable[[], Forecaster], stage: str, column: str, reach: int | None
) -> None:
    found = {(one.stage, one.column): one for one in of_forecaster(make).leaks}
    assert (stage, column) in found
    if reach is not None:
        assert f"reaches {reach} bar back" in found[stage, column].text


def test_a_fitted_state_that_knows_more_is_named_by_its_attribute() -> None:
    found = of_forecaster(faulty.LooksBehindTheView).leaks
    assert "state size" in {one.column for one in found}


def test_numbers_are_found_wherever_an_object_keeps_them() -> None:
    @dataclass
    class Inner:
        mean: Any

    class Outer:
        def __init__(self) -> None:
            self.parts = [Inner(np.arange(3.0)), {"std": 2.0}]
            self.name = "x"
            self.me = self

    held = state_of(Outer())
    assert {name: values.ravel().tolist() for name, values in held.items()} == {
        "state parts.0.mean": [0.0, 1.0, 2.0],
        "state parts.1.std": [2.0],
    }


class Ranks:
    """A selector: yesterday's return less its mean while fitted."""

    horizon = 1
    warmup = 2

    def fit(self, past: Panel) -> Self:
        self.mean = float(np.nanmean(np.diff(np.log(past.close), axis=0)))
        return self

    def score(self, past: Panel, *, first: int) -> Floats:
        return np.asarray(np.diff(np.log(past.close), axis=0)[first - 1 :] - self.mean)


class RanksBehind(Ranks):
    """Ranks by tomorrow's return where it is known."""

    def score(self, past: Panel, *, first: int) -> Floats:
        step = np.diff(np.log(past.close), axis=0, append=past.close[-1:] * 0.0)
        return np.asarray(step[first:])


def test_a_selector_is_audited_through_its_door() -> None:
    panel = history()
    assert isinstance(Ranks(), Selector)
    honest = Subject(name="s", panel=panel, stages=selector_stages("s", Ranks, panel, FITTED))
    assert not audit(honest, LIGHT).findings
    leaky = replace(honest, stages=selector_stages("s", RanksBehind, panel, FITTED))
    found = audit(leaky, LIGHT).leaks
    assert ("score", "score", Danger.FUTURE_VALUE) in {
        (one.stage, one.column, one.danger) for one in found
    }


def test_own_features_are_clean_and_settle_within_their_warm_up() -> None:
    stages = named_features(("return_5", "z_10", "range", "ta.momentum_rsi"), horizon=5)
    subject = Subject(name="f", panel=probe(n_bars=300), stages=stages, facts=Facts(adjusted=True))
    report = audit(subject, LIGHT)
    assert not report.findings
    assert sum(check.n_tried for check in report.checks if check.means == "warm-up") > 0


def test_a_warm_up_that_is_too_short_is_doubted() -> None:
    def long_mean(panel: Panel) -> Floats:
        out = np.full(panel.shape, np.nan)
        for t in range(panel.n_bars):
            out[t] = panel.close[max(0, t - 40) : t + 1].mean(axis=0)
        return out

    stage = feature_stage("mean", long_mean, warmup=10)
    report = audit(Subject(name="f", panel=history(), stages=(stage,)), LIGHT)
    assert not report.leaks
    (doubt,) = report.doubts
    assert doubt.danger == Danger.WARM_UP
    assert "declared warm-up of 10 bars" in doubt.text


def test_a_leak_says_what_it_is_worth() -> None:
    def smooth(panel: Panel) -> Floats:
        steps = np.diff(np.log(panel.close), axis=0, prepend=np.nan)
        out = np.full(panel.shape, np.nan)
        out[1:-1] = (steps[:-2] + steps[1:-1] + steps[2:]) / 3
        return out

    panel = probe(seed=1, n_bars=600)
    found = audit(
        Subject(name="f", panel=panel, stages=(feature_stage("smooth", smooth),)),
        Effort(cuts=3, worth=150, placebos=0),
    ).leaks
    worth = found[0].worth
    assert worth is not None
    assert worth.leaking > 0.4  # a third of it is the next return
    assert abs(worth.honest) < 0.05
    assert worth.ic > 5 * worth.se
    assert worth.n_pairs > 300


@pytest.mark.parametrize(
    "strategy",
    [
        SmaCross(fast=5, slow=20),
        Momentum(lookback=30, skip=5, top=0.5),
        InverseVolatility(lookback=20),
        Timing(),
    ],
    ids=lambda one: type(one).__name__,
)
def test_the_strategies_that_ship_are_clean(strategy: Any) -> None:
    panel = history()
    found, checks = decisions("s", strategy, panel, signals(panel), LIGHT)
    assert not found
    assert checks[0].n_tried > 10


class Inputs(NamedTuple):
    up: Floats
    level: Floats


@dataclass(frozen=True)
class Reads:
    """Buys what rises; ``what`` says which future it peeks at."""

    what: str
    warmup: int = 30

    def prepare(self, panel: Panel, signals: Signals) -> Inputs:
        steps = np.diff(np.log(panel.close), axis=0, prepend=np.nan)
        level = np.nanmean(panel.close, axis=0) if self.what == "mean of all" else panel.close[0]
        return Inputs(steps, level)

    def decide(self, view: View) -> list[Intent]:
        row = view.bar + (self.what == "next row")
        up = view.inputs.up[row]
        if self.what == "whole column":
            up = up - np.nanmean(view.inputs.up, axis=0)
        if self.what == "mean of all":
            up = up + 0.0 * view.inputs.level
        return [Intent(int(k), 1.0) for k in np.flatnonzero(up > 0)]


@pytest.mark.parametrize(
    ("what", "column"),
    [("next row", "up"), ("whole column", "up"), ("mean of all", "level")],
)
def test_an_array_read_with_the_future_in_it_is_named(what: str, column: str) -> None:
    panel = history()
    found, _ = decisions("s", Reads(what), panel, Signals(), LIGHT, adjusted=False)
    assert column in {one.column for one in found}
    assert not decisions("s", Reads(""), panel, Signals(), LIGHT, adjusted=False)[0]


def test_watched_arrays_know_what_was_taken() -> None:
    held, arrays = watched(Inputs(np.arange(6.0).reshape(3, 2), np.zeros(2)))
    assert held.up[1, 0] == 2.0
    assert held.up[2].tolist() == [4.0, 5.0]
    assert arrays["up"].was_read.tolist() == [[False, False], [True, False], [True, True]]
    assert not arrays["level"].was_read.any()
    assert float(np.mean(held.level)) == 0.0
    assert arrays["level"].was_read.all()
    arrays["up"].forget()
    assert list((held.up + 1.0).ravel()) == [1, 2, 3, 4, 5, 6]
    assert arrays["up"].was_read.all()


def test_a_price_filter_in_a_strategy_is_a_leak_on_adjusted_prices_only() -> None:
    class Penny(Reads):
        def decide(self, view: View) -> list[Intent]:
            return [Intent(int(k), 1.0) for k in np.flatnonzero(view.inputs.level < 50.0)]

    panel = probe(seed=7, n_bars=220, n_symbols=1)
    adjusted, _ = decisions("s", Penny(""), panel, Signals(), LIGHT, adjusted=True)
    assert [one.danger for one in adjusted] == [Danger.PRICE_LEVEL]
    assert not decisions("s", Penny(""), panel, Signals(), LIGHT, adjusted=False)[0]


def test_findings_come_with_the_most_dangerous_first() -> None:
    from tests import audit_plants as plants

    planted = changed(
        plants.fed(plants.scaled_by_all)(Research("linear")),
        fills=plants.on_the_same_bar,
        splits=plants.without_purge,
    )
    found = audit(subject(planted), LIGHT).findings
    dangers = [one.danger for one in found]
    assert dangers == sorted(dangers)
    assert dangers[0] == Danger.SAME_BAR_FILL
    assert {Danger.SCALER, Danger.PURGE} <= set(dangers)


def test_a_part_that_fails_on_its_own_bars_is_told_and_the_rest_audited() -> None:
    def broken(panel: Panel) -> Floats:
        raise ZeroDivisionError("no bars on Sundays")

    panel = history()
    stages = (feature_stage("broken", broken), feature_stage("honest", lambda p: p.close))
    report = audit(Subject(name="f", panel=panel, stages=stages), LIGHT)
    assert report.failed == ("feature broken: ZeroDivisionError: no bars on Sundays",)
    assert not report.findings
    assert any(check.part == "honest" and check.n_tried for check in report.checks)


def test_an_output_of_another_shape_is_told() -> None:
    stage = feature_stage("flat", lambda panel: np.zeros((panel.n_bars, 1)))
    report = audit(Subject(name="f", panel=history(), stages=(stage,)), LIGHT)
    assert "has shape (220, 1), wanted (220, 4)" in report.failed[0]


def test_a_simulation_that_knows_the_end_is_named() -> None:
    """A rule that trades only if the last close is above the first."""
    research = Research("linear")
    planted = subject(research)
    (run,) = planted.runs

    def knowing(cut: int | None, how: str) -> tuple[Panel, Simulation]:
        panel, ran = run.simulate(cut, how)
        if panel.close[-1, 0] > 40.0:
            ran = replace(ran, equity=ran.equity + 1.0)
        return panel, ran

    (alone,) = (Simulated("knows", knowing, run.panel, run.first),)
    found: tuple[Finding, ...] = audit(
        Subject(name="r", panel=run.panel, runs=(alone,)), LIGHT
    ).leaks
    assert [(one.stage, one.column) for one in found] == [("run", "equity")]


def test_what_is_asked_and_evaluated_may_be_left_out() -> None:
    panel = history()
    asked = Asked("timing", Timing(), panel, signals(panel))
    way = Evaluated("flat", lambda p: np.full(p.shape, np.nan), 5)
    report = audit(Subject(name="x", panel=panel, strategies=(asked,), evaluations=(way,)), LIGHT)
    assert not report.findings


def test_what_draws_from_an_unseeded_generator_is_no_leak_but_an_error() -> None:
    draw = np.random.default_rng()
    panel = history()
    stage = feature_stage("noise", lambda p: draw.normal(size=p.shape))

    class Dices(Reads):
        def decide(self, view: View) -> list[Intent]:
            return [Intent(0, float(draw.normal()))]

    asked = Asked("dices", Dices(""), panel, Signals())
    report = audit(Subject(name="x", panel=panel, stages=(stage,), strategies=(asked,)), LIGHT)
    assert not report.findings
    assert len(report.failed) == 2
    assert "is another when it is asked for twice on the same bars" in report.failed[0]
    assert "asked twice at bar" in report.failed[1]

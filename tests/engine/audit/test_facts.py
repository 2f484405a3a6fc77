"""Contracts of splits, labels, dates and sessions, at their borders."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tests.audit_research import labels as honest_labels
from tradewind.engine.audit import known_when, membership
from tradewind.engine.audit.data_facts import changed_by_its_end, closes_of, published
from tradewind.engine.audit.facts import Facts, Split, labels, splits
from tradewind.engine.audit.findings import Danger, Finding
from tradewind.engine.audit.stages import Stage
from tradewind.engine.causality import probe
from tradewind.engine.config.run import WalkForwardConfig
from tradewind.engine.errors import DataError
from tradewind.engine.records import DAY_NS
from tradewind.engine.walkforward.schedule import folds

PANEL = probe(seed=3, n_bars=100, n_symbols=4)
TEST = np.arange(50, 70)


def of(split: Split, horizon: int = 5) -> list[Finding]:
    return splits(Facts(horizon=horizon, splits=(split,)), PANEL)[0]


@pytest.mark.parametrize(("last", "clean"), [(44, True), (45, True), (46, False), (49, False)])
def test_a_label_may_end_with_the_first_test_bar_and_no_later(last: int, clean: bool) -> None:
    found = of(Split("one", np.arange(0, last + 1), TEST))
    assert [one.column for one in found] == ([] if clean else ["missing purge"])


@pytest.mark.parametrize(("first", "clean"), [(70, False), (73, False), (74, True)])
def test_training_behind_the_window_keeps_clear_of_its_labels(first: int, clean: bool) -> None:
    found = of(Split("one", np.arange(first, 100), TEST))
    assert [one.column for one in found] == ([] if clean else ["target overlap"])


def test_shared_bars_are_called_so() -> None:
    found = of(Split("one", np.arange(0, 55), TEST))
    assert [(one.column, one.bar, one.danger) for one in found] == [
        ("shared bars", 50, Danger.FOLDS)
    ]


@pytest.mark.parametrize("mode", ["expanding", "rolling"])
@pytest.mark.parametrize("purge", [None, 0, 9])
def test_the_schedule_of_a_walk_forward_keeps_the_contract(mode: str, purge: int | None) -> None:
    config = WalkForwardConfig(train=40, refit=13, mode=mode, purge=purge)
    schedule = folds(100, horizon=5, warmup=3, config=config)
    given = tuple(
        Split(str(f.number), np.arange(f.train_start, f.train_stop - 5),
              np.arange(f.test_start, f.test_stop))
        for f in schedule
    )  # fmt: skip
    found, checks = splits(Facts(horizon=5, splits=given), PANEL)
    assert not found
    assert checks[0].n_tried == len(schedule) > 3


def test_honest_labels_pass_and_a_horizon_declared_too_short_does_not() -> None:
    assert not labels(Facts(horizon=3, labels=honest_labels), PANEL)[0]
    found = labels(Facts(horizon=2, labels=honest_labels), PANEL)[0]
    assert [one.danger for one in found] == [Danger.LABELS]
    assert "spans more than the declared horizon" in found[0].text


def test_a_value_may_stand_from_its_publication_on() -> None:
    days = np.repeat(PANEL.ts[:, None], 4, 1).astype(np.float64)
    panel = replace(PANEL, columns={"eps": np.ones(PANEL.shape)})
    assert not known_when.publication(Facts(asof={"eps": days}), panel)[0]
    late = days.copy()
    late[30, 2] += 3.6e12
    (found,) = known_when.publication(Facts(asof={"eps": late}), panel)[0]
    assert (found.bar, found.symbol, found.column) == (30, "P2", "eps")
    assert "1.0 hours after that bar closed" in found.text


def test_a_column_of_noise_is_plausible() -> None:
    noise = np.random.default_rng(0).normal(size=PANEL.shape)
    found, checks = known_when.plausible(replace(PANEL, columns={"noise": noise}))
    assert not found
    assert checks[0].n_tried == 1


def test_a_universe_with_its_dead_is_no_finding() -> None:
    stop = int(PANEL.ts[-1])
    lives = {name: (0, stop) for name in PANEL.symbols} | {"P0": (0, stop - 5 * DAY_NS)}
    assert not membership.universe(Facts(lives=lives), (), PANEL)[0]
    lives |= {f"DEAD{k}": (0, stop - 9 * DAY_NS) for k in range(8)}
    (found,) = membership.universe(Facts(lives=lives), (), PANEL)[0]
    assert "8 of the 9 names that left the universe" in found.text
    lives |= {f"ALIVE{k}": (0, stop) for k in range(8)}  # a sample of both is no choice
    assert not membership.universe(Facts(lives=lives), (), PANEL)[0]


def test_what_closes_later_may_not_move_what_closed_before() -> None:
    closes = np.array([-6, -6, 0, 0]) * 3_600_000_000_000
    own = Stage(kind="feature", name="own", compute=lambda p: {"": p.close})
    mean = Stage(
        kind="feature", name="mean",
        compute=lambda p: {"": np.repeat(np.nansum(p.close, 1)[:, None], 4, 1)},
    )  # fmt: skip
    found, checks = known_when.closes(Facts(closes=closes), (own, mean), PANEL)
    assert [(one.part, one.symbol) for one in found] == [("mean", "P0")]
    assert "close 6.0 hours after its own" in found[0].text
    assert checks[0].n_tried == 8
    assert not known_when.closes(Facts(closes=closes * 0), (mean,), PANEL)[0]


def test_times_in_seconds_are_refused() -> None:
    times = np.full(PANEL.shape, 1.5e9)
    with pytest.raises(DataError, match="wanted UTC nanoseconds since 1970"):
        published({"eps": times, "eps_asof": times})
    assert list(published({"eps": times, "eps_asof": times * 1e9})) == ["eps"]


def test_sessions_say_who_closes_first() -> None:
    panel = replace(PANEL, calendars=("XTKS", "XNYS", "XTKS", "XNYS"))
    tokyo, york = closes_of(panel)[:2]
    assert york == 0
    assert -16 * 3_600_000_000_000 < tokyo < -13 * 3_600_000_000_000
    assert closes_of(PANEL).size == 0


def test_data_that_reads_otherwise_when_it_ends_earlier_is_named() -> None:
    part = PANEL.past(60)
    assert changed_by_its_end(PANEL, part, date(2016, 9, 14)) is None
    close = PANEL.close.copy()
    close[20, 1] = 7.0
    found = changed_by_its_end(replace(PANEL, close=close), part, date(2016, 9, 14))
    assert found is not None
    assert (found.stage, found.column, found.bar, found.symbol) == ("data", "close", 20, "P1")
    later = replace(part, ts=part.ts + 1)
    moved = changed_by_its_end(PANEL, later, date(2016, 9, 14))
    assert moved is not None
    assert moved.column == "clock"


def test_a_universe_that_nobody_leaves_is_doubted_after_enough_years() -> None:
    living = probe(seed=1, n_bars=5_000, n_symbols=20)
    alive = replace(living, ends=np.full(20, -1))
    (doubt,) = membership.nobody_leaves(alive)[0]
    assert (doubt.severity, doubt.danger) == ("doubt", Danger.UNIVERSE)
    assert not membership.nobody_leaves(replace(alive, ends=np.array([2_000] + [-1] * 19)))[0]
    assert not membership.nobody_leaves(alive.rows(0, 300))[0]

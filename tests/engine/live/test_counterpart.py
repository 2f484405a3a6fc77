"""A run is compared over its own days, or refused with what to do instead."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tradewind.engine.errors import RunError
from tradewind.engine.live.counterpart import over_the_days_of
from tradewind.engine.records import DAY_NS

JANUARY = int(np.datetime64("2017-01-02", "ns").astype(np.int64))
ACCOUNT = SimpleNamespace(account=SimpleNamespace(cash=10_000.0))


def days(first: int, last: int) -> Any:
    """Clock of the days of January 2017 from one to another."""
    return SimpleNamespace(
        ts=JANUARY + np.arange(first - 2, last - 1) * DAY_NS, n_bars=last - first + 1
    )


RUN: Any = SimpleNamespace(name="run", config=ACCOUNT, panel=days(2, 20), start=8)  # the 10th


def backtest(first: int, last: int, decides: int) -> Any:
    """Backtest over some days that decides first at one of them."""
    return SimpleNamespace(
        name="other", config=ACCOUNT, panel=days(first, last), first_bar=decides - first,
        simulation="its own",
    )  # fmt: skip


def test_one_that_begins_with_the_run_is_taken_as_it_is() -> None:
    other = backtest(4, 31, 10)
    found, panel, anew = over_the_days_of(RUN, Path(), other)
    assert (found is other.simulation, panel is other.panel, anew) == (True, True, False)


@pytest.mark.parametrize(
    ("other", "said", "day"),
    [
        (backtest(2, 31, 12), "decides first at", "2017-01-12"),
        (backtest(2, 10, 5), "before run could trade", "2017-01-10"),
        (backtest(2, 8, 5), "before run could trade", "2017-01-08"),
    ],
)
def test_one_that_lacks_days_of_the_run_is_refused(other: Any, said: str, day: str) -> None:
    with pytest.raises(RunError, match="'tradewind compare run' makes a backtest") as found:
        over_the_days_of(RUN, Path(), other)
    assert said in str(found.value)
    assert day in str(found.value)


def test_a_run_that_has_decided_nothing_has_no_days() -> None:
    young: Any = SimpleNamespace(name="run", panel=days(2, 9), start=8)
    with pytest.raises(RunError, match="has made no decision yet"):
        over_the_days_of(young, Path(), backtest(2, 31, 10))

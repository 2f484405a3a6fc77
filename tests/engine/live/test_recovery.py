"""A run killed at any moment goes on with the same books, to the last byte."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.paper_runs import begun, killed_and_resumed, ledger, worked
from tradewind.engine.types import Reason

STEPS = (
    "bar", "before_intent", "after_intent", "before_snapshot", "after_snapshot", "before_command",
    "after_command",
)  # fmt: skip
TRIALS, SEED = 60, 20170331
REACHED = 350  # steps that the whole run reaches, at least


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Any]]:
    """A run that nobody killed, and its books."""
    results = tmp_path_factory.mktemp("results")
    opened = begun(results, name="whole")
    worked(opened)
    reasons = opened.account.book.orders["reason"]
    assert opened.account.book.outcomes().tolist() == [
        0, *np.bincount(reasons, minlength=max(Reason) + 1)[1:]
    ]  # fmt: skip
    yield results, ledger(results / "whole")
    shutil.rmtree(results, ignore_errors=True)


def test_the_run_does_everything_that_can_be_lost(whole: tuple[Path, Any]) -> None:
    kinds = {kind for kind, *_ in whole[1]}
    assert kinds >= {"bar", "decision", "order", "fill", "happening", "refused", "command"}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_run_killed_at_a_named_step_goes_on_with_the_same_books(
    whole: tuple[Path, Any], step: str, count: int
) -> None:
    results, books = whole
    name = f"{step}-{count}"
    assert killed_and_resumed(results, name, [(step, count)]) == 1
    assert ledger(results / name) == books


@pytest.mark.slow
def test_runs_killed_at_random_several_times_all_end_with_the_same_books(
    whole: tuple[Path, Any],
) -> None:
    results, books = whole
    draw, deaths = random.Random(SEED), 0
    for trial in range(TRIALS):
        kills = [("", draw.randrange(1, REACHED)) for _ in range(draw.randrange(1, 4))]
        deaths += killed_and_resumed(results, f"random-{trial}", kills)
        assert ledger(results / f"random-{trial}") == books, (trial, kills)
        shutil.rmtree(results / f"random-{trial}")
    assert deaths >= TRIALS

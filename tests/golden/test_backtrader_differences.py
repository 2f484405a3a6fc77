"""Every difference that docs/backtrader-rules.md tells happens as its table says."""

import numpy as np
import pytest

from tests.golden.difference_tables import (
    BACKTRADERS,
    Difference,
    differences,
    filled,
    reasons,
    statuses,
)
from tests.golden.wording import Fills

SHOWN = differences()
ROUNDED = 1e-6  # relative; the page shows few digits
by_difference = pytest.mark.parametrize("shown", SHOWN, ids=str)


def assert_filled(found: Fills, wanted: Fills) -> None:
    assert [fill[:2] for fill in found] == [fill[:2] for fill in wanted]
    np.testing.assert_allclose(
        np.array(found).reshape(-1, 4), np.array(wanted).reshape(-1, 4), rtol=ROUNDED
    )


def test_the_page_numbers_its_differences() -> None:
    assert [shown.number for shown in SHOWN] == list(range(1, len(SHOWN) + 1))
    assert len(SHOWN) >= 20


@by_difference
def test_tradewind_does_what_the_page_says(shown: Difference) -> None:
    found = shown.by_tradewind()
    assert_filled(filled(found), shown.tradewind)
    if shown.ends:
        assert reasons(found) == shown.ends[0]
    if shown.value:
        assert found.equity[-1] == pytest.approx(shown.value[0], rel=ROUNDED)


@pytest.mark.parametrize("executor", BACKTRADERS)
@by_difference
def test_backtrader_does_what_the_page_says(shown: Difference, executor: str) -> None:
    found = shown.by_backtrader(BACKTRADERS[executor])
    assert_filled(filled(found.simulation), shown.backtrader)
    if shown.ends:
        assert statuses(found) == shown.ends[1]
    if shown.value:
        assert found.simulation.equity[-1] == pytest.approx(shown.value[1], rel=ROUNDED)


@by_difference
def test_there_is_a_difference(shown: Difference) -> None:
    differs = shown.tradewind != shown.backtrader
    if shown.ends:
        differs = differs or len(shown.ends[0]) != len(shown.ends[1])
    if shown.value:
        differs = differs or shown.value[0] != shown.value[1]
    assert differs, "the table shows the same on both sides"

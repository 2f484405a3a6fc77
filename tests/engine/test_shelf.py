"""Arrays that lie on a disk hold what arrays in memory would."""

import errno
import os
from typing import Any

import numpy as np
import pytest

from tests.scripted_account import account, orders, took
from tradewind.engine import shelf
from tradewind.engine.growing import Growing
from tradewind.engine.live.facts import Command
from tradewind.engine.records import FILL
from tradewind.engine.types import Action, Intent

ROWS = 3_000


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is large, and memory is given back at once."""
    monkeypatch.setattr(shelf, "LARGE", 4096)
    monkeypatch.setattr(shelf, "FRESH", 4096)
    monkeypatch.setattr(shelf, "EVERY", 4096)


@pytest.mark.parametrize("like", [np.empty((0, 7)), np.empty(0, bool), np.empty((1, 2), np.int64)])
@pytest.mark.usefixtures("small")
def test_every_row_is_what_was_put_there(like: Any) -> None:
    draw = np.random.default_rng(1)
    rows = (100 * draw.random((ROWS, *like.shape[1:]))).astype(like.dtype)
    grown = Growing(like)
    for n, row in enumerate(rows, len(like) + 1):
        grown.append(row)
        assert len(grown.view) == n
    assert np.array_equal(grown.view[len(like) :], rows)


@pytest.mark.usefixtures("small")
def test_a_view_stays_true_when_the_array_has_moved() -> None:
    grown = Growing(np.arange(1_000.0))
    before = grown.view
    for number in range(ROWS):
        grown.append(float(number))
    assert np.array_equal(before, np.arange(1_000.0))
    before[:] = 0.0
    assert grown.view[999] == 999.0


@pytest.mark.usefixtures("small")
def test_what_is_changed_after_its_memory_was_given_back_stays_changed() -> None:
    kept = shelf.Shelf(ROWS, np.zeros(0, FILL))
    assert kept.array.base is not None  # a map
    kept.written(ROWS)
    kept.array["price"][5] = 3.0
    kept.written(2 * ROWS)
    assert kept.array["price"][5] == 3.0


@pytest.mark.usefixtures("small")
def test_a_full_disk_leaves_the_array_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    kept = shelf.Shelf(ROWS, np.ones((2, 10)))
    kept.written(ROWS)
    assert kept.array.base is None
    assert kept.array[:2].sum() == 20.0


@pytest.mark.usefixtures("small")
def test_records_stay_on_their_shelf_when_closing_everything_needs_more_room() -> None:
    one = account({0: [Intent(0, action=Action.ORDER, qty=5.0)]})
    took(one, 100.0)
    took(one, 100.0)
    book = one.book
    book.log = book.log._replace(orders=book.log.orders[: len(book.orders)])
    one.obey(Command("c", "flatten", "test", 1, {}))
    assert np.shares_memory(book.log.orders, book._shelves["orders"].array)
    took(one, 100.0)
    assert orders(one) == ["FILLED", "FILLED"]
    assert not book.state.qty.any()

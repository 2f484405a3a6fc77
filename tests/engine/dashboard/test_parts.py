"""A page is sent what is new, and nothing that is secret or no JSON."""

import json
from math import inf, nan
from typing import Any

import numpy as np

from tests.boards import FixedBoard
from tradewind.engine.dashboard import parts as module
from tradewind.engine.dashboard.parts import Parts, text
from tradewind.engine.secret import remember


class Scripted(FixedBoard):
    def latest(self) -> dict[str, Any]:
        return dict(self.view)


def test_the_first_look_has_everything_and_the_next_what_changed() -> None:
    board = Scripted()
    parts = Parts(board)
    turn, first = parts.newer()
    assert json.loads(first) == board.view
    assert parts.newer(turn) == (turn, "{}")
    board.view = {**board.view, "equity": 1.0, "orders": []}
    after, second = parts.newer(turn)
    assert after > turn
    assert json.loads(second) == {"equity": 1.0, "orders": []}
    assert json.loads(parts.newer()[1]) == board.view


def test_who_has_looked_away_is_told_all_that_changed_since() -> None:
    board = Scripted()
    parts = Parts(board)
    turn, _ = parts.newer()
    for equity in (1.0, 2.0):
        board.view = {**board.view, "equity": equity}
        parts.newer(turn)
    board.view = {**board.view, "cash": 3.0}
    assert json.loads(parts.newer(turn)[1]) == {"equity": 2.0, "cash": 3.0}


def test_what_a_view_no_longer_has_becomes_null() -> None:
    board = Scripted()
    parts = Parts(board)
    turn, _ = parts.newer()
    board.view = {key: value for key, value in board.view.items() if key != "risk"}
    assert json.loads(parts.newer(turn)[1]) == {"risk": None}
    assert parts.newer(parts.newer()[0])[1] == "{}"


def test_a_part_is_put_into_words_once_for_all_who_look(monkeypatch: Any) -> None:
    written = []

    def counted(value: Any) -> str:
        written.append(value)
        return text(value)

    monkeypatch.setattr(module, "text", counted)
    board = Scripted()
    parts = Parts(board)
    for _ in range(5):
        parts.newer()
    assert len(written) == len(board.view)


def test_numbers_that_json_does_not_have_are_written_plainly() -> None:
    value = {"a": nan, "b": [inf, -inf], "c": np.float64(1.5), "d": np.int64(3), "e": "é<"}
    assert json.loads(text(value)) == {"a": None, "b": [None, None], "c": 1.5, "d": 3, "e": "é<"}


def test_a_secret_does_not_reach_the_page() -> None:
    remember("PK-very-secret-1")
    board = Scripted()
    board.view = {"log": [{"text": "401 for key PK-very-secret-1"}]}
    assert "very-secret" not in Parts(board).newer()[1]

"""A view in parts, so that a page is sent only what is new, and a text is made only once."""

import json
from typing import Any

from tradewind.engine.dashboard.board_protocol import BoardLike
from tradewind.engine.jsonable import jsonable
from tradewind.engine.secret import redacted


class Parts:
    """Texts of a board's view, shared by everybody who looks at it.

    The parts of a view are its keys. A curve of two thousand points is put into words when a bar
    has changed it, not four times a second for each page that is open: trading runs in this
    process too.
    """

    def __init__(self, board: BoardLike) -> None:
        self._board = board
        self._values: dict[str, Any] = {}
        self._texts: dict[str, tuple[int, str]] = {}
        self._turn = 0

    def newer(self, than: int = 0) -> tuple[int, str]:
        """(turn, JSON object) of the parts that have changed since a turn; of all since 0."""
        view = self._board.latest()
        gone = {key: None for key in self._values if key not in view}
        fresh = {
            key: value
            for key, value in {**view, **gone}.items()
            if key not in self._texts or self._values[key] != value
        }
        if fresh:
            self._turn += 1
        for key, value in fresh.items():
            self._values[key] = value
            self._texts[key] = self._turn, f"{json.dumps(key)}:{text(value)}"
        parts = [part for turn, part in self._texts.values() if turn > than]
        return self._turn, "{" + ",".join(parts) + "}"


def text(value: Any) -> str:
    """JSON of a value on one line, without secrets; what is not a finite number becomes null."""
    return redacted(json.dumps(jsonable(value), allow_nan=False, separators=(",", ":")))

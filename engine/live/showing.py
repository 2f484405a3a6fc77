"""From a run to the board: how often a view is made, and of what."""

import time
from typing import Any

from tradewind.engine.live.board import Board
from tradewind.engine.live.facts import Decision
from tradewind.engine.live.opening import Opened
from tradewind.engine.live.telling import Teller
from tradewind.engine.live.view import symbol_view
from tradewind.engine.streams.intake import Intake


class Showing:
    """Puts views on a board; in the thread of the turns, between two of them.

    Parameters
    ----------
    board : Board
    teller : Teller
        Makes the view of the run.
    opened : Opened
    intake : Intake
    """

    def __init__(self, board: Board, teller: Teller, opened: Opened, intake: Intake) -> None:
        self.board, self.teller, self.opened, self.intake = board, teller, opened, intake
        self._shown = 0.0
        self._drawn: dict[str, tuple[int, int]] = {}

    def show(self, decision: Decision | None, *, stopping: bool, every_s: float = 0.0) -> None:
        """Show the run, unless it was shown less than so many seconds ago."""
        at = time.monotonic()
        if at - self._shown < every_s:
            return
        self._shown = at
        try:
            view = self.teller.view(self.opened, self.intake, decision, stopping=stopping)
            self.board.publish(view, self._symbols())
        except Exception as error:  # a view that cannot be made must not end the run
            self.teller.event("error", "page", f"the view cannot be made: {error!r}")

    def _symbols(self) -> dict[str, dict[str, Any]]:
        """Symbols that somebody looks at and of which there is something new."""
        account, found = self.opened.account, {}
        mark = account.book.panel.n_bars, len(account.book.fills)
        for name in self.board.looked_at():
            if self._drawn.get(name) != mark:
                found[name] = symbol_view(account, name)
                self._drawn[name] = mark
        return found

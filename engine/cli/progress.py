"""Progress bars on stderr while a person watches, nothing where nobody does."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tradewind.engine.cli.failures import Interrupted

NOTHING_KEPT = "nothing was written"


class Bars:
    """Draws every task as a bar, and remembers how far each came.

    Parameters
    ----------
    drawn : bool
        False keeps count only.
    """

    def __init__(self, *, drawn: bool) -> None:
        self._drawn = drawn
        self._display: Any = None
        self._rows: dict[str, Any] = {}
        self.done: dict[str, tuple[int, int | None]] = {}

    def start(self, task: str, total: int | None) -> None:
        """Announce a task of ``total`` steps, None where that is not known."""
        self.done[task] = (0, total)
        if self._drawn:
            display = self._opened()
            if task in self._rows:
                display.remove_task(self._rows.pop(task))
            self._rows[task] = display.add_task(task, total=total, note="", steps=_steps(0, total))

    def advance(self, task: str, steps: int = 1, note: str = "") -> None:
        """Report ``steps`` done; ``note`` stands beside the bar until the next one."""
        if task not in self.done:
            self.start(task, None)
        done, total = self.done[task]
        self.done[task] = (done + steps, total)
        if self._drawn:
            text = _steps(done + steps, total)
            self._display.update(self._rows[task], advance=steps, note=note, steps=text)

    def finish(self, task: str) -> None:
        """Close a task; its bar goes away."""
        if self.done.get(task, (0, None))[1] is None:
            self.done.pop(task, None)  # what has a total is known to be done by its count
        row = self._rows.pop(task, None)
        if row is not None:
            self._display.remove_task(row)

    def left_open(self) -> dict[str, tuple[int, int | None]]:
        """Tasks that were begun and not brought to their end."""
        return {
            task: (done, total)
            for task, (done, total) in self.done.items()
            if total is None or done < total
        }

    def close(self) -> None:
        """Give the terminal back."""
        if self._display is not None:
            self._display.stop()
            self._display = None
            self._rows.clear()
            self._drawn = False

    def _opened(self) -> Any:
        if self._display is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            self._display = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=30),
                TextColumn("{task.fields[steps]}", markup=False, justify="right"),
                TimeElapsedColumn(),
                TextColumn("{task.fields[note]}", markup=False),
                console=Console(file=sys.stderr),
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._display.start()
        return self._display


def _steps(done: int, total: int | None) -> str:
    if total is None:
        return f"{done:,}" if done else ""
    return f"{done:,}/{total:,}"


@contextmanager
def watched(command: str, kept: str = NOTHING_KEPT) -> Iterator[Bars]:
    """Bars for the length of a command; Ctrl-C inside becomes :class:`Interrupted`.

    Parameters
    ----------
    command : str
        Shown from the first moment on, so that loading and compiling are seen as well.
    kept : str
        What an interruption leaves on disk, in words for the user.
    """
    bars = Bars(drawn=is_watched())
    try:
        bars.start(command, None)
        yield bars
    except KeyboardInterrupt:
        bars.finish(command)
        raise Interrupted(bars.left_open(), kept) from None
    finally:
        bars.close()


def is_watched() -> bool:
    """Whether stderr is a terminal that can redraw a line."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"

"""What a user's code prints: to stderr, where it harms nobody, and into the log of the run."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

MAX_LINES = 10_000  # lines kept; a print on every minute bar would be larger than the run


class Printed(io.TextIOBase):
    """A stdout that hands on to stderr and keeps the first lines.

    Attributes
    ----------
    lines : list of str
    dropped : int
        Lines beyond :data:`MAX_LINES`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.dropped = 0
        self._rest = ""

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Hand on, and keep whole lines."""
        sys.stderr.write(text)
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            self._keep(line)
        return len(text)

    def _keep(self, line: str) -> None:
        if len(self.lines) < MAX_LINES:
            self.lines.append(line)
        else:
            self.dropped += 1

    def finish(self) -> None:
        """Keep a last line that has no end."""
        if self._rest:
            self._keep(self._rest)
        self._rest = ""


@contextmanager
def printing() -> Iterator[Printed]:
    """Send what is printed inside to stderr; stdout belongs to the result."""
    printed = Printed()
    with redirect_stdout(printed):
        yield printed
    printed.finish()

"""How long work tells its caller how far it is, without knowing who listens."""

from typing import Protocol


class Progress(Protocol):
    """Receives steps of named tasks; the command line draws bars, a library user passes nothing."""

    def start(self, task: str, total: int | None) -> None:
        """Announce a task of ``total`` steps, None where that is not known."""
        ...

    def advance(self, task: str, steps: int = 1, note: str = "") -> None:
        """Report ``steps`` done; ``note`` says what is going on, for example a loss."""
        ...

    def finish(self, task: str) -> None:
        """Close a task."""
        ...


class Silent:
    """Listens to nothing."""

    def start(self, task: str, total: int | None) -> None:
        """Ignore."""

    def advance(self, task: str, steps: int = 1, note: str = "") -> None:
        """Ignore."""

    def finish(self, task: str) -> None:
        """Ignore."""


SILENT = Silent()

"""What the page knows of a run: a view, a symbol, and where to leave a command."""

from typing import Any, Protocol


class BoardLike(Protocol):
    """What the page may see and ask; each call returns at once, from any thread."""

    def latest(self) -> dict[str, Any]:
        """View of the run; replaced whole, so that what is returned never changes."""
        ...

    def symbol(self, name: str) -> dict[str, Any]:
        """Bars, fills and forecasts of a symbol; empty until the run has made them."""
        ...

    def command(self, name: str, *, by: str, **facts: Any) -> str:
        """Ask something of the run; an id."""
        ...

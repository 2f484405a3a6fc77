"""The command line: one file a command; ``app`` puts them together."""

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code; see :func:`tradewind.engine.cli.app.main`."""
    try:
        from tradewind.engine.cli.app import main as run
    except KeyboardInterrupt:  # while typer is still being loaded
        sys.exit(130)
    run(argv)

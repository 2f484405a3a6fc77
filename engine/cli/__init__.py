"""The command line: one file a command; :mod:`app` puts them together."""

from tradewind.engine.cli.app import main

__all__ = ["main"]

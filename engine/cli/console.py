"""What commands say: text, tables or one JSON object on stdout, the rest on stderr.

stdout belongs to results. Messages, errors and progress go to stderr, so that a pipe stays clean.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from tradewind.engine.jsonable import jsonable

PIPE_WIDTH = 500  # columns for a table nobody looks at in a terminal: nothing is folded


def out(text: str) -> None:
    """Print a line of the result."""
    _write(sys.stdout, text)


def err(text: str) -> None:
    """Print a message for a person."""
    _write(sys.stderr, text)


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        # The reader has seen enough (``| head``): the command goes on and keeps its exit code.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def out_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object; what is no finite number becomes null."""
    out(json.dumps(jsonable(value), ensure_ascii=True, allow_nan=False))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print an aligned table; columns that mostly hold numbers stand to the right.

    Parameters
    ----------
    title : str
        Empty for none.
    columns : sequence of str
    rows : sequence of sequence of str
        One cell a column; printed as they are, without markup.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    drawn = Table(
        title=Text(title) if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD if terminal else None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
    )
    for i, name in enumerate(columns):
        right = bool(rows) and 2 * sum(_numeric(row[i]) for row in rows) > len(rows)
        drawn.add_column(Text(name), justify="right" if right else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    console = Console(width=None if terminal else PIPE_WIDTH, highlight=False)
    with console.capture() as captured:
        console.print(drawn)
    out("\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n"))


def _numeric(cell: str) -> bool:
    """Whether a cell begins as a number does: a sign, then a digit; or stands for one."""
    text = cell.lstrip("+-\N{MINUS SIGN}<~ ")
    return not text or text[0].isdigit() or text in ("\N{EN DASH}", "\N{INFINITY}")


def prepare_streams() -> None:
    """Never fail on a character that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")

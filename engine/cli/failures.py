"""From an exception to a message, an exit code and, for what nobody foresaw, a crash file."""

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typer import Abort, TyperException

from tradewind.engine.cli.console import err, out_json
from tradewind.engine.errors import TradewindError, is_of_a_disk
from tradewind.engine.secret import redacted

DONE, NO, WRONG_INPUT, OUTSIDE, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: done; a check said no, or a bug; input; network or disk, try again; interrupted."""


class Interrupted(Exception):
    """Ctrl-C, with what had been done by then.

    Attributes
    ----------
    done : mapping of str to (int, int or None)
        Task -> steps finished, steps in all.
    kept : str
        What is left of it on disk, in words.
    """

    def __init__(self, done: Mapping[str, tuple[int, int | None]], kept: str) -> None:
        super().__init__("interrupted")
        self.done = dict(done)
        self.kept = kept


def report(error: BaseException, argv: Sequence[str], *, as_json: bool) -> int:
    """Tell the user what failed and return the exit code.

    The message goes to stderr; with ``--json`` stdout gets ``{"error": {...}}`` besides, so that
    it carries one JSON object however the command ends.
    """
    message, code, more = _explain(error, argv)
    message = redacted(message)
    err(message)
    if as_json:
        kind = type(error).__name__
        out_json({"error": {"type": kind, "message": message, "exit_code": code, **more}})
    return code


def _explain(error: BaseException, argv: Sequence[str]) -> tuple[str, int, dict[str, Any]]:
    if isinstance(error, Interrupted | KeyboardInterrupt | Abort):
        return _interrupted(error)
    if isinstance(error, TyperException):
        return _usage(error), WRONG_INPUT, {}
    if isinstance(error, TradewindError) and error.exit_code != NO:
        return str(error), error.exit_code, {}
    if isinstance(error, OSError) and (
        is_of_a_disk(error) or (error.errno is not None and error.filename is not None)
    ):
        return _disk(error), OUTSIDE, {}
    if os.environ.get("TRADEWIND_DEBUG") == "1":
        err(redacted("".join(traceback.format_exception(error))).rstrip())
    path = write_crash(error, argv)
    brief = (str(error).strip().splitlines() or [""])[0]
    what = f"{type(error).__name__}: {brief}" if brief else type(error).__name__
    return (
        f"tradewind failed, and that is a bug in tradewind or in a plug-in: {what}\n"
        f"The details are in {path}; TRADEWIND_DEBUG=1 prints them.",
        NO,
        {"crash_file": str(path)},
    )


def _interrupted(error: BaseException) -> tuple[str, int, dict[str, Any]]:
    if not isinstance(error, Interrupted):
        return "interrupted", INTERRUPTED, {}
    steps = [
        f"{task} {done} of {total}" if total else f"{task} {done}"
        for task, (done, total) in error.done.items()
    ]
    at = f" ({', '.join(steps)})" if steps else ""
    done = {task: {"done": done, "total": total} for task, (done, total) in error.done.items()}
    return f"interrupted{at}; {error.kept}", INTERRUPTED, {"done": done, "kept": error.kept}


def _usage(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "tradewind"
    message = error.format_message().replace("Value error, ", "")
    return f"{command}: {message}\nTry '{command} --help'."


def _disk(error: OSError) -> str:
    if error.filename is None:
        return f"the disk refuses: {error.strerror}; make room, or mount it writable, and try again"
    return f"{error.filename}: {error.strerror}"


def write_crash(error: BaseException, argv: Sequence[str]) -> Path | None:
    """Write the traceback, with versions and the command line, to a file of its own.

    Returns
    -------
    Path or None
        None where no folder can be written to.
    """
    from importlib.metadata import version

    from platformdirs import user_log_path

    now = datetime.now(UTC)
    text = redacted(
        "\n".join(
            [
                f"tradewind {version('tradewind')}, Python {platform.python_version()}, "
                f"{platform.platform()}",
                f"{now.isoformat(timespec='seconds')}  {' '.join(['tradewind', *argv])}",
                "",
                "".join(traceback.format_exception(error)),
            ]
        )
    )
    name = f"tradewind-crash-{now:%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    for folder in (user_log_path("tradewind"), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8", errors="backslashreplace")
        except OSError:
            continue
        return folder / name
    print(text, file=sys.stderr)
    return None

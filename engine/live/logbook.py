"""The log of a paper run: a line of JSON for every event, kept to a bounded size."""

import json
import logging
import os
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog

from tradewind.engine.jsonable import jsonable
from tradewind.engine.secret import redacted, redacted_facts

FILE = "log.jsonl"
BYTES, FILES = 20_000_000, 5
TAIL = 65_536  # bytes at the end of a log in which its last word is looked for
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Logbook:
    """Lines of one run; a disk that is full costs lines, never the run.

    Parameters
    ----------
    folder : Path
        Of the run.
    level : str
        Lines below it are not written.
    """

    def __init__(self, folder: Path, level: str = "info") -> None:
        self.lost = 0
        self._least = LEVELS[level]
        self._handler = _Quiet(
            folder / FILE, maxBytes=BYTES, backupCount=FILES - 1, encoding="utf-8", delay=True
        )
        self._handler.lost = self._count
        self._renderer = structlog.processors.JSONRenderer()
        self._stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)

    def _count(self) -> None:
        self.lost += 1

    def event(self, level: str, event: str, text: str, **facts: Any) -> None:
        """Write a line.

        Parameters
        ----------
        level : str
            debug, info, warning or error.
        event : str
            What kind of thing happened.
        text : str
            For a person.
        **facts
            Plain values; what is secret in them is hidden.
        """
        if LEVELS[level] < self._least:
            return
        entry = {"level": level, "event": event, "text": redacted(text)}
        hidden = redacted_facts(jsonable(facts))
        line = self._renderer(None, "", self._stamp(None, "", {**hidden, **entry}))
        record = logging.LogRecord("tradewind", LEVELS[level], "", 0, str(line), None, None)
        self._handler.handle(record)

    def close(self) -> None:
        """Let go of the file."""
        self._handler.close()


def last_word(folder: Path) -> str:
    """Why the last process of a run ended, by its log; empty where that does not say."""
    try:
        with (folder / FILE).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            lines = file.read().splitlines()
    except OSError:
        return ""
    for line in reversed(lines):
        try:
            said = json.loads(line)
            event, text = said["event"], str(said["text"])
        except (ValueError, KeyError, TypeError, RecursionError):  # cut off by a full disk
            continue
        if event in ("start", "stop"):
            return text if event == "stop" else ""
    return ""


class _Quiet(RotatingFileHandler):
    """A handler that counts what it could not write instead of printing why."""

    lost: Any = None

    def handleError(self, record: logging.LogRecord) -> None:
        self.lost()


class _Libraries(logging.Handler):
    """Puts what libraries log into the run's log, where secrets are hidden."""

    def __init__(self, log: Logbook) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log.event(level, "library", f"{record.name}: {self.format(record)}")


@contextmanager
def heard(log: Logbook) -> Iterator[None]:
    """Hear what libraries and their threads say; unheard, it goes to stderr as it is."""

    def failed(given: threading.ExceptHookArgs) -> None:
        name = given.thread.name if given.thread else "a thread"
        lines = traceback.format_exception(given.exc_type, given.exc_value, given.exc_traceback)
        log.event("error", "thread", f"{name}: {''.join(lines)}")

    handler, before = _Libraries(log), threading.excepthook
    logging.getLogger().addHandler(handler)
    threading.excepthook = failed
    try:
        yield
    finally:
        threading.excepthook = before
        logging.getLogger().removeHandler(handler)

"""A run that works, with everything around it."""

import asyncio
import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tradewind.engine.errors import ConfigError
from tradewind.engine.live import sides
from tradewind.engine.live.board import Board
from tradewind.engine.live.credentials import page_keys
from tradewind.engine.live.home import is_paper
from tradewind.engine.live.logbook import Logbook, heard
from tradewind.engine.live.notify import Notifier
from tradewind.engine.live.opening import Opened
from tradewind.engine.live.process import Process, Reached
from tradewind.engine.live.telling import Teller


def work(
    opened: Opened,
    *,
    board: Board | None = None,
    reached: Reached = lambda name: None,
    page: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> str:
    """Work on a run until it ends; why it did.

    Parameters
    ----------
    opened : Opened
    board : Board, optional
        That a page reads.
    reached : callable
        Told each step; for tests that kill the process there.
    page : bool
        Whether to serve the page beside it.
    say : callable
        Told what a person at the terminal must know, such as where the page is.
    """
    board = board or Board()
    log = Logbook(opened.home.folder)
    config, document, account = opened.parts.config, opened.document, opened.account
    served, notifier = None, None
    try:
        notifier = Notifier(
            opened.config.notify, opened.home.run,
            failed=partial(log.event, "warning", "notify"),
        )  # fmt: skip
        if page:
            from tradewind.engine.dashboard.server import Dashboard

            shown = opened.config.dashboard
            served = Dashboard(board, shown.port, keys=page_keys(shown)).start()
            say(f"page: {served.url if shown.token_from is None else served.place}")
        process = Process(
            opened, sides.following(config, document, account.book.panel, opened.coming),
            board=board, teller=Teller(log, notifier.tell), reached=reached,
            venue=sides.venue_of(config, document),
        )  # fmt: skip
        gc.collect()
        gc.freeze()  # what is here stays: to look through it again takes longer than a turn
        with heard(log):
            asyncio.run(process.run())
        return process.stopping
    except BaseException:
        opened.journal.close()
        raise
    finally:
        gc.unfreeze()
        if served is not None:
            served.stop()
        if notifier is not None:
            notifier.close()
        log.close()


def folder_of(run: Path) -> Path:
    """Folder of a paper run; raises ConfigError where it is none."""
    if not is_paper(run):
        raise ConfigError(
            f"{run}: is no paper run, it has no journal; 'tradewind paper start' begins one"
        )
    return run

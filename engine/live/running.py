"""From a config or a folder to a run that works, with everything around it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tradewind.engine import registry
from tradewind.engine.errors import ConfigError
from tradewind.engine.live.board import Board
from tradewind.engine.live.logbook import Logbook
from tradewind.engine.live.opening import REPLAY, Opened
from tradewind.engine.live.process import Process, Reached
from tradewind.engine.live.telling import Teller
from tradewind.engine.streams.facts import LiveFeed
from tradewind.engine.streams.replay import Replay


def feed_of(opened: Opened) -> LiveFeed:
    """Feed that the config names.

    Raises
    ------
    ConfigError
        If there is none of that name, or it does not take these parameters.
    """
    block, document = opened.config.feed, opened.document
    cls = registry.find("feeds", block.kind, document, key="paper.feed")
    params = registry.check(cls, block.params, document, key="paper.feed")
    feed = registry.build(cls, params, document, key="paper.feed")
    if isinstance(feed, Replay):
        if opened.coming is None:
            raise ConfigError(f"paper.feed: {REPLAY} has no bars to play")
        return feed.over(opened.coming, opened.account.book.panel.n_bars)
    panel = opened.account.book.panel
    if not hasattr(feed, "following"):
        raise document.error(
            ("paper", "feed", "kind"),
            f"{block.kind} cannot be told what to follow: a feed has a method "
            "following(symbols, interval)",
        )
    followed: LiveFeed = feed.following(panel.symbols, panel.interval, panel.calendar_of_each[0])
    return followed


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
    served = None
    try:
        if page:
            from tradewind.engine.dashboard.server import Dashboard

            served = Dashboard(board, opened.config.dashboard.port).start()
            say(f"page: {served.url}")
        process = Process(opened, feed_of(opened), board=board, teller=Teller(log), reached=reached)
        asyncio.run(process.run())
        return process.stopping
    except BaseException:
        opened.journal.close()
        raise
    finally:
        log.close()
        if served is not None:
            served.stop()


def folder_of(run: Path) -> Path:
    """Folder of a paper run; raises ConfigError where it is none."""
    from tradewind.engine.live.home import is_paper

    if not is_paper(run):
        raise ConfigError(
            f"{run}: is no paper run, it has no journal; 'tradewind paper start' begins one"
        )
    return run

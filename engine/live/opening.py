"""From a config to a run that can take its first bar, and from its folder to one that goes on."""

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine import pipeline, spreads
from tradewind.engine.bars.sessions import bars_per_year, interval_ns
from tradewind.engine.cache import ForecastCache
from tradewind.engine.config.file import Document
from tradewind.engine.config.paper import OWN, PaperConfig
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.executors.terms import bars_needed
from tradewind.engine.executors.user_strategy import BacktraderStrategy
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.journal import Journal
from tradewind.engine.live import control, sendings, sides
from tradewind.engine.live import home as homes
from tradewind.engine.live.account import Account
from tradewind.engine.live.facts import Command
from tradewind.engine.live.home import Home
from tradewind.engine.live.prospect import Prospect
from tradewind.engine.live.recovery import recovered
from tradewind.engine.pipeline import Diary, Parts
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.protocols import Strategy
from tradewind.engine.records import DAY_NS, Panel
from tradewind.engine.report.folder import check_writable
from tradewind.engine.risk.gate import Gate

REPLAY = "replay"
MADE_UP = "sim"  # a market that goes on from any history
SHARE = 5  # of the data, the last one of so many parts is replayed unless a day is named


@dataclass(slots=True)
class Opened:
    """A run at work.

    Attributes
    ----------
    home : Home
    parts : Parts
    document : Document
    account : Account
    journal : Journal
    coming : Panel or None
        In a replay: history and what is still to come, whose rows go on where the account is.
    resumed : bool
    sent : tuple of Event
        What an earlier life has tried to send to a broker outside, and what it called back.
    left : list of (Path, Command or str)
        Commands that were left before this process had the run.
    asks : list of Command
        To be obeyed before the first bar, behind those.
    """

    home: Home
    parts: Parts
    document: Document
    account: Account
    journal: Journal
    coming: Panel | None
    resumed: bool
    sent: tuple[Event, ...] = ()
    left: list[tuple[Path, Command | str]] = field(default_factory=list)
    asks: list[Command] = field(default_factory=list)

    @property
    def config(self) -> PaperConfig:
        """Block ``paper`` of its config."""
        return self.parts.config.paper or PaperConfig()


def start(
    config: RunConfig,
    document: Document,
    *,
    results: Path,
    name: str | None = None,
    progress: Progress = SILENT,
    workers: int | None = None,
    page: bool | None = False,
) -> Opened:
    """Begin a run: read the history, say what there is to say of it, make folder and journal.

    Whatever can be refused is, before anything is written: names, secrets, the page's port, which
    is looked at where there is to be a ``page``; None: where the config says so.

    Raises
    ------
    TradewindError
        Config, data, forecaster or folder: the message says which and what to do.
    """
    paper = config.paper or PaperConfig()
    config = config.model_copy(update={"paper": paper})
    parts = pipeline.resolve(config, document)
    refuse_what_cannot(parts, document)
    homes.refuse_taken(results, name)
    sides.check(parts.config, document, page=page)
    check_writable(results)
    panel = pipeline.read_history(parts.config, document, Diary(), progress).panel
    spreads.check(parts.config.costs.spread, panel)
    pipeline.refuse_unfit(parts, panel, document)
    history, coming = _divided(parts.config, panel, document)
    if coming is None:
        sides.following(parts.config, document, history, None)  # refuses what it cannot follow
    Gate(paper.risk, history.symbols)  # refuses what it does not know, before any fit
    prospect = Prospect(
        parts, workers=workers, cache=pipeline.forecast_cache(fresh=False), progress=progress
    )
    prospect.begin(history)
    home = homes.found(
        parts, history, prospect.signals(history, calibrated=False), prospect.first_bar, results,
        name=name,
    )  # fmt: skip
    try:
        return _begun(home, parts, document, history, prospect, coming)
    except BaseException:  # nothing was done yet: half a run is of no use to anybody
        shutil.rmtree(home.folder, ignore_errors=True)
        raise


def _begun(
    home: Home,
    parts: Parts,
    document: Document,
    history: Panel,
    prospect: Prospect,
    coming: Panel | None,
) -> Opened:
    """A run with its journal and its first word."""
    paper = parts.config.paper or PaperConfig()
    account = _account(home, parts, history, prospect)
    journal = Journal.create(
        home.journal, sync=paper.journal.sync,
        about={"run": home.run, "history_digest": history.digest()},
    )  # fmt: skip
    opened = Opened(home, parts, document, account, journal, coming, resumed=False)
    try:
        journal.append([_started(opened)])
    except BaseException:
        journal.close()
        raise
    return opened


def resume(
    folder: Path,
    *,
    progress: Progress = SILENT,
    workers: int | None = None,
    page: bool | None = False,
) -> Opened:
    """Go on with a run where its journal ends.

    Raises
    ------
    JournalError
        If another process writes it, it is damaged, or the code has changed since.
    RunError
        If the folder is damaged.
    """
    home = Home(folder)
    config, document = home.config()
    parts = pipeline.resolve(config, document)
    sides.check(parts.config, document, page=page)
    paper = parts.config.paper or PaperConfig()
    journal = Journal.open(home.journal, sync=paper.journal.sync, busy_s=paper.journal.seconds_busy)
    left = control.waiting(home.control)
    try:
        history = home.history()
        cache: ForecastCache = pipeline.forecast_cache(fresh=False)
        prospect = Prospect(parts, workers=workers, cache=cache, progress=progress)
        if parts.forecaster is not None or parts.selector is not None:
            _said_again(prospect, home, history)
        account = _account(home, parts, history, prospect)
        recovered(account, journal)
        coming = _still_to_come(parts, document, account, progress)
        sent = tuple(journal.events(kinds=sendings.KINDS))
    except BaseException:
        journal.close()
        raise
    opened = Opened(
        home, parts, document, account, journal, coming, resumed=True, sent=sent, left=left
    )  # fmt: skip
    if journal.last("started") is None:  # killed before its first word
        journal.append([_started(opened)])
    return opened


def _said_again(prospect: Prospect, home: Home, history: Panel) -> None:
    if prospect.derives(history):
        prospect.begin(history)
    else:
        prospect.take_over(*home.signals(history))


def refuse_what_cannot(parts: Parts, document: Document) -> None:
    """Refuse a config that no paper run can be made of, before anything is read."""
    config = parts.config
    if isinstance(parts.strategy, BacktraderStrategy):
        raise document.error(
            ("strategy", "kind"),
            "a backtrader strategy runs in backtrader's Cerebro alone; write it as a rule or a "
            "'decide' (docs/engine.md) to trade it live",
        )
    if config.rules == "backtrader":
        raise document.error(("rules",), "paper trading knows the rules of tradewind alone")
    if config.executor != "kernel":
        raise document.error(
            ("executor",),
            "the compiled kernel fills a paper run, a bar at a time; leave the key out, and "
            "compare afterwards ('tradewind report RUN', then 'tradewind verify' of what it made)",
        )
    if config.execution.intrabar == "path":
        raise document.error(
            ("execution", "intrabar"),
            "path looks into finer bars, which a live feed does not have; use worst or best",
        )


def _divided(config: RunConfig, panel: Panel, document: Document) -> tuple[Panel, Panel | None]:
    """(history, all bars where they are replayed)."""
    paper = config.paper or PaperConfig()
    if paper.feed.kind != REPLAY:
        _refuse_old(paper, panel, document)
        return panel, None
    if paper.start is None:
        first = panel.n_bars - max(panel.n_bars // SHARE, 1)
    else:
        begin = np.datetime64(paper.start, "ns").astype(np.int64)
        first = int(np.searchsorted(panel.ts - 1, begin, "left"))
    if not 1 <= first < panel.n_bars:
        raise document.error(
            ("paper", "start"),
            f"{paper.start} leaves {min(first, panel.n_bars)} of {panel.n_bars} bars before it and "
            f"{max(panel.n_bars - first, 0)} to replay; name a day inside the data "
            f"({panel.dates[0]} to {panel.dates[-1]})",
        )
    return panel.past(first), panel


def _refuse_old(paper: PaperConfig, panel: Panel, document: Document) -> None:
    """Refuse a history with years between its last bar and the market."""
    most = paper.oldest_history_days
    if paper.feed.kind == MADE_UP or most is None:
        return
    age = time.time_ns() - int(panel.ts[-1])
    if age > max(most * DAY_NS, 3 * interval_ns(panel.interval)):
        raise document.error(
            ("paper", "feed"),
            f"{paper.feed.kind} goes on from a history that ends on {panel.dates[-1]}, "
            f"{age / DAY_NS:,.0f} days ago; give data that reaches to now (data.source, data.end), "
            "or say with paper.oldest_history_days: null that the days between do not matter",
        )


def _account(home: Home, parts: Parts, history: Panel, prospect: Prospect) -> Account:
    strategy: Any = parts.strategy
    assert isinstance(strategy, Strategy)  # refuse_what_cannot has seen to it
    paper = parts.config.paper or PaperConfig()
    start = max(bars_needed(strategy, parts.config) - 1, prospect.first_bar, history.n_bars)
    return Account.begin(
        home.run, parts.config, strategy, history, prospect, Gate(paper.risk, history.symbols),
        bars_per_year=bars_per_year(history), start=start, at_a_venue=paper.venue.kind != OWN,
    )  # fmt: skip


def _started(opened: Opened) -> Event:
    account, config = opened.account, opened.parts.config
    panel = account.book.panel
    facts = {
        "run": opened.home.run, "symbols": list(panel.symbols), "interval": panel.interval,
        "calendar": panel.calendar, "first_row": account.first_row, "start": account.book.start,
        "cash": config.account.cash, "currency": config.account.currency,
        "columns": list(panel.columns), "bars_per_year": account.book.bars_per_year,
        "mode": REPLAY if opened.coming is not None else "live",
    }  # fmt: skip
    return Event(0, int(panel.ts[-1]), "started", facts)


def _still_to_come(
    parts: Parts, document: Document, account: Account, progress: Progress
) -> Panel | None:
    """Bars of a replay, whose past must be what the account has seen."""
    paper = parts.config.paper or PaperConfig()
    if paper.feed.kind != REPLAY:
        return None
    panel = pipeline.read_history(parts.config, document, Diary(), progress).panel
    seen = account.book.panel
    n = seen.n_bars
    if panel.n_bars < n or not np.array_equal(panel.ts[:n], seen.ts):
        raise ConfigError(
            f"{document.where}: the data that is replayed has changed since the run began, so it "
            "cannot go on; begin a new run"
        )
    return panel


def day_of(ts: int) -> int:
    """Number of the day that a close belongs to; midnight to the day that ends there."""
    return int((ts - 1) // DAY_NS)

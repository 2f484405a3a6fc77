"""A paper run as an ordinary run: numbers, trades, page, and a folder that commands read."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tradewind.engine import pipeline, spreads
from tradewind.engine.bars.sessions import bars_per_year
from tradewind.engine.books.ledger import fold
from tradewind.engine.config.paper import OWN
from tradewind.engine.errors import RunError
from tradewind.engine.executors import state as states
from tradewind.engine.executors.reference import rules_of
from tradewind.engine.executors.terms import market as market_of
from tradewind.engine.executors.terms import terms as terms_of
from tradewind.engine.feeds.history import History
from tradewind.engine.journal.reader import JournalReader
from tradewind.engine.live.facts import said_of
from tradewind.engine.live.home import Home
from tradewind.engine.live.prospect import Prospect
from tradewind.engine.live.reading import PaperRun, read_paper
from tradewind.engine.pipeline import Diary, Parts
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Records
from tradewind.engine.report import folder as run_folder
from tradewind.engine.report.run import Run


def told(home: Home) -> Path:
    """Write the run, as far as it has come, as an ordinary run folder beside its own; the folder.

    Raises
    ------
    RunError
        If it has taken too few bars to be measured, or the folder cannot be written.
    """
    paper = read_paper(home)
    if paper.panel.n_bars - paper.start < 2:
        raise RunError(
            f"{home.run}: has decided on fewer than two bars, so there is nothing to measure yet; "
            "let it go on"
        )
    run = as_run(home, paper)
    return run_folder.write(run, home.folder.resolve().parent)


def as_run(home: Home, paper: PaperRun) -> Run:
    """Run of a backtest's kind out of what a paper run saw and did."""
    parts = pipeline.resolve(paper.config, paper.document)
    panel, signals = paper.panel, _signals(home, parts, paper)
    terms = terms_of(paper.config, panel, bars_per_year(panel), signals)
    market = market_of(paper.config, spreads.traded_on(paper.config.costs.spread, panel))
    equity = np.where(np.isnan(paper.equity), paper.config.account.cash, paper.equity)
    simulation = fold(
        panel, paper.config.account.cash, equity, _ended(paper.orders), paper.fills,
        paper.happenings, fx=market.fx_close if market.foreign else None,
        rules=rules_of(terms) if (paper.config.paper is None
                                  or paper.config.paper.venue.kind == OWN) else None,
    )  # fmt: skip
    numbers, trades, benchmark = pipeline.measured(parts.config, panel, simulation, paper.start)
    diary = Diary()
    note = f"A paper run: {home.run}, {panel.n_bars - paper.first_row} bars since its history."
    return Run(
        name=f"{home.run}-told-{datetime.now(UTC):%Y%m%d-%H%M%S}",
        config=parts.config, panel=panel, signals=signals, first_bar=paper.start,
        simulation=simulation, trades=trades, benchmark=benchmark, metrics=numbers, notes=(note,),
        manifest=pipeline.manifest(parts, History(panel, (), {}, ()), diary), log=(),
    )  # fmt: skip


def _signals(home: Home, parts: Parts, paper: PaperRun) -> Signals:
    """What was said of every bar, as the journal has it."""
    history = paper.panel.past(paper.first_row)
    prospect = Prospect(parts, workers=0, cache=pipeline.forecast_cache(fresh=False))
    if parts.forecaster is None and parts.selector is None:
        return Signals()
    if prospect.derives(history):
        return Signals()  # of series that are derived anew at each bar
    prospect.take_over(*home.signals(history))
    reader = JournalReader(home.journal)
    try:
        for event in reader.events(kinds=("forecast",)):
            prospect.keep(said_of(event))
    finally:
        reader.close()
    return prospect.signals(paper.panel)


def _ended(orders: Records) -> Records:
    """Orders as a run leaves them at its end: what works is over."""
    orders = orders.copy()
    waits = orders["reason"] == states.WORKING
    asleep = orders["triggered"][waits] == states.ASLEEP
    orders["reason"][waits] = np.where(asleep, states.BY_BRACKET, states.OVER)
    return orders

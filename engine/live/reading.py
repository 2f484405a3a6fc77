"""A paper run read back from its folder, beside whoever works on it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tradewind.engine.config.file import Document
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import RunError
from tradewind.engine.growing import GrowingPanel
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.reader import JournalReader
from tradewind.engine.live.facts import latest_orders, records_of, row_of
from tradewind.engine.live.home import Home
from tradewind.engine.live.intervening import KINDS, Interventions, interventions
from tradewind.engine.records import Floats, Panel, Records


@dataclass(frozen=True, slots=True)
class PaperRun:
    """What a paper run saw and did.

    Attributes
    ----------
    name : str
    config : RunConfig
    document : Document
    panel : Panel
        History, and every bar since.
    first_row, start : int
        First bar that is no history; first bar at whose close the strategy was asked.
    orders, fills, happenings : record arrays
        Orders as they stand now.
    equity : ndarray of float64, shape (n_bars,)
        NaN in the history.
    interventions : Interventions
    """

    name: str
    config: RunConfig
    document: Document
    panel: Panel
    first_row: int
    start: int
    orders: Records
    fills: Records
    happenings: Records
    equity: Floats
    interventions: Interventions


def read_paper(home: Home) -> PaperRun:
    """Read a run.

    Raises
    ------
    RunError
        If it is damaged, or has not taken a bar yet.
    """
    config, document = home.config()
    reader = JournalReader(home.journal)
    try:
        started = reader.last("started")
        if started is None:
            raise RunError(f"{home.run}: its journal does not say how it began; it is damaged")
        bars = GrowingPanel(home.history())
        columns, n = tuple(bars.panel.columns), bars.panel.n_symbols
        found: dict[str, list[Event]] = {"order": [], "fill": [], "happening": [], "equity": []}
        for event in reader.events(kinds=("bar", *found)):
            if event.kind == "bar":
                bars.append(row_of(event, columns, n), event.facts["leaving"])
            else:
                found[event.kind].append(event)
        done = interventions(reader.events(kinds=KINDS))
    finally:
        reader.close()
    panel = bars.panel
    equity = np.full(panel.n_bars, np.nan)
    for event in found["equity"]:
        equity[event.facts["n"]] = event.facts["equity"]
    facts: Any = started.facts
    return PaperRun(
        home.run, config, document, panel, int(facts["first_row"]), int(facts["start"]),
        latest_orders(found["order"]), records_of(found["fill"], "fill"),
        records_of(found["happening"], "happening"), equity, done,
    )  # fmt: skip

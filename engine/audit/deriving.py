"""Series that a strategy derives for a forecaster: no row may know a later bar."""

from dataclasses import replace

import numpy as np

from tradewind.engine.audit.decisions import HOWS, Found
from tradewind.engine.audit.findings import Check, Danger, Finding
from tradewind.engine.audit.stages import Effort, Stage, cuts
from tradewind.engine.causality import first_difference
from tradewind.engine.protocols import Deriving, Strategy
from tradewind.engine.records import ELIGIBLE, Panel
from tradewind.engine.tampering import tampered

COMPARED = ("open", "high", "low", "close", "volume")


def derived_series(name: str, strategy: Strategy, panel: Panel, effort: Effort) -> Found:
    """Tamper with the future of prices: series that could be forecast before do not move.

    Parameters
    ----------
    name : str
    strategy : Strategy
        Nothing is checked of one that derives no series.
    panel : Panel
    effort : Effort

    Notes
    -----
    A series counts from the first bar that is eligible: what is chosen later may well be chosen
    otherwise in another future.
    """
    if not isinstance(strategy, Deriving):
        return [], []
    whole = strategy.derived(panel)
    if whole is None:
        return [], []
    found: list[Finding] = []
    stage = Stage(kind="strategy", name=name, compute=lambda p: {}, first=strategy.warmup - 1)
    n_tried = 0
    for cut in cuts(stage, panel, effort.cuts):
        for how in HOWS:
            other = strategy.derived(tampered(panel, cut, how))
            n_tried += 1
            if other is not None and not found:
                found += _compared(name, whole, other, cut, how)
    return found, [Check("tampering", "strategy", f"series of {name}", n_tried, len(found))]


def _compared(name: str, whole: Panel, other: Panel, cut: int, how: str) -> list[Finding]:
    n = min(whole.n_symbols, other.n_symbols)
    open_to_all = np.ones(whole.shape)
    known = whole.columns.get(ELIGIBLE, open_to_all)[:cut, :n] == 1.0
    theirs = other.columns.get(ELIGIBLE, np.ones(other.shape))[:cut, :n] == 1.0
    born = known.any(axis=0) | theirs.any(axis=0)
    for field in COMPARED:
        leak = first_difference(
            getattr(other, field)[:cut, :n][:, born], getattr(whole, field)[:cut, :n][:, born], cut
        )
        if leak is not None:
            column = int(np.flatnonzero(born)[leak.symbol])
            return [_finding(name, field, whole, replace(leak, symbol=column).bar, column, how)]
    return []


def _finding(name: str, field: str, whole: Panel, bar: int, column: int, how: str) -> Finding:
    return Finding(
        danger=Danger.FUTURE_VALUE,
        means="tampering",
        stage="strategy",
        part=name,
        column=f"series.{field}",
        bar=bar,
        date=str(whole.dates[bar]),
        symbol=whole.symbols[column],
        text=f"derives {field} of {whole.symbols[column]} at bar {bar}, and another number when "
        f"later bars are replaced ({how})",
        advice="make every row of a derived series from rows up to its own, and mark as eligible "
        "only bars at which the series was known to be wanted",
    )

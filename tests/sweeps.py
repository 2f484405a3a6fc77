"""Sweeps on embedded bars, small enough to look at."""

from pathlib import Path
from typing import Any

from tradewind.engine.config.file import Document, override, parse
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT
from tradewind.engine.sweeping.found import Found
from tradewind.engine.sweeping.preparing import Plan, prepared
from tradewind.engine.sweeping.run import searched

TEXT = """
name: cross
seed: 7
data: {source: embedded, symbols: [MSFT, KO], end: 2015-12-31}
strategy: {kind: sma_cross, fast: 5, slow: 30}
costs: {fee_bps: 1}
sweep:
  space:
    strategy.fast: {low: 2, high: 30}
    strategy.slow: {low: 5, high: 120}
  trials: 40
  batch: 20
  validate: {folds: 3, train: 0.4}
"""


def document(*assignments: str, text: str = TEXT) -> Document:
    """The sweep with keys changed."""
    return override(parse(text, where="s.yaml", folder=Path()), list(assignments))


def plan(*assignments: str, text: str = TEXT, **given: Any) -> Plan:
    """A plan of it, its bars read."""
    return prepared(document(*assignments, text=text), Diary(), **given)


def found(*assignments: str, text: str = TEXT) -> tuple[Plan, Found]:
    """What the sweep comes to."""
    asked = plan(*assignments, text=text)
    return asked, searched(asked, SILENT)

"""One finished run, as the report, the folder and the comparison read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tradewind.engine.ambiguity import Bounds
from tradewind.engine.config.run import RunConfig
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Floats, Panel, Records, Simulation


@dataclass(frozen=True, slots=True)
class Run:
    """Config, market, forecasts, orders, fills and what they came to.

    Attributes
    ----------
    name : str
        Folder name below the results folder.
    config : RunConfig
        Resolved: every default written out.
    panel : Panel
        The bars traded on.
    signals : Signals
        Out-of-sample forecasts, aligned with the panel.
    first_bar : int
        First bar of the evaluation; everything before it is warm-up.
    simulation : Simulation
    trades : ndarray of TRADE
        Round trips.
    benchmark : ndarray of float64, shape (n_bars,)
        Simple return of the benchmark on each bar; zero up to ``first_bar``.
    bounds : Bounds or None
        Equity had every ambiguous bar gone the worst and the best way; None where none was.
    metrics : mapping
        Named numbers of strategy and benchmark (``engine/scoring/metrics.py``).
    forecast_scores : mapping
        Accuracy of the forecaster and of naive and drift beside it (``engine/scoring``);
        empty without a forecaster.
    ranked : mapping
        What the selector's rankings were worth; empty without a selector.
    notes : tuple of str
        What a reader must know: findings in the data, repairs made, survivorship, fallbacks.
    manifest : mapping
        Versions, seed, data hash, timings.
    log : tuple of mapping
        Structured events of the run, in order; each has ``event`` and whatever belongs to it.
    explanation : mapping or None
        What the strategy told (``engine/report/explained.py``); None where it tells nothing.
    """

    name: str
    config: RunConfig
    panel: Panel
    signals: Signals
    first_bar: int
    simulation: Simulation
    trades: Records
    benchmark: Floats
    metrics: Mapping[str, Any] = field(default_factory=dict)
    forecast_scores: Mapping[str, Any] = field(default_factory=dict)
    ranked: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    log: tuple[Mapping[str, Any], ...] = ()
    bounds: Bounds | None = None
    explanation: Mapping[str, Any] | None = None

    @property
    def forecast(self) -> Panel:
        """What the forecasts are about: the symbols, or series that the strategy derived."""
        return self.panel if self.signals.series is None else self.signals.series

"""Any metric of metrics.json over the test bars of a fold, from a whole run."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.records import Floats, Panel, Records, Simulation
from tradewind.engine.scoring import metrics
from tradewind.engine.sweeping import measures
from tradewind.engine.sweeping.folds import Fold


class Source(NamedTuple):
    """A run to be cut."""

    simulation: Simulation
    trades: Records
    panel: Panel
    benchmark: Floats
    per_year: float


def measured(source: Source, fold: Fold, names: Sequence[str]) -> list[float]:
    """Numbers of a run over a fold's test bars.

    What a curve says is that of the test bars together. Everything else is measured on each span
    of the fold by itself and averaged by the number of its bars; a round trip belongs to the span
    in which it was closed.
    """
    curve = fold.curve(source.simulation.equity)
    quick = [name for name in names if measures.of_curve([name])]
    found = dict(zip(quick, measures.measured(curve, quick, source.per_year), strict=True))
    rest = [name for name in names if name not in found]
    if rest:
        rows = [_of_span(source, a, b, rest) for a, b in fold.spans]
        weights = [b - a for a, b in fold.spans]
        averages = np.average(np.array(rows), axis=0, weights=weights)
        found |= dict(zip(rest, map(float, averages), strict=True))
    return [found[name] for name in names]


def _of_span(source: Source, first: int, stop: int, names: Sequence[str]) -> list[float]:
    found = tree(source, first, stop)
    return [measures.at(found, name) for name in names]


def tree(source: Source, first: int, stop: int) -> dict[str, dict[str, Any]]:
    """Every metric over the returns of bars ``first`` to ``stop - 1``, as metrics.json has them."""
    run = source.simulation
    rows = slice(first - 1, stop)
    cut = Simulation.with_curves(
        run.equity[rows], run.cash[rows], run.gross[rows], run.borrow[rows],
        _within(run.orders, "bar", first, stop), _within(run.fills, "bar", first, stop),
        _within(run.events, "bar", first, stop),
    )  # fmt: skip
    trades = _within(source.trades, "exit_bar", first, stop)
    return metrics.measure(
        cut, trades, source.panel, source.benchmark[rows], first_bar=0,
        bars_per_year=source.per_year,
    )  # fmt: skip


def _within(rows: Records, name: str, first: int, stop: int) -> Records:
    return rows[(rows[name] >= first) & (rows[name] < stop)]

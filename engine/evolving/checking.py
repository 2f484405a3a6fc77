"""Proof that what was bred on is what a run gives: each portfolio once more, books folded."""

from typing import Any

import numpy as np

from tradewind.engine.errors import InvariantError
from tradewind.engine.evolving.holding import Holding
from tradewind.engine.evolving.span import Kept, Span
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.records import Floats
from tradewind.engine.scoring.metrics import traded_value

CHECKING = "checking against single runs"
SAME = 1e-9  # relative, of sums made in another order


def checked_against_single_runs(
    span: Span, weights: Floats, kept: Kept, progress: Progress = SILENT
) -> dict[str, Any]:
    """Hold each portfolio by the simulator of single runs, whose books are proved, and compare.

    Returns
    -------
    dict
        ``portfolios`` compared and ``largest_gap``, account currency, over every bar of all.

    Raises
    ------
    InvariantError
        If an equity curve or a turnover is another than that of the search.
    """
    from tradewind.engine.executors.reference import simulate

    n, n_bars = len(weights), span.panel.n_bars
    held = span.held(weights, np.empty((n, n_bars)))
    largest = 0.0
    progress.start(CHECKING, n)
    years = (n_bars - 1) / span.per_year
    for i in range(n):
        run = simulate(
            Holding(held, i), held, span.traded_on, span.terms, start=0, market=span.market
        )
        gap = float(np.abs(run.equity - kept.equity[i]).max())
        largest = max(largest, gap)
        turnover = traded_value(run.fills) / (float(run.equity[1:].mean()) * years)
        solvent = bool((run.equity > 0.0).all())
        if gap > SAME * abs(float(run.equity[0])) or (
            solvent and not np.isclose(turnover, kept.outcomes.turnover[i], rtol=SAME, atol=0.0)
        ):
            raise InvariantError(
                f"evolve: portfolio {i + 1} differs from a run of its own by {gap:g} in equity and "
                f"{turnover - kept.outcomes.turnover[i]:g} in turnover; that is a bug"
            )
        progress.advance(CHECKING)
    progress.finish(CHECKING)
    return {"portfolios": n, "largest_gap": largest}

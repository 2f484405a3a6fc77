"""What a backtest says of the days that a paper run has traded."""

from dataclasses import replace

import numpy as np

from tradewind.engine import pipeline, trading
from tradewind.engine.errors import RunError
from tradewind.engine.live.departing import Books
from tradewind.engine.live.reading import PaperRun
from tradewind.engine.outlook import outlook as outlook_of
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.records import Panel, Simulation, label
from tradewind.engine.report.run import Run


def books_of(run: PaperRun, upto: int) -> Books:
    """Books of a paper run up to the close ``upto``, UTC nanoseconds."""
    n = int(np.searchsorted(run.panel.ts, upto, "right"))
    return Books(
        run.panel.past(n), run.orders, run.fills[run.fills["bar"] < n],
        run.happenings[run.happenings["bar"] < n], float(run.equity[n - 1]),
        run.config.account.cash,
    )  # fmt: skip


def books_of_backtest(found: Simulation, panel: Panel, upto: int, cash: float) -> Books:
    """Books of a simulation up to the same close."""
    n = int(np.searchsorted(panel.ts, upto, "right"))
    return Books(
        panel.past(n), found.orders, found.fills[found.fills["bar"] < n],
        found.events[found.events["bar"] < n], float(found.equity[n - 1]), cash,
    )  # fmt: skip


def again(run: PaperRun, *, progress: Progress = SILENT) -> tuple[Simulation, Panel]:
    """Backtest of the run's own config on what its source holds now, begun where it began.

    Raises
    ------
    RunError
        If the source does not reach the day the run began.
    """
    parts = pipeline.resolve(run.config, run.document)
    panel = pipeline.read_history(parts.config, run.document, Diary(), progress).panel
    begun = int(run.panel.ts[run.start]) if run.start < run.panel.n_bars else 0
    start = int(np.searchsorted(panel.ts, begun, "left"))
    if not begun or start >= panel.n_bars:
        raise RunError(
            f"{run.name}: its source ends before the first decision of the run"
            f"{f' ({label(begun)})' if begun else ''}; fetch newer data, or let the run go on"
        )
    said = outlook_of(
        parts, panel, Diary(), progress, workers=None,
        cache=pipeline.forecast_cache(fresh=False),
    )  # fmt: skip
    later = replace(said, first_bar=max(said.first_bar, start))
    return trading.simulate(parts, panel, later, Diary(), explains=False).simulation, panel


def both(
    run: PaperRun, backtest: Run | None, *, progress: Progress = SILENT
) -> tuple[Books, Books, int]:
    """(books of the run, of its backtest, last close that both have).

    Raises
    ------
    RunError
        If the two have no bar in common, or other symbols.
    """
    if backtest is None:
        found, panel = again(run, progress=progress)
    else:
        found, panel = backtest.simulation, backtest.panel
    if panel.symbols != run.panel.symbols:
        raise RunError(
            f"{run.name}: trades {', '.join(run.panel.symbols[:5])} ... and the backtest "
            f"{', '.join(panel.symbols[:5])} ...; compare runs of the same symbols"
        )
    common = np.intersect1d(panel.ts, run.panel.ts[run.first_row :])
    if not common.size:
        raise RunError(f"{run.name}: has no bar in common with the backtest")
    upto = int(common[-1])
    cash = run.config.account.cash if backtest is None else backtest.config.account.cash
    return books_of(run, upto), books_of_backtest(found, panel, upto, cash), upto

"""What a backtest says of the days that a paper run has traded."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tradewind.engine import pipeline, trading
from tradewind.engine.config.file import load
from tradewind.engine.errors import RunError
from tradewind.engine.executors.user_strategy import BacktraderStrategy
from tradewind.engine.live.departing import Books
from tradewind.engine.live.reading import PaperRun
from tradewind.engine.outlook import Outlook
from tradewind.engine.outlook import outlook as outlook_of
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.records import Panel, Simulation, label
from tradewind.engine.report.reading import read
from tradewind.engine.report.run import Run


class Both(NamedTuple):
    """A run and its backtest over the same days.

    Attributes
    ----------
    live, backtest : Books
    since, upto : int
        First close at which the run's strategy was asked, last close that both have, UTC
        nanoseconds.
    anew : bool
        Whether the backtest was traded anew from ``since`` on, because it had begun earlier or
        with other cash.
    """

    live: Books
    backtest: Books
    since: int
    upto: int
    anew: bool


def books_of(run: PaperRun, upto: int) -> Books:
    """Books of a paper run up to the close ``upto``, UTC nanoseconds."""
    n = int(np.searchsorted(run.panel.ts, upto, "right"))
    return Books(
        run.panel.past(n), run.orders, run.fills[run.fills["bar"] < n],
        run.happenings[run.happenings["bar"] < n], float(run.equity[n - 1]),
        run.config.account.cash, run.interventions,
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
    begun = begin_of(run)
    start = int(np.searchsorted(panel.ts, begun, "left"))
    if start >= panel.n_bars:
        raise RunError(
            f"{run.name}: its source ends before the first decision of the run ({label(begun)}); "
            "fetch newer data, or let the run go on"
        )
    said = outlook_of(
        parts, panel, Diary(), progress, workers=None,
        cache=pipeline.forecast_cache(fresh=False),
    )  # fmt: skip
    later = replace(said, first_bar=max(said.first_bar, start))
    return trading.simulate(parts, panel, later, Diary(), explains=False).simulation, panel


def begin_of(run: PaperRun) -> int:
    """Close at which the run's strategy was asked first.

    Raises
    ------
    RunError
        If it was not asked yet.
    """
    if run.start >= run.panel.n_bars:
        raise RunError(f"{run.name}: has made no decision yet; let the run go on")
    return int(run.panel.ts[run.start])


def over_the_days_of(
    run: PaperRun, folder: Path, backtest: Run
) -> tuple[Simulation, Panel, bool]:  # fmt: skip
    """(simulation, its bars, whether it was traded anew) of a backtest from the run's begin on.

    One that begins earlier, or with other cash, is traded anew on its own bars and forecasts: what
    it held when the run began would otherwise be taken for a departure.

    Raises
    ------
    RunError
        If it begins after the run, or cannot be begun on another day.
    """
    begun, panel = begin_of(run), backtest.panel
    first = int(panel.ts[backtest.first_bar])
    own = f"'tradewind compare {run.name}' makes a backtest of the run's own config for its days"
    if first > begun:
        raise RunError(
            f"{backtest.name}: decides first at {label(first)}, and {run.name} at {label(begun)}, "
            f"so it says nothing of the days between; {own}"
        )
    start = int(np.searchsorted(panel.ts, begun, "left"))
    cash = run.config.account.cash
    if start >= panel.n_bars - 1:
        raise RunError(
            f"{backtest.name}: ends at {label(int(panel.ts[-1]))}, before {run.name} could trade, "
            f"which decides first at {label(begun)}; {own}"
        )
    if first == begun and backtest.config.account.cash == cash:
        return backtest.simulation, panel, False
    account = backtest.config.account.model_copy(update={"cash": cash})
    config = backtest.config.model_copy(
        update={"account": account, "forecaster": None, "selector": None}
    )
    parts = pipeline.resolve(config, load(folder / "config.yaml")[1])
    if isinstance(parts.strategy, BacktraderStrategy) or config.execution.intrabar == "path":
        raise RunError(
            f"{backtest.name}: begins at {label(first)} with {backtest.config.account.cash:,.0f}, "
            f"{run.name} at {label(begun)} with {cash:,.0f}, and this kind of backtest cannot be "
            f"begun on another day; {own}"
        )
    said = Outlook(backtest.signals, max(backtest.first_bar, start))
    return trading.simulate(parts, panel, said, Diary(), explains=False).simulation, panel, True


def both(run: PaperRun, folder: Path | None, *, progress: Progress = SILENT) -> Both:
    """A run and its backtest over the days that both have.

    Parameters
    ----------
    run : PaperRun
    folder : Path or None
        Of a backtest; None: the run's own config is run again.
    progress : Progress

    Raises
    ------
    RunError
        If the two have no bar in common, or other symbols, or other days.
    """
    if folder is None:
        found, panel = again(run, progress=progress)
        anew = False
    else:
        backtest = read(folder)
        panel = backtest.panel
    if panel.symbols != run.panel.symbols:
        raise RunError(
            f"{run.name}: trades {', '.join(run.panel.symbols[:5])} ... and the backtest "
            f"{', '.join(panel.symbols[:5])} ...; compare runs of the same symbols"
        )
    if folder is not None:
        found, panel, anew = over_the_days_of(run, folder, backtest)
    common = np.intersect1d(panel.ts, run.panel.ts[run.first_row :])
    if not common.size:
        raise RunError(f"{run.name}: has no bar in common with the backtest")
    upto, cash = int(common[-1]), run.config.account.cash
    return Both(
        books_of(run, upto), books_of_backtest(found, panel, upto, cash), begin_of(run), upto, anew
    )

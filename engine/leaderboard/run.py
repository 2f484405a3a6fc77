"""From a config with several forecasters or selectors to a leaderboard, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from tradewind.engine import pipeline, spreads
from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.config.bench import bench_config
from tradewind.engine.config.file import Document, override, read_document
from tradewind.engine.content import code_content
from tradewind.engine.errors import ForecastError, TradewindError
from tradewind.engine.feeds.history import History
from tradewind.engine.jsonable import jsonable
from tradewind.engine.leaderboard import forecasting, ranking
from tradewind.engine.leaderboard.entrants import (
    Entrant,
    entrants_of,
    refuse_unfit,
    traders_of,
)
from tradewind.engine.leaderboard.judge import Judge, Terms, resolved_values
from tradewind.engine.leaderboard.numbers import facts, first_bar, start, trade
from tradewind.engine.outlook import outlook as outlook_of
from tradewind.engine.pipeline import Diary, Parts
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Panel
from tradewind.engine.report import folder as run_folder
from tradewind.engine.report import leaderboard_folder
from tradewind.engine.report.leaderboard_board import Board
from tradewind.engine.report.text import json_text
from tradewind.engine.runner import check_benchmark
from tradewind.engine.walkforward.where import Workers

COMPARING = "leaderboard"
NOT_RUN = "not run: interrupted before its turn"
GIVES = {"forecaster": "forecasts", "selector": "scores"}
JUDGES: Mapping[str, Judge] = {"forecasters": forecasting, "selectors": ranking}


@dataclass(frozen=True, slots=True)
class Compared:
    """A board and, where it was written, its folder; whether Ctrl-C ended the work early."""

    board: Board
    folder: Path | None
    interrupted: bool


def bench(
    source: str | Path,
    assignments: list[str],
    *,
    results: Path,
    progress: Progress = SILENT,
    fresh: bool = False,
    workers: Workers = None,
) -> Compared:
    """Compare the forecasters or selectors of a config and write the folder of the leaderboard.

    Ctrl-C ends the comparison early: those that are done are compared and written.

    Parameters
    ----------
    source : str or Path
        A file, or the name of a preset.
    assignments : list of str
        ``a.b=value``, applied in order.
    results : Path
    progress : Progress
    fresh : bool
        Fit again whatever the cache holds.
    workers : int, Cluster or None
        Processes that fit; None: one per usable core.

    Raises
    ------
    ConfigError
        For a fault in the config.
    ForecastError
        If not a single one of them had anything to say.
    RunError
        If the folder cannot be written.
    """
    run_folder.check_writable(results)
    document = override(read_document(source), assignments)
    board, interrupted = compute(document, progress=progress, fresh=fresh, workers=workers)
    folder = leaderboard_folder.write(board, results)
    return Compared(replace(board, name=folder.name), folder, interrupted)


def compute(
    document: Document,
    *,
    progress: Progress = SILENT,
    fresh: bool = False,
    workers: Workers = None,
    cached: bool = True,
) -> tuple[Board, bool]:
    """(board, whether Ctrl-C ended it early), without writing anything but the forecast cache."""
    now, diary = datetime.now(UTC), Diary()
    entrants = entrants_of(document)
    settings, traders = bench_config(document), traders_of(document)
    parts = next((one.parts for one in entrants if one.parts is not None), None)
    if parts is None:
        raise ForecastError(_nobody(entrants))
    JUDGES[entrants[0].contest.several].check(settings)
    diary.note("started", name=parts.config.name, at=now.isoformat(timespec="seconds"))
    history = pipeline.read_history(parts.config, document, diary, progress)
    check_benchmark(parts.config, history.panel, document)
    spreads.check(parts.config.costs.spread, history.panel)
    refuse_unfit(entrants, history.panel, document)
    interrupted = _speak(entrants, history.panel, diary, progress, fresh, workers, cached)
    if not any(one.said is not None for one in entrants):
        raise ForecastError(_nobody(entrants))
    terms = Terms(parts.config, settings, traders)
    board = _compared(entrants, terms, history, diary, progress)
    values = resolved_values(entrants, terms)
    made = Board(
        name=_new_name(values, now),
        values=values,
        table=board,
        dates=history.panel.dates[first_bar(entrants) :],
        equity={one.name: one.equity for one in entrants if one.equity is not None},
        notes=_notes(history, entrants, parts.config.rules),
        manifest=_manifest(entrants, parts, traders, history, diary),
        log=tuple(diary.events),
    )
    return made, interrupted


def _speak(
    entrants: list[Entrant],
    panel: Panel,
    diary: Diary,
    progress: Progress,
    fresh: bool,
    workers: Workers,
    cached: bool,
) -> bool:
    """Let each speak out of sample, one after the other; True where Ctrl-C came between."""
    cache = pipeline.forecast_cache(fresh=fresh) if cached else None
    progress.start(COMPARING, len(entrants))
    for i, one in enumerate(entrants):
        if one.parts is None:
            diary.note("failed", name=one.name, error=one.error)
            progress.advance(COMPARING, note=one.name)
            continue
        try:
            alone = replace(one.parts, rivals={})  # all are each other's rivals here
            one.outlook = outlook_of(alone, panel, diary, progress, workers=workers, cache=cache)
        except TradewindError as error:
            one.error = str(error)
            diary.note("failed", name=one.name, error=one.error)
        except KeyboardInterrupt:
            for left in entrants[i:]:
                left.error = left.error or NOT_RUN
            return True
        progress.advance(COMPARING, note=one.name)
    progress.finish(COMPARING)
    return False


def _compared(
    entrants: list[Entrant],
    terms: Terms,
    history: History,
    diary: Diary,
    progress: Progress,
) -> dict[str, Any]:
    """Everything the board shows, as plain JSON values."""
    judge = JUDGES[entrants[0].contest.several]
    panel, first = history.panel, first_bar(entrants)
    said: Any = {one.name: one.said for one in entrants if one.said is not None}
    given, left_out = judge.common(said, first)
    for one in entrants:
        one.error = left_out.get(one.name, one.error)
    kept = [one for one in entrants if one.said is not None and one.name not in left_out]
    with diary.stage("score"):
        board = judge.compare(kept, forward_adjusted(panel), given, terms)
    signals = {one.name: judge.signals(one, given) for one in kept}
    market = _traded(entrants, terms.traders, signals, history, diary, progress)
    for one in kept:
        said_by_it = judge.n_said(one, start(one))
        board["rows"][one.name] |= jsonable(
            {"strategy": one.strategy, "strategies": one.strategies, **facts(one, said_by_it)}
        )
    board["of"] = entrants[0].contest.several
    board["benchmark"] = jsonable(market)
    board["failed"] = [
        {"name": one.name, "kind": one.kind, "error": one.error} for one in entrants if one.error
    ]
    board["verdict"], board["sentences"] = judge.told(board, entrants)
    board["first_date"], board["last_date"] = str(panel.dates[first]), str(panel.dates[-1])
    board["n_symbols"] = panel.n_symbols
    return board


def _traded(
    entrants: list[Entrant],
    traders: Mapping[str, Parts],
    signals: Mapping[str, Signals],
    history: History,
    diary: Diary,
    progress: Progress,
) -> Mapping[str, Any] | None:
    """Trade what each said of the common pairs; what the benchmark came to on the same bars."""
    task, first = "trading each of them", first_bar(entrants)
    progress.start(task, len(signals))
    market: Mapping[str, Any] | None = None
    for one in entrants:
        if one.parts is None or one.name not in signals:
            continue
        found = trade(one.parts, signals[one.name], history, first)
        one.strategy, one.equity, market = found.numbers, found.equity, found.market or market
        for name, parts in traders.items():
            one.strategies[name] = trade(parts, signals[one.name], history, first).numbers
        for name, numbers in {"": one.strategy, **one.strategies}.items():
            if "error" in numbers:
                diary.note("not traded", name=one.name, strategy=name, error=numbers["error"])
        progress.advance(task, note=one.name)
    progress.finish(task)
    return market


def _nobody(entrants: list[Entrant]) -> str:
    told = "\n".join(f"  {one.name}: {one.error}" for one in entrants)
    one = entrants[0].contest.one
    return f"no {one} of the comparison gave {GIVES[one]}:\n{told}"


def _new_name(values: Mapping[str, Any], now: datetime) -> str:
    """``<name>-<YYYYMMDD-HHMMSS>-<first 6 digits of the config's hash>``, as runs are named."""
    seal = sha256(json_text(values, indent=None).encode()).hexdigest()
    return f"{values['name']}-{now:%Y%m%d-%H%M%S}-{seal[:6]}"


def _notes(history: History, entrants: list[Entrant], rules: str) -> tuple[str, ...]:
    doubts = [
        f"{one.name}: {note}"
        for one in entrants
        if one.outlook is not None
        for note in one.outlook.notes
        if "came from the cache" not in note
    ]
    return (*pipeline.notes(history, (), history.panel, rules), *doubts)


def _manifest(
    entrants: list[Entrant],
    parts: Parts,
    traders: Mapping[str, Parts],
    history: History,
    diary: Diary,
) -> dict[str, Any]:
    found = pipeline.manifest(replace(parts, forecaster=None, selector=None), history, diary)
    found["code"][entrants[0].contest.several] = {
        one.name: code_content(one.spec.target) for one in entrants if one.spec is not None
    }
    if traders:
        found["code"]["strategies"] = {
            name: pipeline.strategy_code(one) for name, one in traders.items()
        }
    return found

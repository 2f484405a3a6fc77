"""From a config to what a search needs: bars of both spans, the names, the limits."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from tradewind.engine import pipeline, spreads
from tradewind.engine.bars.formation import formations
from tradewind.engine.config.evolving import EvolveConfig, run_document, spans
from tradewind.engine.config.file import Document, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import DataError
from tradewind.engine.evolving.limits import Limits, limits_of
from tradewind.engine.evolving.search import Task
from tradewind.engine.evolving.span import FEW, Span, span_of
from tradewind.engine.feeds.history import History
from tradewind.engine.pipeline import Diary
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.records import Panel
from tradewind.engine.series import at

REST = timedelta(days=10)  # no exchange is closed for longer: a span that lacks more is too short


@dataclass(frozen=True, slots=True)
class Setting:
    """A config with its data: all that the search and the test need."""

    found: EvolveConfig
    config: RunConfig
    document: Document
    histories: Mapping[str, History]
    train: Span
    test: Span
    limits: Limits
    notes: tuple[str, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names that could be held."""
        return self.train.panel.symbols


def prepared(
    found: EvolveConfig,
    config: RunConfig,
    document: Document,
    diary: Diary,
    progress: Progress = SILENT,
) -> Setting:
    """Read both spans and check the limits against them; nothing of the test is looked at."""
    (start, end), (begins, ends) = spans(found)
    first = _history(document, found, diary, progress, start, end, None, "train")
    symbols, notes = _eligible(first.panel, found, config, document)
    if len(symbols) < first.panel.n_symbols:
        first = _history(document, found, diary, progress, start, end, symbols, "train")
    second = _history(document, found, diary, progress, begins, ends, symbols, "test")
    for name, history in (("train", first), ("test", second)):
        if history.panel.n_bars < FEW:
            raise document.error(
                ("evolve", name), f"holds {history.panel.n_bars} bars; wanted at least {FEW}"
            )
    train, test = (
        span_of(config, history.panel, found.rebalance, found.cvar_level)
        for history in (first, second)
    )
    for name, span in (("train", train), ("test", test)):
        if not span.forms[:-1].any():
            raise document.error(
                ("evolve", name),
                f"holds no bar at which a portfolio is formed (rebalance: {found.rebalance}) and "
                "another after it; give more days, or rebalance more often",
            )
    limits = _limits(found, config, train, document)
    return Setting(
        found, config, document, {"train": first, "test": second}, train, test, limits, notes
    )


def _history(
    document: Document,
    found: EvolveConfig,
    diary: Diary,
    progress: Progress,
    start: date | None,
    end: date | None,
    symbols: tuple[str, ...] | None,
    name: str,
) -> History:
    """Bars of one span, which must reach as far as was asked for."""
    alone = run_document(document, {}, found.rebalance, start=start, end=end, symbols=symbols)
    config = validate(RunConfig, alone)
    try:
        history = pipeline.read_history(config, alone, diary, progress)
    except DataError as error:
        told = str(error).replace("change data.start or data.end", f"change evolve.{name}")
        raise type(error)(f"evolve.{name}: {told}") from None
    if symbols is not None and history.panel.symbols != symbols:  # data.sources name their own
        history = replace(history, panel=history.panel.select(symbols))
    spreads.check(config.costs.spread, history.panel)
    days = history.panel.dates.astype("datetime64[D]").astype(object)
    if (start and days[0] > start + REST) or (end and days[-1] < end - REST):
        asked = f"{start or 'the beginning'} to {end or 'the end'}"
        raise document.error(
            ("evolve", name),
            f"asks for {asked}, and the data has bars from {days[0]} to {days[-1]} there; "
            "give days that the data covers",
        )
    return history


def _eligible(
    panel: Panel, found: EvolveConfig, config: RunConfig, document: Document
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(names that trade when they are bought and to the end, what is to be said of the others)."""
    first = int(np.argmax(formations(panel, found.rebalance)))
    there = np.isfinite(panel.close[first]) & np.isfinite(panel.close[-1])
    away = [name for name, here in zip(panel.symbols, there, strict=True) if not here]
    kept = tuple(name for name, here in zip(panel.symbols, there, strict=True) if here)
    if not away:
        return kept, ()
    told = ", ".join(away[:20]) + (f" and {len(away) - 20} more" if len(away) > 20 else "")
    days = f"{panel.dates[first]} and {panel.dates[-1]}"
    if config.data.symbols != "all":
        raise document.error(
            ("data", "symbols"),
            f"{told} cannot be held over the training span: no bar on one of {days}, its first "
            "formation and its end; "
            "leave them out or move evolve.train",
        )
    if not kept:
        raise DataError(f"evolve.train: no symbol has a bar both on {days}; move its ends")
    return kept, (
        f"{len(away)} of {panel.n_symbols} symbols trade on only one of {days} or on neither, and "
        f"could not be chosen: {told}",
    )


def _limits(found: EvolveConfig, config: RunConfig, train: Span, document: Document) -> Limits:
    """Limits at the first formation of the training span, where the cash is spent."""
    panel, cash, bar = train.panel, config.account.cash, train.first
    current = np.zeros(panel.n_symbols)
    for symbol, weight in found.turnover.current.items():
        if symbol not in panel.symbols:
            raise document.error(
                ("evolve", "turnover", "current", symbol),
                f"is none of the {panel.n_symbols} symbols that could be held",
            )
        current[panel.symbols.index(symbol)] = weight
    lot = np.array([at(train.terms.sizing.lot, bar, k) for k in range(panel.n_symbols)])
    rate = np.ones(panel.n_symbols)
    if train.market.foreign:
        rate = np.array([at(train.market.fx_close, bar, k) for k in range(panel.n_symbols)])
    return limits_of(
        panel.symbols,
        cash=cash,
        least=found.count.least,
        most=min(found.count.most, panel.n_symbols),
        low=found.weight.least,
        high=found.weight.most,
        lot=lot * panel.close[bar] * rate,
        current=current,
        turnover=np.inf if found.turnover.now is None else found.turnover.now,
    )


def task_of(setting: Setting, threads: int = 1) -> Task:
    """What is searched for, on the training span."""
    close = setting.train.panel.close
    steps = np.nan_to_num(close[1:] / close[:-1] - 1.0)
    annual = setting.found.turnover.annual
    return Task(
        setting.limits,
        lambda weights: setting.train.hold(weights, threads=threads).outcomes,
        tuple(setting.found.objectives),
        steps,
        np.inf if annual is None else annual,
    )

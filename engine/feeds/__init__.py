"""Where history comes from: one ``data:`` block in, one checked :class:`Panel` out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from functools import partial

import numpy as np

from tradewind.engine.bars.adjusting import DIVIDEND, SPLIT, has_actions
from tradewind.engine.bars.bins import check_longer
from tradewind.engine.bars.resampling import resample
from tradewind.engine.config.run import DataConfig, SourceConfig
from tradewind.engine.errors import ConfigError, DataError, UnknownSymbolError
from tradewind.engine.feeds.history import Finding, History, refusal
from tradewind.engine.feeds.intake import Intake, clock_of
from tradewind.engine.feeds.joining import joined, one_history
from tradewind.engine.feeds.members import with_members
from tradewind.engine.feeds.repairs import REPAIRS
from tradewind.engine.feeds.survey import InMemory, Outline, Source
from tradewind.engine.feeds.table import Table
from tradewind.engine.feeds.timing import calendars_of, named_calendar, settings_for
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.records import Panel

__all__ = ["Finding", "History", "inspect", "load"]

UNKNOWN_UNIVERSE = (
    "Universe of {source}: unknown; if its symbols were chosen because they exist today, "
    "survivorship flatters every long position."
)


def load(config: DataConfig, *, progress: Progress = SILENT) -> History:
    """Bars that a backtest may trust.

    Parameters
    ----------
    config : DataConfig
    progress : Progress

    Raises
    ------
    DataError
        If something about the bars would falsify a backtest; the message lists it.
    UnknownSymbolError
        If the source does not have a symbol that was asked for.
    """
    parts = _each(config, progress, None)
    refused = tuple(found for part in parts for found in part.refused)
    if refused:
        raise DataError(refusal(refused, _repairs(config)))
    _check_aggregate(parts, config)
    longer = [_lengthened(part, config) for part in parts]
    history = _together([part for part, _ in longer])
    notes = (*history.notes, *(note for _, said in longer for note in said))
    finer: Panel | None = None
    if config.intrabar is not None:
        finer = _finer(config, config.intrabar, history.panel, progress)
    elif config.resample is not None:
        finer = joined([part.panel for part in parts])
    return with_members(config, replace(history, notes=notes, finer=finer))


def _each(config: DataConfig, progress: Progress, now: datetime | None) -> list[History]:
    """What each source of a config gives; an error says which one it is about."""
    if not config.sources:
        return [_read(config, progress, now)]
    found = []
    for i, one in enumerate(config.sources):
        try:
            found.append(_read(config.of(one), progress, now))
        except (DataError, ConfigError) as error:
            said = str(error)
            if said.startswith("data"):
                said = f"data.sources.{i}{said.removeprefix('data')}"
            raise type(error)(said) from None
    return found


def _repairs(config: DataConfig) -> set[str]:
    return {name for one in config.sources or (config,) for name in one.repair}


def _together(parts: Sequence[History]) -> History:
    if len(parts) == 1:
        return parts[0]
    panel = joined([part.panel for part in parts])
    history = one_history(parts, panel)
    notes = dict.fromkeys((*history.notes, *_clock_notes(panel)))
    return replace(history, notes=tuple(notes))


def _check_aggregate(parts: Sequence[History], config: DataConfig) -> None:
    known = {name for part in parts for name in part.panel.columns}
    unknown = [name for name in config.aggregate if name not in known]
    if unknown:
        raise ConfigError(
            f"data.aggregate: the data has no column {unknown[0]!r}; it has "
            f"{', '.join(sorted(known)) or 'none'} beside the bars"
        )


def _lengthened(history: History, config: DataConfig) -> tuple[History, tuple[str, ...]]:
    """Bars of the length that is traded on, and what was left out for it."""
    interval, panel = config.resample, history.panel
    if interval is None or interval == panel.interval:
        return history, ()
    rules = {name: rule for name, rule in config.aggregate.items() if name in panel.columns}
    found = resample(panel, interval, rules=rules)
    made = f"Bars of {interval} are made of bars of {panel.interval}, by session."
    return replace(history, panel=found.panel), (made, *found.notes)


def _finer(config: DataConfig, source: SourceConfig, panel: Panel, progress: Progress) -> Panel:
    """Bars that lie inside those of a panel, of the same symbols and calendars."""
    calendars = {
        symbol: calendar or "none"
        for symbol, calendar in zip(panel.symbols, panel.calendar_of_each, strict=True)
    }
    chosen = {
        "symbols": panel.symbols if source.symbols == "all" else source.symbols,
        "calendar": source.calendar or calendars,
    }
    try:
        check_longer(source.interval, panel.interval)
        if source.interval == panel.interval:
            raise ConfigError(f"bars of {panel.interval} are not finer than those traded on")
        history = _read(config.of(source.model_copy(update=chosen)), progress, None)
    except (DataError, ConfigError) as error:
        said = str(error).removeprefix("data.").removeprefix("data: ")
        raise type(error)(f"data.intrabar: {said}") from None
    if history.refused:
        raise DataError(refusal(history.refused, source.repair))
    return history.panel


def inspect(
    config: DataConfig, *, progress: Progress = SILENT, now: datetime | None = None
) -> History:
    """Bars with everything that is wrong with them, refused or not.

    Rows that cannot stand in a panel (no price, a second bar for the same time) are left out of the
    panel returned, and are among the findings.

    Parameters
    ----------
    config : DataConfig
    progress : Progress
    now : datetime, optional
        With its zone; bars that close later have not happened. Default: the clock's.

    Raises
    ------
    DataError
        If there is nothing to look at: unreadable, no such symbol, no bar in the range.
    """
    return with_members(config, _together(_each(config, progress, now)))


def _read(config: DataConfig, progress: Progress, now: datetime | None) -> History:
    """Bars of one source with everything that is wrong with them."""
    source = _source(config, progress)
    wanted = None if config.symbols == "all" else config.symbols
    survey = source.survey(_calendar_of(config, source), wanted)
    chosen = _chosen(survey.outlines, config)
    settings = settings_for(config, chosen, now)
    calendars = calendars_of(config, [one.symbol for one in chosen])
    by_calendar = {calendars[symbol]: setting for symbol, setting in settings.items()}
    intake = Intake(config, settings, Table(tuple(settings), clock_of(survey, by_calendar)))
    for bars in source.read(settings):
        intake.take(bars)
    if intake.lacking:
        raise DataError(_no_bars(chosen, config))
    codes = {symbol: setting.calendar for symbol, setting in settings.items()}
    panel = intake.table.panel(config.interval, codes)
    notes = (*source.notes, *_clock_notes(panel), *_action_notes(config, panel))
    counts = {name: intake.counts[name] for name in REPAIRS if name in intake.counts}
    return History(panel, intake.findings(panel), counts, notes, _survivorship(config))


def _calendar_of(config: DataConfig, source: Source) -> Callable[[str], str | None]:
    """How the calendar of a symbol is found before all symbols are known."""
    if isinstance(source, InMemory):
        return calendars_of(config, [one.symbol for one in source.bars]).__getitem__
    return partial(named_calendar, config)


def _action_notes(config: DataConfig, panel: Panel) -> Iterator[str]:
    """What a reader must know of prices that nobody adjusted."""
    if has_actions(panel):
        split, paid = panel.columns[SPLIT], panel.columns[DIVIDEND]
        n_splits, n_paid = int(np.sum((split != 1.0) & ~np.isnan(split))), int(np.sum(paid > 0.0))
        yield (
            f"Prices are as they were traded; splits ({n_splits:,}) and dividends ({n_paid:,}) "
            "count on their days."
        )
    elif config.prices == "raw":
        yield (
            "Prices are as they were traded, and without data.actions nobody says what was split "
            "or paid: returns lack dividends, and a split is a fall."
        )
    elif unread := [name for name in ("split_ratio", "ex_dividend") if name in panel.columns]:
        yield (
            f"Columns that nobody reads: {', '.join(unread)}. If the prices are not adjusted for "
            "them, say data.prices: raw and data.actions: {kind: columns}."
        )


def _clock_notes(panel: Panel) -> Iterator[str]:
    """What a reader must know about calendars."""
    calendars = dict.fromkeys(panel.calendar_of_each)
    if None in calendars:
        yield "No exchange calendar applies, so sessions are not checked."
    if len(calendars) > 1:
        names = ", ".join(name or "none" for name in calendars)
        yield (
            f"Symbols of different calendars ({names}) share one clock. On a row on which its "
            "exchange was closed a symbol has no bar: its orders wait, it is valued at its last "
            "close, and prices beside each other on one row need not be of one moment."
        )


def _source(config: DataConfig, progress: Progress) -> Source:
    if config.path is None and set(config.columns) - {"volume"}:
        raise ConfigError(
            f"data.columns: the {config.source} data has columns of its own; only {{volume: none}} "
            "means something there"
        )
    if config.source == "embedded":
        from tradewind.engine.feeds import embedded

        return InMemory(embedded.read(), (embedded.NOTE,))
    if config.source == "yahoo":
        from tradewind.engine.feeds import yahoo

        return InMemory(*yahoo.read(config, progress=progress))
    from tradewind.engine.feeds import streaming

    return streaming.source(config, progress=progress)


def _survivorship(config: DataConfig) -> str:
    if config.source == "embedded":
        from tradewind.engine.feeds.embedded import SURVIVORSHIP

        return SURVIVORSHIP
    if config.source == "yahoo":
        return (
            "Universe of Yahoo: the symbols named in the config; Yahoo drops companies that no "
            "longer trade, so survivorship flatters every long position."
        )
    return UNKNOWN_UNIVERSE.format(source=config.path)


def _chosen(outlines: Sequence[Outline], config: DataConfig) -> list[Outline]:
    """Symbols asked for, in that order."""
    if config.symbols == "all":
        return list(outlines)
    held = {one.symbol: one for one in outlines}
    unknown = [symbol for symbol in config.symbols if symbol not in held]
    if unknown:
        raise UnknownSymbolError(_unknown(unknown, sorted(held), config))
    return [held[symbol] for symbol in config.symbols]


def _unknown(unknown: Sequence[str], known: Sequence[str], config: DataConfig) -> str:
    hints = []
    upper = {name.upper(): name for name in known}
    for symbol in unknown[:5]:
        near = get_close_matches(symbol.upper(), upper, 1)
        hints.append(f"{symbol!r}" + (f" (did you mean {upper[near[0]]!r}?)" if near else ""))
    more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
    listed = ", ".join(known[:12]) + (f" ... ({len(known)} in all)" if len(known) > 12 else "")
    source = config.path or f"the {config.source} data"
    return f"data.symbols: {source} has no {', '.join(hints)}{more}; it has {listed}"


def _no_bars(outlines: Sequence[Outline], config: DataConfig) -> str:
    """Message for a range without any bar."""
    held = [one for one in outlines if one.n_rows]
    if not held:
        return f"data: {config.path or config.source} holds no bar"
    first, last = (
        np.datetime64(ts, "ns").astype("datetime64[D]")
        for ts in (min(one.first for one in held), max(one.last for one in held))
    )
    asked = f"{config.start or 'the beginning'} to {config.end or 'the end'}"
    return (
        f"data: no bar from {asked}; {config.path or f'the {config.source} data'} reaches from "
        f"{first} to {last}: change data.start or data.end"
    )

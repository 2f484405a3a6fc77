"""Where history comes from: one ``data:`` block in, one checked :class:`Panel` out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches

import numpy as np

from tradewind.engine.config import DataConfig
from tradewind.engine.errors import ConfigError, DataError, UnknownSymbolError
from tradewind.engine.feeds.actions import actions_of, placed
from tradewind.engine.feeds.assemble import assemble
from tradewind.engine.feeds.checks import check
from tradewind.engine.feeds.coverage import check_all
from tradewind.engine.feeds.history import Finding, History, refusal
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.repairs import apply, take
from tradewind.engine.feeds.timing import Setting, setting_for
from tradewind.engine.progress import SILENT, Progress

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
    history = inspect(config, progress=progress)
    if history.refused:
        raise DataError(refusal(history.refused, config.repair))
    return history


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
    raw, notes = _read(config, progress)
    bars = _chosen(raw, config)
    setting = setting_for(config, bars, now)
    kept = [_within(one, setting) for one in bars]
    empty = [one for one, part in zip(bars, kept, strict=True) if not len(part.ts)]
    present = [_known_volume(part, config) for part in kept if len(part.ts)]
    if not present:
        raise DataError(_no_bars(bars, config))
    repaired, counts = apply(present, config.repair, setting)
    left = _with_actions([one for one in repaired if len(one.ts)], bars, setting)
    gone = [one for one in repaired if not len(one.ts)]
    findings = [
        *_absent(empty, config, "has no bar between data.start and data.end"),
        *_absent(gone, config, "has no bar left after the repairs"),
        *(finding for one in left for finding in check(one, setting)),
        *check_all(left, setting),
    ]
    findings.sort(key=lambda f: f.severity == "notice")
    if setting.calendar is None:
        notes = (*notes, "No exchange calendar applies, so sessions are not checked.")
    panel = assemble(left, setting)
    return History(panel, tuple(findings), counts, notes, _survivorship(config))


def _with_actions(
    left: Sequence[RawBars], bars: Sequence[RawBars], setting: Setting
) -> list[RawBars]:
    """Bars with the splits and dividends that the config's source of them knows."""
    actions = actions_of(bars, setting.config)
    if actions is None:
        return list(left)
    days = {
        one.symbol: setting.days(one.ts).astype("datetime64[ns]").astype(np.int64) for one in left
    }
    return placed(left, actions, days, setting.config)


def _read(config: DataConfig, progress: Progress) -> tuple[list[RawBars], tuple[str, ...]]:
    if config.path is None and set(config.columns) - {"volume"}:
        raise ConfigError(
            f"data.columns: the {config.source} data has columns of its own; only {{volume: none}} "
            "means something there"
        )
    if config.source == "embedded":
        from tradewind.engine.feeds import embedded

        return embedded.read(), (embedded.NOTE,)
    if config.source == "yahoo":
        from tradewind.engine.feeds import yahoo

        return yahoo.read(config, progress=progress)
    from tradewind.engine.feeds import tabular

    return tabular.read(config, progress=progress)


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


def _chosen(raw: Sequence[RawBars], config: DataConfig) -> list[RawBars]:
    """Bars of the symbols asked for, in that order."""
    if config.symbols == "all":
        return list(raw)
    held = {one.symbol: one for one in raw}
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


def _within(bars: RawBars, setting: Setting) -> RawBars:
    """Bars whose day lies between start and end."""
    config = setting.config
    if config.source == "yahoo" or (config.start is None and config.end is None):
        return bars  # Yahoo's reader has chosen the days, as the exchange counts them
    days = setting.days(bars.ts)
    inside = np.ones(len(days), bool)
    if config.start is not None:
        inside &= days >= np.datetime64(config.start)
    if config.end is not None:
        inside &= days <= np.datetime64(config.end)
    return bars if inside.all() else take(bars, inside)


def _known_volume(bars: RawBars, config: DataConfig) -> RawBars:
    """Volume as unknown where the config says that the source has none."""
    if config.columns.get("volume") != "none":
        return bars
    return replace(bars, volume=np.full(len(bars.ts), np.nan))


def _absent(bars: Sequence[RawBars], config: DataConfig, says: str) -> list[Finding]:
    """Symbols without bars: refused where they were asked for by name."""
    if config.symbols == "all":
        return [Finding("no_bars", b.symbol, "", "notice", b.origin, says, 0) for b in bars]
    says = f"{says}; take it out of data.symbols or change the range"
    return [Finding("no_bars", b.symbol, "", "refuse", b.origin, says, 0) for b in bars]


def _no_bars(bars: Sequence[RawBars], config: DataConfig) -> str:
    """Message for a range without any bar."""
    stamps = [one.ts for one in bars if len(one.ts)]
    if not stamps:
        return f"data: {config.path or config.source} holds no bar"
    first, last = (
        np.datetime64(int(ts), "ns").astype("datetime64[D]")
        for ts in (min(ts.min() for ts in stamps), max(ts.max() for ts in stamps))
    )
    asked = f"{config.start or 'the beginning'} to {config.end or 'the end'}"
    return (
        f"data: no bar from {asked}; {config.path or f'the {config.source} data'} reaches from "
        f"{first} to {last}: change data.start or data.end"
    )

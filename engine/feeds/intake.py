"""Bars on their way from a source into the panel, checked and repaired as they come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tradewind.engine.config.run import DataConfig
from tradewind.engine.feeds.actions import actions_of, placed
from tradewind.engine.feeds.checks import check
from tradewind.engine.feeds.coverage import Trace, check_all, trace
from tradewind.engine.feeds.factor_files import Action
from tradewind.engine.feeds.faults import sorted_rows
from tradewind.engine.feeds.history import Finding
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.repairs import apply, take
from tradewind.engine.feeds.survey import Survey
from tradewind.engine.feeds.table import Table
from tradewind.engine.feeds.timing import Setting, close_times, possible_closes
from tradewind.engine.records import Bools, Ints, Panel


@dataclass(slots=True)
class Intake:
    """Takes bars in, some symbols at a time, and remembers what was wrong with them.

    Attributes
    ----------
    config : DataConfig
    settings : mapping of str to Setting
        Of each symbol wanted.
    table : Table
    counts : dict of str to int
        Repair to rows it changed or dropped.
    """

    config: DataConfig
    settings: Mapping[str, Setting]
    table: Table
    counts: dict[str, int] = field(default_factory=dict)
    _findings: dict[str, list[Finding]] = field(default_factory=dict)
    _traces: dict[str, Trace] = field(default_factory=dict)

    def take(self, bars: Sequence[RawBars]) -> None:
        """Take in every row of some symbols."""
        actions = actions_of(bars, self.config)
        for one in bars:
            self._take_symbol(one, actions)

    def _take_symbol(self, raw: RawBars, actions: Mapping[str, list[Action]] | None) -> None:
        setting = self.settings[raw.symbol]
        bars = _within(raw, setting)
        if not len(bars.ts):
            self._lack(raw, "has no bar between data.start and data.end")
            return
        (bars,), counts = apply([_known_volume(bars, self.config)], self.config.repair, setting)
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        if not len(bars.ts):
            self._lack(raw, "has no bar left after the repairs")
            return
        if actions is not None:
            days = setting.days(bars.ts).astype("datetime64[ns]").astype(np.int64)
            (bars,) = placed([bars], actions, {raw.symbol: days}, self.config)
        self._findings[raw.symbol] = check(bars, setting)
        usable = take(bars, sorted_rows(bars))
        if len(usable.ts):
            self._traces[raw.symbol] = trace(usable, setting)
            self.table.put(usable, close_times(usable.ts, setting))

    def _lack(self, bars: RawBars, says: str) -> None:
        """A symbol without bars: refused where it was asked for by name."""
        if self.config.symbols == "all":
            found = Finding("no_bars", bars.symbol, "", "notice", bars.origin, says, 0)
        else:
            says = f"{says}; take it out of data.symbols or change the range"
            found = Finding("no_bars", bars.symbol, "", "refuse", bars.origin, says, 0)
        self._findings[bars.symbol] = [found]

    @property
    def lacking(self) -> bool:
        """Whether not one symbol has a bar."""
        return not any(
            found == [] or found[0].kind != "no_bars" for found in self._findings.values()
        )

    def findings(self, panel: Panel) -> tuple[Finding, ...]:
        """Everything found, what refuses a backtest first, symbols in the order asked for."""
        named = [self._findings[symbol] for symbol in self.settings if symbol in self._findings]
        found = [one for group in named for one in group if one.kind == "no_bars"]
        found += [one for group in named for one in group if one.kind != "no_bars"]
        for setting in {id(s): s for s in self.settings.values()}.values():
            traces = [
                self._traces[symbol]
                for symbol, own in self.settings.items()
                if own is setting and symbol in self._traces
            ]
            found += check_all(traces, panel, setting)
        found.sort(key=lambda one: one.severity == "notice")
        return tuple(found)


def clock_of(survey: Survey, settings: Mapping[str | None, Setting]) -> Ints:
    """Every moment at which a bar inside the range may close.

    Parameters
    ----------
    survey : Survey
    settings : mapping of (str or None) to Setting
        By calendar.
    """
    closes = [np.empty(0, np.int64)]
    for calendar, stamps in survey.stamps.items():
        setting = settings[calendar]
        closes.append(possible_closes(stamps[_inside(stamps, setting)], setting))
    return np.unique(np.concatenate(closes))


def _within(bars: RawBars, setting: Setting) -> RawBars:
    """Bars whose day lies between start and end."""
    inside = _inside(bars.ts, setting)
    return bars if inside.all() else take(bars, inside)


def _inside(ts: Ints, setting: Setting) -> Bools:
    config, inside = setting.config, np.ones(len(ts), np.bool_)
    if config.source == "yahoo" or (config.start is None and config.end is None):
        return inside  # Yahoo's reader has chosen the days, as the exchange counts them
    days = setting.days(ts)
    if config.start is not None:
        inside &= days >= np.datetime64(config.start)
    if config.end is not None:
        inside &= days <= np.datetime64(config.end)
    return inside


def _known_volume(bars: RawBars, config: DataConfig) -> RawBars:
    """Volume as unknown where the config says that the source has none."""
    if config.columns.get("volume") != "none":
        return bars
    return replace(bars, volume=np.full(len(bars.ts), np.nan))

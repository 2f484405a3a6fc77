"""Everything about the bars of one symbol that is wrong, or worth knowing.

Which finding refuses a backtest and which is merely noticed is decided here, with the reasons in
``docs/data.md``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from tradewind.engine import quotes
from tradewind.engine.bars.sessions import split_interval
from tradewind.engine.feeds import faults, jumps
from tradewind.engine.feeds.history import ACCEPTABLE, Finding, Severity
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.repairs import take
from tradewind.engine.feeds.timing import Setting
from tradewind.engine.records import DAY_NS, Bools

SHOWN_ROWS = 1_000  # of one kind and symbol; the rest is counted
FEW = 10  # bars from which the usual step between them is known


@dataclass(frozen=True, slots=True)
class Notebook:
    """Writes findings about one symbol, with the place of each."""

    bars: RawBars
    setting: Setting

    def rows(
        self, kind: str, severity: Severity, mask: Bools, says: Callable[[int], str]
    ) -> list[Finding]:
        """One finding for each row of ``mask``, and one that counts those beyond the first many."""
        at = np.flatnonzero(mask)
        found = [self.row(kind, severity, int(i), says(int(i))) for i in at[:SHOWN_ROWS]]
        rest = len(at) - SHOWN_ROWS
        if rest > 0:
            found.append(
                self.row(kind, severity, int(at[SHOWN_ROWS]), f"and {rest:,} more like this", rest)
            )
        return found

    def row(self, kind: str, severity: Severity, i: int, says: str, n_rows: int = 1) -> Finding:
        """One finding at row ``i``."""
        return Finding(
            kind,
            self.bars.symbol,
            self.setting.when(self.bars.ts[i]),
            accepted(kind, severity, self.setting),
            f"{self.bars.origin}:{self.bars.row[i]}",
            says,
            n_rows,
        )


def accepted(kind: str, severity: Severity, setting: Setting) -> Severity:
    """Severity after what the config accepts."""
    waived = kind in ACCEPTABLE and kind in setting.config.accept
    return "notice" if waived else severity


def check(bars: RawBars, setting: Setting) -> list[Finding]:
    """Findings about one symbol, those that refuse a backtest first.

    Parameters
    ----------
    bars : RawBars
        After the repairs, not empty.
    setting : Setting
    """
    book = Notebook(bars, setting)
    too_many = _several_a_day(book)
    found = [
        *_values(book),
        *(too_many or _order(book)),
        *_calendar(book),
    ]
    rows = faults.sorted_rows(bars)
    if len(rows):
        tidy = Notebook(take(bars, rows), setting)
        found += [*_interval(tidy), *_stale(tidy), *_volume(tidy), *_jumps(tidy)]
    return found


def _values(book: Notebook) -> list[Finding]:
    bars = book.bars

    def holes(i: int) -> str:
        held = {name: getattr(bars, name)[i] for name in ("open", "high", "low", "close", "volume")}
        absent = [name for name, value in held.items() if not np.isfinite(value)]
        return f"{', '.join(absent)} missing or not a number; complete or remove the row"

    def lowest(i: int) -> str:
        held = {name: getattr(bars, name)[i] for name in ("open", "high", "low", "close", "volume")}
        name = next(k for k, v in held.items() if v < 0 or (v == 0 and k != "volume"))
        return f"{name} is {held[name]:g}; a price must be above zero, a volume not below"

    def ranges(i: int) -> str:
        return (
            f"open {bars.open[i]:g} and close {bars.close[i]:g} do not lie between low "
            f"{bars.low[i]:g} and high {bars.high[i]:g}"
        )

    quoted = faults.of_quotes(bars)
    # A faulty quote makes a faulty mid: it is told once, by its own name.
    told = np.any([np.zeros(len(bars.ts), bool), *quoted.values()], axis=0)
    absent = faults.missing(bars)
    return [
        *book.rows("nan", "refuse", absent & ~told, holes),
        *book.rows("not_positive", "refuse", faults.not_positive(bars) & ~absent & ~told, lowest),
        *book.rows("high_low", "refuse", faults.outside_range(bars) & ~told, ranges),
        *(
            finding
            for kind, mask in quoted.items()
            for finding in book.rows(kind, "refuse", mask, partial(quotes.told, kind, bars.columns))
        ),
    ]


def _order(book: Notebook) -> list[Finding]:
    bars, found = book.bars, []
    late = faults.late(bars)
    if late.any():
        i = int(late.argmax())
        found.append(
            book.row(
                "unsorted",
                "refuse",
                i,
                f"stands behind {book.setting.when(bars.ts[:i].max())}; bars must go from oldest "
                "to newest",
                int(late.sum()),
            )
        )
    copies, conflicts = faults.repeated(bars)
    found += book.rows("duplicate", "refuse", copies, lambda i: "the same bar a second time")
    found += book.rows(
        "conflict",
        "refuse",
        conflicts,
        lambda i: "a second bar for this time, with other numbers; keep the right one in the file",
    )
    future = faults.in_future(bars, book.setting)
    return found + book.rows(
        "future", "refuse", future, lambda i: "has not closed yet; its numbers are not final"
    )


def _several_a_day(book: Notebook) -> list[Finding]:
    """One finding where every day has many bars, in place of one for each of them."""
    ts = book.bars.ts
    if book.setting.intraday or len(ts) < FEW or len(np.unique(ts)) * 2 > len(ts):
        return []
    copies, conflicts = faults.repeated(book.bars)
    if copies.sum() >= conflicts.sum():
        return []
    says = "has several bars a day; say how long they are with data.interval, for example 1h"
    return [book.row("interval", "refuse", 0, says, len(ts))]


def _calendar(book: Notebook) -> list[Finding]:
    closed, extended = faults.off_session(book.bars, book.setting)
    found = book.rows(
        "off_session",
        "refuse",
        closed,
        lambda i: f"{book.setting.calendar} had no session; is data.calendar or the zone wrong?",
    )
    if extended.any():
        n = int(extended.sum())
        says = f"{n:,} bars lie outside the regular hours of {book.setting.calendar}"
        found.append(book.row("extended_hours", "notice", int(extended.argmax()), says, n))
    return found


def _interval(book: Notebook) -> list[Finding]:
    """Refuse bars whose usual distance is not the length the config gives them."""
    ts, config = book.bars.ts, book.setting.config
    if len(ts) < FEW:
        return []
    steps, counts = np.unique(np.diff(ts), return_counts=True)
    usual = int(steps[counts.argmax()])
    count, unit = split_interval(config.interval)
    wanted = book.setting.length_ns
    if unit == "mo":
        fits = 27 * count * DAY_NS <= usual <= 32 * count * DAY_NS
    else:
        fits = usual == wanted or (unit == "d" and count > 1)
    if fits:
        return []
    says = f"bars are {_spoken(usual)} apart, but data.interval is {config.interval}"
    return [book.row("interval", "refuse", 0, says, len(ts))]


def _spoken(ns: int) -> str:
    for unit, length in (("d", DAY_NS), ("h", DAY_NS // 24), ("min", DAY_NS // 1440)):
        if ns % length == 0:
            return f"{ns // length}{unit}"
    return f"{ns / 1e9:g} s"


def _stale(book: Notebook) -> list[Finding]:
    frozen, quiet = faults.stale(book.bars)
    return [
        *_runs(book, "stale", "refuse", frozen, "equal in price and volume: copied, not traded"),
        *_runs(book, "quiet", "notice", quiet, "equal in price: hardly traded, or copied"),
    ]


def _runs(book: Notebook, kind: str, severity: Severity, mask: Bools, says: str) -> list[Finding]:
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    spans = list(zip(starts.tolist(), stops.tolist(), strict=True))
    found = [
        book.row(kind, severity, start - 1, f"{stop - start + 1} bars {says}", stop - start)
        for start, stop in spans[:SHOWN_ROWS]
    ]
    rest = spans[SHOWN_ROWS:]
    if rest:
        n_rows = sum(stop - start for start, stop in rest)
        more = f"and {len(rest):,} more such runs"
        found.append(book.row(kind, severity, rest[0][0], more, n_rows))
    return found


def _volume(book: Notebook) -> list[Finding]:
    idle = book.bars.volume == 0
    if not idle.any():
        return []
    if idle.all():
        says = (
            "no bar has any volume, so no order could ever fill; if the source has no volumes, "
            "say so with data.columns: {volume: none}"
        )
        return [book.row("no_volume", "refuse", 0, says, len(idle))]
    n = int(idle.sum())
    says = f"{n:,} bars without volume, in which no order fills"
    return [book.row("zero_volume", "notice", int(idle.argmax()), says, n)]


def _jumps(book: Notebook) -> list[Finding]:
    """Jumps between bars that hold their own open and close; the others are refused already."""
    wrong = faults.outside_range(book.bars)
    sound = Notebook(take(book.bars, ~wrong), book.setting) if wrong.any() else book
    return [
        sound.row(jump.kind, jump.severity, jump.row, jump.message, jump.n_rows)
        for jump in jumps.jumps(sound.bars)
    ]

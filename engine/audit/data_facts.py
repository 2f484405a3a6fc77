"""What a panel and its source tell about when things were known."""

from collections.abc import Mapping
from datetime import date

import numpy as np

from tradewind.engine.audit.comparing import Found
from tradewind.engine.audit.findings import Check, Danger, Finding, apart
from tradewind.engine.bars.sessions import session_closes
from tradewind.engine.causality import first_difference
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.universe import UniverseConfig
from tradewind.engine.errors import DataError, TradewindError
from tradewind.engine.feeds import load, memberships
from tradewind.engine.records import DAY_NS, FIELDS, Floats, Ints, Panel

ASOF = "_asof"  # column NAME_asof says when the values of column NAME were published
LAST_DAY = 100_000  # 2243; a membership without an end lasts that long
EARLIEST_NS = 10**17  # 1973; a time below it is in seconds or days


def published(columns: Mapping[str, Floats]) -> dict[str, Floats]:
    """Publication times of columns that have them, checked for their unit."""
    found = {}
    for name, times in columns.items():
        if not name.endswith(ASOF):
            continue
        known = times[np.isfinite(times)]
        if known.size and float(known.min()) < EARLIEST_NS:
            raise DataError(
                f"audit: column {name} holds {known.min():g}, wanted UTC nanoseconds since 1970 "
                "(a Unix time in seconds times 1e9)"
            )
        found[name.removesuffix(ASOF)] = times
    return found


def closes_of(panel: Panel) -> Ints:
    """When each symbol's session closes, relative to the last of them, nanoseconds."""
    nothing = np.empty(0, np.int64)
    if not panel.calendars or not panel.daily or None in panel.calendars:
        return nothing
    day = panel.dates[panel.n_bars // 2]
    latest = {}
    for calendar in set(panel.calendars):
        found = session_closes(str(calendar), day, day + 10)
        days = found.days.astype("datetime64[ns]").astype(np.int64)
        if not len(days):
            return nothing
        latest[calendar] = int(np.median(found.closes - days))
    times = np.array([latest[calendar] for calendar in panel.calendars], np.int64)
    relative: Ints = times - times.max()
    return relative


def lives_of(config: UniverseConfig) -> dict[str, tuple[int, int]]:
    """First and last day of membership of every name in a file, UTC nanoseconds."""
    found = memberships.read(config)
    lives: dict[str, tuple[int, int]] = {}
    for code, start, stop in zip(found.code, found.start, found.stop, strict=True):
        name, end = found.names[int(code)], min(int(stop), LAST_DAY)
        first, last = lives.get(name, (int(start) * DAY_NS, end * DAY_NS))
        lives[name] = min(first, int(start) * DAY_NS), max(last, end * DAY_NS)
    return lives


def reloaded(config: RunConfig, whole: Panel, n_cuts: int) -> Found:
    """Read the data again as if it ended earlier: no bar before may be another."""
    data = config.data
    online = any(one.source == "yahoo" and not one.offline for one in (data.sources or (data,)))
    if online:
        note = "a provider's answer of today cannot be asked for as of an earlier day"
        return [], [Check("truncation", "data", "bars", 0, 0, note)]
    findings: list[Finding] = []
    failed, n_tried = "", 0
    for cut in np.linspace(whole.n_bars / 2, whole.n_bars - 2, n_cuts).astype(int):
        end = date.fromisoformat(str(whole.dates[cut])[:10])
        try:
            part = load(data.model_copy(update={"end": end})).panel
        except TradewindError as error:
            failed = f"ended on {end}: {error}"
            continue
        n_tried += 1
        found = changed_by_its_end(whole, part, end)
        if found is not None:
            findings.append(found)
            break
    return findings, [Check("truncation", "data", "bars", n_tried, len(findings), failed[:300])]


def changed_by_its_end(whole: Panel, part: Panel, end: date) -> Finding | None:
    """First value of a shorter load that the longer one has otherwise; its last bar may be part."""
    common = [symbol for symbol in part.symbols if symbol in whole.symbols]
    a, b = part.select(common), whole.select(common)
    n = int(np.searchsorted(b.ts, a.ts[-1]))
    if n == 0 or not np.array_equal(a.ts[:n], b.ts[:n]):
        return _vintage(whole, 0, "clock", "", f"bars stand at other times when it ends on {end}")
    pairs = [(name, getattr(a, name), getattr(b, name)) for name in FIELDS]
    pairs += [(name, a.columns[name], b.columns[name]) for name in a.columns if name in b.columns]
    for name, short, long in pairs:
        leak = first_difference(short[:n], long[:n], n)
        if leak is not None:
            now, then = apart(leak.later, leak.known)
            said = (
                f"reads {now}, and {then} when the data ends on {end} "
                f"({leak.n_values} values differ)"
            )
            return _vintage(whole, leak.bar, name, common[leak.symbol], said)
    return None


def _vintage(panel: Panel, bar: int, column: str, symbol: str, text: str) -> Finding:
    return Finding(
        danger=Danger.NOT_YET_KNOWN,
        means="truncation",
        stage="data",
        part="bars",
        column=column,
        bar=bar,
        date=str(panel.dates[bar]),
        symbol=symbol,
        text=text,
        advice="read data whose past does not depend on its end: fill forward, label longer bars "
        "at their right edge, keep values as first published",
    )

"""Bringing one stored series up to what is wanted, by asking Yahoo for what is missing.

Every download runs to the present day: Yahoo divides its prices by all splits up to now, and only
with those in hand can they be turned back into prices as traded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from tradewind.engine.errors import DataError, UnknownSymbolError
from tradewind.engine.feeds.provider import Yahoo
from tradewind.engine.feeds.store import Store
from tradewind.engine.feeds.store_records import Entry, Key, Refusal
from tradewind.engine.feeds.store_series import Prices, Series
from tradewind.engine.feeds.yahoo_parse import last_closed_day
from tradewind.engine.feeds.yahoo_symbols import REACH_DAYS
from tradewind.engine.feeds.yahoo_take import Gap, take

OVERLAP = 5  # sessions asked for again, to see whether they are still told the same
EARLIEST = date(1900, 1, 1)  # before the first quote of anything Yahoo lists

_SATURDAY = 5

Days = npt.NDArray[np.datetime64]

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Want:
    """What is asked of each symbol: ``first`` None is all there is, ``last`` None is up to now."""

    interval: str
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Update:
    """What happened to one series.

    Attributes
    ----------
    added : int
        Bars that the store did not have.
    requests : int
        Times that Yahoo was asked for a range.
    remarks : tuple of str
        Revisions, to be told to the user.
    held_back : str
        Why an answer was not taken; empty where it was.
    """

    added: int = 0
    requests: int = 0
    remarks: tuple[str, ...] = ()
    held_back: str = ""


class StillUnknownError(UnknownSymbolError):
    """What Yahoo said of a symbol a short while ago, told again without asking."""


def update(
    store: Store,
    yahoo: Yahoo,
    key: Key,
    state: tuple[Entry | None, Refusal | None],
    want: Want,
    *,
    refetch: bool = False,
    note: Note = lambda text: None,
) -> Update:
    """Ask for what is missing of a series and store it.

    Parameters
    ----------
    store, yahoo, key, want
    state : (Entry or None, Refusal or None)
        What the store's manifest says of the series.
    refetch : bool
        Ask for everything again and let it replace what is stored.
    note : callable
        Told when there is something to wait for.

    Raises
    ------
    OutsideError, DataError
        From the provider, or because Yahoo does not look back far enough.
    StoreError
        If what is stored is damaged and ``refetch`` is not given.
    """
    entry, refusal = state
    plan = gaps(store, key, entry, want, yahoo.now(), refetch)
    if plan and refusal and not refetch and refusal.until > yahoo.now() * 10**9:
        raise _still_unknown(refusal)
    total = Update()
    for gap in plan:
        timezone = entry.timezone if entry else ""
        answer = yahoo.history(
            key.symbol, key.interval, gap.first, gap.last, timezone=timezone, note=note
        )
        with store.writing() as pen:
            taken = take(pen, key, gap, answer, yahoo.version)
        remarks = total.remarks + taken.remarks
        total = Update(total.added + taken.added, total.requests + 1, remarks, taken.held_back)
        if total.held_back:
            break
    return total


def gaps(
    store: Store, key: Key, entry: Entry | None, want: Want, now: float, refetch: bool
) -> list[Gap]:
    """List the ranges to ask for, the one that reaches to the present first."""
    reach = _reach(want.interval, now)
    first = _first(want, entry, reach)
    if entry is None:
        _check_reach(key, None, first, reach, now)
        return [Gap(first, None, refetch)]
    covered_from, covered_to = (
        date.fromisoformat(day) for day in (entry.covered_from, entry.covered_to)
    )
    if refetch:
        return [Gap(max(min(first, covered_from), reach), None, replaces=True)]
    _, series = store.load(entry)
    days = stored_days(series.prices, entry)
    present = last_closed_day(now, entry.timezone, entry.session_end)
    first, present = open_days(first, present, days)
    _, last = open_days(first, min(want.last or present, present), days)
    earlier = first < covered_from
    found = []
    # Prices before the store's first bar can only be read with every split since.
    if last > covered_to or (earlier and present > covered_to):
        found.append(Gap(days[-OVERLAP:][0].item(), None))
    if earlier:
        found.append(Gap(first, days[:OVERLAP][-1].item()))
    for gap in found:
        _check_reach(key, entry, gap.first, reach, now)
    return found


def lacking(entry: Entry | None, series: Series | None, want: Want, now: float) -> str:
    """Name the days that are wanted and not stored; nothing where none are.

    A want without ends is content with what there is.
    """
    if entry is None or series is None:
        return f"{want.first or 'the beginning'} to {want.last or 'now'}"
    present = last_closed_day(now, entry.timezone, entry.session_end)
    covered = [date.fromisoformat(day) for day in (entry.covered_from, entry.covered_to)]
    first, last = open_days(
        want.first or covered[0],
        min(want.last or covered[1], present),
        stored_days(series.prices, entry),
    )
    lacks = []
    if max(first, EARLIEST) < covered[0]:
        lacks.append(f"{first} to {covered[0] - timedelta(days=1)}")
    if last > covered[1]:
        lacks.append(f"{covered[1] + timedelta(days=1)} to {last}")
    return " and ".join(lacks)


def _still_unknown(refusal: Refusal) -> StillUnknownError:
    told = datetime.fromtimestamp(refusal.at / 10**9, UTC).strftime("%Y-%m-%d %H:%M")
    return StillUnknownError(
        f"{refusal.message} (Yahoo's answer of {told} UTC, good for a day; to ask all the same, "
        f"run: tradewind data fetch {refusal.symbol} --interval {refusal.interval} --refetch)"
    )


def open_days(first: date, last: date, days: Days) -> tuple[date, date]:
    """Draw a range in at weekends, where a series has no bars at any.

    Parameters
    ----------
    first, last : date
        Range, inclusive.
    days : ndarray of datetime64[D], shape (n_days,)
        Days on which the series has bars.
    """
    if not np.any(np.is_busday(days, weekmask="0000011")):
        if first.weekday() >= _SATURDAY:
            first += timedelta(days=7 - first.weekday())
        if last.weekday() >= _SATURDAY:
            last -= timedelta(days=last.weekday() - _SATURDAY + 1)
    return first, last


def stored_days(prices: Prices, entry: Entry) -> Days:
    """Days of the exchange on which there are bars, oldest first, shape (n_days,)."""
    if entry.interval == "1d":
        return prices.ts.astype("datetime64[ns]").astype("datetime64[D]")
    zone = ZoneInfo(entry.timezone)
    # A bar that closes at midnight belongs to the day that ends there. No zone shifts twice within
    # a quarter of an hour, so one bar of each speaks for the others.
    quarters = np.unique((prices.ts - 1) // (900 * 10**9)).tolist()
    days = {datetime.fromtimestamp(quarter * 900, zone).date() for quarter in quarters}
    return np.array(sorted(days), dtype="datetime64[D]")


def _reach(interval: str, now: float) -> date:
    """First day that Yahoo still gives."""
    if interval not in REACH_DAYS:
        return EARLIEST
    return datetime.fromtimestamp(now, UTC).date() - timedelta(days=REACH_DAYS[interval])


def _first(want: Want, entry: Entry | None, reach: date) -> date:
    if want.first is not None:
        return max(want.first, EARLIEST)
    return min(reach, date.fromisoformat(entry.covered_from)) if entry else reach


def _check_reach(key: Key, entry: Entry | None, first: date, reach: date, now: float) -> None:
    """Refuse what Yahoo cannot give, in words that say what it can."""
    if first > datetime.fromtimestamp(now, UTC).date() + timedelta(days=1):
        raise DataError(f"{key.symbol}: bars from {first} on are wanted, which is yet to come")
    if first >= reach:
        return
    wanted = f"{key.symbol}: {key.interval} bars from {first} are wanted"
    if entry is None:
        raise DataError(f"{wanted}, but Yahoo looks back to {reach} only; start there or later")
    raise DataError(
        f"{wanted} to join on to those stored ({entry.covered_from} to {entry.covered_to}), but "
        f"Yahoo looks back to {reach} only; ask for a range inside what is stored, use another "
        "store (data.store), or take what there is with: "
        f"tradewind data fetch {key.symbol} --interval {key.interval} --refetch"
    )

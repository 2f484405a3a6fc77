"""Storing an answer of Yahoo's next to what is stored already."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from tradewind.engine.errors import DataError, StoreError
from tradewind.engine.feeds.store import Writer
from tradewind.engine.feeds.store_merge import Difference, compare, merge
from tradewind.engine.feeds.store_records import Entry, Key
from tradewind.engine.feeds.store_series import SPLIT, Series, join_events, join_prices
from tradewind.engine.feeds.yahoo_parse import Answer, day_span
from tradewind.engine.feeds.yahoo_units import as_traded
from tradewind.engine.records import FIELDS, label

ADDED, KEPT, HELD_BACK, REPLACED = "added", "kept", "held back", "replaced"
"""What became of a difference: the store took an addition, kept its own, took nothing, gave way."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A range to ask for.

    ``last`` None is up to now; ``replaces`` takes the answer's word against the store's.
    """

    first: date
    last: date | None
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an answer."""

    added: int
    remarks: tuple[str, ...] = ()
    held_back: str = ""


def take(pen: Writer, key: Key, gap: Gap, answer: Answer, version: str) -> Taken:
    """Store an answer next to what is there by now; another process may have been faster.

    Raises
    ------
    DataError
        If there is nothing stored and nothing in the answer.
    StoreError
        If what is stored is damaged and the gap does not replace it.
    """
    current = _current(pen, key, gap)
    timezone = answer.timezone or (current[0].timezone if current else "")
    window = day_span(gap.first, _last_day(gap, answer), key.interval, timezone)
    received = _received(answer, current[1] if current and gap.last else None, window)
    fresh = _described(key, gap, answer, version)
    if current is None:
        return _begin(pen, gap, fresh, received)
    entry, stored = current
    begin, end = (date.fromisoformat(day) for day in (entry.covered_from, entry.covered_to))
    known = day_span(begin, end, key.interval, timezone)
    if not gap.replaces:
        merged = merge(stored, received, window, known)
        remarks = _record(pen, fresh, merged.differences, merged.held_back)
        if merged.held_back:
            return Taken(0, remarks, merged.held_back)
        saved = pen.save(_extended(entry, fresh), merged.series)
        return Taken(max(0, saved.rows - entry.rows), remarks)
    if not len(received.prices):
        raise DataError(f"{key.symbol}: Yahoo's new answer has no bars; the store keeps its own")
    remarks = _replaced(pen, fresh, compare(stored, received, window, known))
    saved = pen.save(_extended(entry, fresh), _supplanted(stored, received, window))
    return Taken(max(0, saved.rows - entry.rows), remarks)


def _current(pen: Writer, key: Key, gap: Gap) -> tuple[Entry, Series] | None:
    """Return what is stored, nothing where it is damaged and about to be replaced."""
    try:
        return pen.load(key)
    except StoreError:
        if not gap.replaces:
            raise
        return None


def _last_day(gap: Gap, answer: Answer) -> date:
    return min(gap.last, answer.last_day) if gap.last else answer.last_day


def _received(answer: Answer, stored: Series | None, window: tuple[int, int]) -> Series:
    """Bring an answer into units as traded; splits after its end come from the store."""
    splits = answer.events.of(SPLIT)
    if stored is not None:
        later = stored.events.of(SPLIT)
        splits = join_events(splits, later.take(later.ts > window[1]))
    return as_traded(answer.prices, answer.events, splits)


def _supplanted(stored: Series, received: Series, window: tuple[int, int]) -> Series:
    """Put an answer in place of what was stored from its first day on."""
    prices = stored.prices.take(stored.prices.ts < window[0])
    events = stored.events.take(stored.events.ts < window[0])
    return Series(join_prices(received.prices, prices), join_events(received.events, events))


def _begin(pen: Writer, gap: Gap, fresh: Entry, received: Series) -> Taken:
    if not len(received.prices):
        raise DataError(
            f"{fresh.symbol}: Yahoo knows the symbol but has no {fresh.interval} bars from "
            f"{fresh.covered_from} to {fresh.covered_to}; ask for another range"
        )
    return Taken(pen.save(fresh, received).rows)


def _described(key: Key, gap: Gap, answer: Answer, version: str) -> Entry:
    """Describe an answer as if it were all there is."""
    return Entry(
        provider=key.provider,
        interval=key.interval,
        symbol=key.symbol,
        covered_from=gap.first.isoformat(),
        covered_to=_last_day(gap, answer).isoformat(),
        first=0,
        last=0,
        rows=0,
        timezone=answer.timezone,
        session_end=answer.session_end,
        currency=answer.currency,
        fetched_at=round(answer.asked_at * 10**9),
        provider_version=version,
        prices_file="",
        prices_sha256="",
        events_file="",
        events_sha256="",
        bytes=0,
    )


def _extended(entry: Entry, fresh: Entry) -> Entry:
    """Describe a series that now covers an answer as well."""
    return replace(
        fresh,
        covered_from=min(entry.covered_from, fresh.covered_from),
        covered_to=max(entry.covered_to, fresh.covered_to),
        timezone=fresh.timezone or entry.timezone,
        currency=fresh.currency or entry.currency,
    )


def _record(
    pen: Writer, fresh: Entry, differences: Sequence[Difference], held_back: str
) -> tuple[str, ...]:
    """Put differences on record and say those that are news."""
    remedy = f"tradewind data fetch {fresh.symbol} --interval {fresh.interval} --refetch"
    if held_back:
        news = pen.record(fresh.key, fresh.fetched_at, HELD_BACK, differences)
        return (
            f"{fresh.symbol}: Yahoo's series is in other units than the stored one, with no split "
            f"to explain it ({held_back}); nothing of it was stored and {len(news)} rows went on "
            f"record. To take Yahoo's whole series as it is now, run: {remedy}",
        )
    late = [d for d in differences if d.stored is None]
    moved = [d for d in differences if d.stored is not None]
    remarks = []
    if news := pen.record(fresh.key, fresh.fetched_at, KEPT, moved):
        remarks.append(
            f"{fresh.symbol}: Yahoo now tells {_listing(news)}; the store keeps what it had and "
            f"the revision is on record. To take Yahoo's present series, run: {remedy}"
        )
    if news := pen.record(fresh.key, fresh.fetched_at, ADDED, late):
        remarks.append(
            f"{fresh.symbol}: Yahoo told late of {_listing(news)}; added, and on record as a "
            "revision"
        )
    return tuple(remarks)


def _replaced(pen: Writer, fresh: Entry, differences: Sequence[Difference]) -> tuple[str, ...]:
    if not (news := pen.record(fresh.key, fresh.fetched_at, REPLACED, differences)):
        return ()
    return (
        f"{fresh.symbol}: replaced what was stored; different now: {_listing(news)}. The old rows "
        "are on record as a revision",
    )


def _listing(differences: Sequence[Difference]) -> str:
    """Name the first difference in full and count the rest."""
    text = _shown(differences[0])
    more = len(differences) - 1
    return f"{text} and {more} more" if more else text


def _shown(difference: Difference) -> str:
    day = label(difference.ts).removesuffix(" 00:00:00 UTC")
    spot = f"the {difference.kind.replace('_', ' ')} of {day}"
    old, new = difference.stored, difference.received
    if old is None or new is None:
        return f"{spot} ({'not there before' if old is None else 'no longer there'})"
    names = FIELDS if difference.kind == "bar" else ("value",)
    parts = [
        f"{name} {before:.10g}, now {after:.10g}"
        for name, before, after in zip(names, old, new, strict=True)
        if before != after
    ]
    return f"{spot} ({'; '.join(parts)})"

"""What a turn of a paper run is made of, as plain values that go into a journal and come back."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine.features.stream import Row
from tradewind.engine.journal.event import Event
from tradewind.engine.live.prospect import NOTHING, Said
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import EVENT, FIELDS, FILL, ORDER, Ints, Records
from tradewind.engine.venues.facts import ReportKind, VenueReport

FLOAT, INT = "<f8", "<i8"


class Mode(StrEnum):
    """Whether the strategy is asked."""

    LIVE = "live"
    PAUSED = "paused"  # not asked; what works goes on working
    BEHIND = "behind"  # of one bar: not asked, since a later one is here and a broker trades now
    STOPPED = "stopped"  # by the kill switch: not asked until a person resumes


class Decision(NamedTuple):
    """What was known at a close besides bars and forecasts.

    Attributes
    ----------
    now : int
        Our clock when the decision was made, UTC nanoseconds; the bar's close in a replay.
    day : int
        Number of the session's day since 1970-01-01.
    mode : Mode
    leaving : tuple of int
        Columns that stop trading with this bar.
    quoted_at : ndarray of int64, shape (n_symbols,)
        Last tick of each symbol, UTC nanoseconds; 0 where nobody looks at it.
    """

    now: int
    day: int
    mode: Mode
    leaving: tuple[int, ...]
    quoted_at: Ints


class Command(NamedTuple):
    """What a person or a guard asks of a run.

    Attributes
    ----------
    id : str
    name : str
        pause, resume, flatten, stop, kill, thaw, halt, unhalt, delist.
    by : str
        page, cli, signal, risk ...
    at : int
        UTC nanoseconds.
    facts : mapping
        ``symbol`` for halt, unhalt and delist; ``flatten`` for stop and kill; ``reason``.
    """

    id: str
    name: str
    by: str
    at: int
    facts: Mapping[str, Any] = {}


def bar_event(n: int, row: Row, columns: Sequence[str], leaving: Sequence[int]) -> Event:
    """Bar ``n`` of the panel, and the columns that stop trading with it."""
    arrays = [getattr(row, name) for name in FIELDS]
    nothing = np.full(len(row.close), np.nan)
    arrays += [row.columns.get(name, nothing) for name in columns]
    facts = {"n": n, "ts": row.ts, "leaving": list(leaving)}
    return Event(0, row.ts, "bar", facts, _bytes(np.stack(arrays)))


def row_of(event: Event, columns: Sequence[str], n_symbols: int) -> Row:
    """Bar of a journal."""
    arrays = np.frombuffer(event.blob, FLOAT).reshape(len(FIELDS) + len(columns), n_symbols)
    further = dict(zip(columns, arrays[len(FIELDS) :], strict=True))
    opens, highs, lows, closes, volumes = arrays[: len(FIELDS)]
    return Row(int(event.facts["ts"]), opens, highs, lows, closes, volumes, further)


def forecast_event(at: int, said: Said) -> Event | None:
    """What was said at a close; None where nobody was there to say anything."""
    if said.forecasts is None and said.scores is None:
        return None
    parts: list[Any] = []
    facts: dict[str, Any] = {"ts": at, "horizon": 0, "levels": [], "columns": 0, "ranked": False}
    one = said.forecasts
    if one is not None:
        facts |= {"horizon": one.horizon, "levels": list(one.levels), "columns": one.mean.shape[1]}
        parts += [one.mean[0], one.std[0]]
        if one.levels:
            parts.append(one.quantiles[0].ravel())
    if said.scores is not None:
        facts["ranked"] = True
        parts.append(said.scores)
    return Event(0, at, "forecast", facts, _bytes(np.concatenate(parts)))


def said_of(event: Event | None) -> Said:
    """What a journal holds of what was said."""
    if event is None:
        return NOTHING
    numbers, facts = np.frombuffer(event.blob, FLOAT), event.facts
    k, levels = facts["columns"], tuple(facts["levels"])
    end = k * (2 + len(levels))
    scores = numbers[end:] if facts["ranked"] else None
    if not k:
        return Said(None, scores)
    mean, std = numbers[None, :k], numbers[None, k : 2 * k]
    if not levels:
        return Said(Forecasts(mean, std, facts["horizon"]), scores)
    quantiles = numbers[2 * k : end].reshape(1, k, len(levels))
    return Said(Forecasts(mean, std, facts["horizon"], levels, quantiles), scores)


def decision_event(n: int, at: int, decision: Decision) -> Event:
    """What was known at a close besides."""
    quoted = decision.quoted_at
    return Event(
        0, at, "decision",
        {
            "n": n, "now": decision.now, "day": decision.day, "mode": str(decision.mode)
        },
        _bytes(quoted, INT) if quoted.any() else b"",
    )  # fmt: skip


def decision_of(event: Event, bar: Event, n_symbols: int) -> Decision:
    """What a journal holds of that, and of its bar."""
    facts = event.facts
    quoted = np.frombuffer(event.blob, INT) if event.blob else np.zeros(n_symbols, np.int64)
    return Decision(
        facts["now"], facts["day"], Mode(facts["mode"]), tuple(bar.facts["leaving"]), quoted
    )


def command_event(command: Command) -> Event:
    """Event of a command."""
    facts = {"id": command.id, "name": command.name, "by": command.by, **command.facts}
    return Event(0, command.at, "command", facts)


def command_of(event: Event) -> Command:
    """Command of an event."""
    facts = dict(event.facts)
    return Command(facts.pop("id"), facts.pop("name"), facts.pop("by"), event.at, facts)


def report_event(report: VenueReport) -> Event:
    """Event of what a broker said."""
    facts = report._asdict() | {"kind": str(report.kind)}
    return Event(0, report.at, "report", facts)


def report_of(event: Event) -> VenueReport:
    """What a broker said, of an event."""
    facts = dict(event.facts)
    return VenueReport(ReportKind(facts.pop("kind")), **facts)


def record_events(kind: str, n: int, at: int, records: Records) -> list[Event]:
    """One event for all records that one input brought; none where it brought none."""
    return [Event(0, at, kind, {"n": n}, records.tobytes())] if len(records) else []


def records_of(events: Sequence[Event], kind: str) -> Records:
    """Records of the events of one kind, in their order."""
    dtype = {"order": ORDER, "fill": FILL, "happening": EVENT}[kind]
    return np.frombuffer(b"".join(event.blob for event in events), dtype)


def latest_orders(events: Sequence[Event]) -> Records:
    """Each order as the last event says it is, by number."""
    records = records_of(events, "order")[::-1]
    return records[np.unique(records["id"], return_index=True)[1]]


def _bytes(array: Any, kind: str = FLOAT) -> bytes:
    return np.ascontiguousarray(array, kind).tobytes()

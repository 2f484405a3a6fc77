"""How a paper run is, read from its folder beside whoever works on it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tradewind.engine.errors import TradewindError
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.journal import JournalReader
from tradewind.engine.journal.lease import writer_of
from tradewind.engine.live.home import Home, is_paper
from tradewind.engine.live.logbook import last_word
from tradewind.engine.live.pausing import pause_of
from tradewind.engine.live.standing import standing
from tradewind.engine.records import label

WHOLE = 4_000_000  # bytes; a smaller journal is read, and so checked, from its first event on


@dataclass(frozen=True, slots=True)
class Status:
    """One line about a run.

    Attributes
    ----------
    run, state : str
        ``running``, ``stopped`` or ``died`` (no process, and the journal does not say why).
    process : int or None
    bars : int
    last_bar : str
    equity : float or None
    positions, orders, fills, refused : int
        Held; working; filled; refused so far.
    ended : str
        Why it ended last; of one that died what its log says, if that says anything.
    barred : str
        Which switch or loss stop lets nothing through that adds; empty: none does.
    refusal : str
        Why the last order was refused that was.
    mode : str
        Whether the strategy is asked: ``live``, ``paused``, ``frozen`` (a loss stop) or ``killed``.
    feed : str
        State of the feed, its reason and since when; empty before it has said anything.
    damage : str
        What is wrong with its journal; empty for a sound one.
    """

    run: str
    state: str
    process: int | None = None
    bars: int = 0
    last_bar: str = ""
    equity: float | None = None
    positions: int = 0
    orders: int = 0
    fills: int = 0
    refused: int = 0
    ended: str = ""
    barred: str = ""
    refusal: str = ""
    mode: str = "live"
    feed: str = ""
    damage: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def cells(self) -> tuple[str, ...]:
        """Cells of a table's row."""
        why = self.damage or "; ".join(filter(None, (self.ended, self.barred)))
        state = self.state if self.mode == "live" else f"{self.state}, {self.mode}"
        return (
            self.run, state, str(self.process or ""), f"{self.bars:,}", self.last_bar,
            "" if self.equity is None else f"{self.equity:,.2f}", str(self.positions),
            str(self.orders), str(self.refused), self.feed, why,
        )  # fmt: skip


def folders(results: Path) -> list[Path]:
    """Folders of the paper runs below ``results``, by name."""
    return sorted(path for path in results.glob("*") if path.is_dir() and is_paper(path))


def status_of(folder: Path) -> Status:
    """Status of a run; damage is told, not raised."""
    home = Home(folder)
    process = writer_of(home.journal)
    try:
        reader = JournalReader(home.journal)
    except TradewindError as error:
        return Status(home.run, "damaged", process, damage=str(error))
    try:
        return _read(home, process, reader)
    except TradewindError as error:
        return Status(home.run, "damaged", process, damage=str(error))
    finally:
        reader.close()


def _read(home: Home, process: int | None, reader: JournalReader) -> Status:
    equity, started = reader.last("equity"), reader.last("started")
    small = home.journal.stat().st_size <= WHOLE
    found = standing(reader, len(started.facts["symbols"]) if started else 0, whole=small)
    stopped, resumed, refused = map(reader.last, ("stopped", "resumed", "refused"))
    begun = max((event.seq for event in (started, resumed) if event is not None), default=0)
    ended = stopped is not None and stopped.seq > begun
    state = "running" if process is not None else "stopped" if ended else "died"
    barred, bars = _barred(reader, equity), 0
    if equity is not None and started is not None:
        bars = equity.facts["n"] + 1 - started.facts["first_row"]
    return Status(
        home.run, state, process, bars, label(equity.at) if equity else "",
        equity.facts["equity"] if equity else None, found.positions, found.working, found.fills,
        found.refused,
        str(stopped.facts["reason"]) if ended and stopped is not None
        else last_word(home.folder) if state == "died" else "",
        barred, str(refused.facts["reason"]) if refused else "",
        _mode(reader, barred), _feed(reader) if process is not None else "",
    )  # fmt: skip


def _barred(reader: JournalReader, equity: Event | None) -> str:
    """What lets nothing through that adds: by the last close, or a command behind it."""
    found, since = ("", 0) if equity is None else (equity.facts.get("barred", ""), equity.seq)
    for event in reader.events(after=since, kinds=("command",)):
        if event.facts["name"] == "thaw":
            found = ""
        elif event.facts["name"] == "kill":
            found = f"the kill switch is on: by {event.facts['by']}"
    return str(found)


def _mode(reader: JournalReader, barred: str) -> str:
    """Whether the strategy is asked at the next close."""
    pause = pause_of(reader)
    if pause is not None and not pause.over:
        return "killed" if pause.name == "kill" else "paused"
    return "frozen" if barred else "live"


def _feed(reader: JournalReader) -> str:
    """State of the feed, why, and since when; a replay has none."""
    event = reader.last("feed")
    if event is None:
        return ""
    reason = event.facts["reason"]
    return f"{event.facts['state']} since {label(event.at)}" + (f": {reason}" if reason else "")

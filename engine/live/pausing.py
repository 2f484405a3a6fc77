"""Who has paused a run, by what stands in its journal."""

from typing import NamedTuple

from tradewind.engine.journal.journal import JournalReader
from tradewind.engine.records import label

LIFTS = ("resume", "thaw")


class Pause(NamedTuple):
    """What keeps the strategy from being asked.

    Attributes
    ----------
    name, by : str
        Command, and who gave it.
    at : int
        UTC nanoseconds.
    over : bool
        Whether it was a stop that closed everything and came to its end, which 'resume' undoes.
    """

    name: str
    by: str
    at: int
    over: bool = False

    @property
    def sentence(self) -> str:
        """Who paused it, and when."""
        what = "" if self.name == "pause" else f" ('{self.name}')"
        return f"paused by {self.by}{what} at {label(self.at)}"


def pause_of(reader: JournalReader) -> Pause | None:
    """What keeps the strategy from being asked; None: nothing does.

    The first of several counts: a run that was paused and then stopped is a paused one.
    """
    found: Pause | None = None
    since = 0
    for event in reader.events(kinds=("command",)):
        name, by = str(event.facts["name"]), str(event.facts["by"])
        closes = name == "stop" and bool(event.facts.get("flatten"))
        if name in LIFTS:
            found = None
        elif name == "kill" or (found is None and (name in ("pause", "flatten") or closes)):
            found, since = Pause(name, by, event.at), event.seq
    if found is None or found.name != "stop":
        return found
    ended = reader.last("stopped")
    over = (
        ended is not None and ended.seq > since and ended.facts["reason"] == f"stop by {found.by}"
    )
    return found._replace(over=over)

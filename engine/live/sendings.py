"""Under which names orders were sent to a broker outside, as the journal has it."""

from collections.abc import Iterable

from tradewind.engine.journal.event import Event
from tradewind.engine.venues.facts import ReportKind, VenueReport
from tradewind.engine.venues.ids import client_id, number_in, other_of

ENDS = (ReportKind.CANCELLED, ReportKind.EXPIRED, ReportKind.REJECTED)
KINDS = ("submit", "recall")  # what the journal has of it


class Sendings:
    """What was sent, and what of it was called back to be sent in another shape.

    Parameters
    ----------
    run : str
    events : iterable of Event
        Of an earlier life.

    Attributes
    ----------
    by_number : dict of int to list of str
        Number of an order -> every name that it was sent under.
    recalled : set of str
    unsettled : set of int
        Orders that something may still have to be asked about: few of a long run's.
    """

    def __init__(self, run: str, events: Iterable[Event] = ()) -> None:
        self.run = run
        self.by_number: dict[int, list[str]] = {}
        self.unsettled: set[int] = set()
        self.recalled: set[str] = set()
        for event in events:
            self.note(event)

    def note(self, event: Event) -> None:
        """Take what is in the journal."""
        number = int(event.facts["number"])
        self.unsettled.add(number)
        name = str(event.facts.get("id", client_id(self.run, number)))
        if event.kind == "recall":
            self.recalled.add(name)
        elif name not in self.by_number.setdefault(number, []):
            self.by_number[number].append(name)

    def current(self, number: int) -> str | None:
        """Name under which an order is, or may be, at the broker; None: it has to be sent."""
        names = self.by_number.get(number)
        return names[-1] if names and names[-1] not in self.recalled else None

    def beside(self, number: int) -> int:
        """Order that was sent with this one; -1 where it was sent alone, or not at all."""
        other = other_of(self.current(number) or "")
        found = None if other is None else number_in(other, self.run)
        return -1 if found is None else found

    def fresh(self, number: int, beside: int) -> str:
        """Name to send an order under; none that was used before for something else."""
        turn, used = 1, self.by_number.get(number, [])
        while (name := client_id(self.run, number, beside, turn)) in used:
            turn += 1
        return name

    def says_nothing(self, report: VenueReport) -> bool:
        """Whether a report is the end of what was called back: the order itself works on."""
        return report.kind in ENDS and report.client_id in self.recalled

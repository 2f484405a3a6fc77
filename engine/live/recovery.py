"""A run that goes on: its journal is read back through the very code that wrote it.

The newest snapshot gives the account as it was; every bar, command and answer behind it is done
again, and what comes of it must be what the journal says came of it then.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tradewind.engine.errors import JournalError
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.journal import JournalReader
from tradewind.engine.live.account import Account, fitted_at
from tradewind.engine.live.facts import command_of, decision_of, report_of, row_of, said_of

INPUTS = ("bar", "command", "report")  # each begins what belongs together
ACCOUNT = frozenset(
    {"bar", "forecast", "decision", "order", "fill", "refused", "cancelled", "happening", "equity",
     "risk", "command", "report"}
)  # fmt: skip


def recovered(account: Account, journal: JournalReader) -> int:
    """Bring a new account to where the journal ends; number of bars since the history.

    Parameters
    ----------
    account : Account
        As it was before its first bar.
    journal : JournalReader

    Raises
    ------
    JournalError
        If the journal is damaged, or what is done again comes out otherwise than it says.
    """
    kept = journal.snapshot()
    after = 0
    if kept is not None:
        after = kept[0]
        _take_over(account, journal, after, kept[1])
    for group in groups(journal, after):
        _again(account, group, journal)
    return account.book.panel.n_bars - account.first_row


def _take_over(account: Account, journal: JournalReader, upto: int, blob: bytes) -> None:
    """Put the bars up to a snapshot in, then the snapshot."""
    panel = account.book.panel
    columns = tuple(panel.columns)
    for event in journal.events(kinds=("bar", "forecast")):
        if event.seq > upto:
            break
        if event.kind == "bar":
            row = row_of(event, columns, panel.n_symbols)
            account.book.take(row, event.facts["leaving"])
        elif not account.prospect.whole:
            account.prospect.keep(said_of(event))
    account.load(blob)
    account.prospect.refit(account.book.panel, fitted_at(blob))


def groups(journal: JournalReader, after: int) -> Iterator[list[Event]]:
    """Events of the account behind number ``after``, an input and what came of it at a time."""
    group: list[Event] = []
    for event in journal.events(after=after):
        if event.kind not in ACCOUNT:
            continue
        if event.kind in INPUTS and group:
            yield group
            group = []
        group.append(event)
    if group:
        yield group


def _again(account: Account, group: Sequence[Event], journal: JournalReader) -> None:
    """Do one input again, and hold what comes of it to what is written."""
    first = group[0]
    panel = account.book.panel
    if first.kind == "bar":
        row = row_of(first, tuple(panel.columns), panel.n_symbols)
        by_kind: dict[str, Any] = {event.kind: event for event in group}
        decision = decision_of(by_kind["decision"], first, panel.n_symbols)
        said = said_of(by_kind.get("forecast"))
        made = account.bar(row, decision, said)
    elif first.kind == "command":
        made = account.obey(command_of(first))
    else:
        made = account.answer(report_of(first))
    written = [(event.kind, event.at, dict(event.facts), event.blob) for event in group]
    now = [(event.kind, event.at, dict(event.facts), event.blob) for event in made]
    if written != now:
        what = next(
            (a for a, b in zip(written, now, strict=False) if a != b), (first.kind, first.at)
        )
        raise JournalError(
            f"{journal.path}: done again, event {first.seq} ({first.kind}) comes out otherwise "
            f"than it is written, from a {what[0]} on: the code, a package or the history has "
            "changed since; go on with the version that wrote it, or begin a new run"
        )

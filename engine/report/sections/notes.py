"""What a reader must know about the data before believing anything else."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from tradewind.engine.report.section import Context, Section, render

MAX_NOTES = 60
MAX_LENGTH = 400  # characters of one note
MAX_PLACE = 60  # characters of one place
MAX_PLACES = 40  # named of those that share a note
PLACED = re.compile(r"(\S+(?: \d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d\S*)?)?): (.+)", re.DOTALL)


class Note(NamedTuple):
    """One thing to know, and where it applies; no places: to all of the data."""

    text: str
    places: list[str]
    n_places: int


def notes(context: Context) -> Section:
    """Findings, repairs and survivorship as the feed stated them."""
    found = folded(context.run.notes)
    html = render("notes.html", notes=found[:MAX_NOTES], more=max(0, len(found) - MAX_NOTES))
    return Section("notes", "Notes on the data", html, "Data")


def folded(said: Sequence[str]) -> list[Note]:
    """Notes in their order; what is said of several symbols or dates stands once.

    A note that begins with a place (``KO 2014-02-03: no bar``) shares its line with all others that
    say the same of other places.
    """
    places: dict[str, list[str]] = {}
    for note in said:
        match = PLACED.fullmatch(note)
        where, text = match.groups() if match else ("", note)
        places.setdefault(text, []).append(where)
    return [_note(text, [where for where in at if where]) for text, at in places.items()]


def _note(text: str, places: list[str]) -> Note:
    cut = text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}…"
    shown = [place[:MAX_PLACE] for place in places[:MAX_PLACES]]
    return Note(cut, shown, len(places))

"""What a reader must know about the data before believing anything else."""

from tradewind.engine.report.section import Context, Section, render
from tradewind.engine.report.words import moment

MAX_NOTES = 60
MAX_LENGTH = 400  # characters of one note


def notes(context: Context) -> Section:
    """Findings, repairs and survivorship as the feed stated them."""
    said = [note if len(note) <= MAX_LENGTH else f"{note[:MAX_LENGTH]}…" for note in
            context.run.notes]  # fmt: skip
    panel = context.run.panel
    ended = [
        f"{panel.symbols[k]} ({moment(panel.dates[row])})"
        for k, row in enumerate(panel.ends.tolist())
        if row >= 0
    ]
    html = render(
        "notes.html",
        notes=said[:MAX_NOTES],
        more=max(0, len(said) - MAX_NOTES),
        ended=ended[:MAX_NOTES],
        ended_more=max(0, len(ended) - MAX_NOTES),
        n_symbols=panel.n_symbols,
    )
    return Section("notes", "Notes on the data", html, "Data")

"""Where the strategy tells the run on pages of its own, and the first of what it says."""

from tradewind.engine.report.section import Context, Section, render

MOST_TITLES = 12


def explained(context: Context) -> Section | None:
    """Link and first sentences; None where the strategy tells nothing."""
    told = context.run.explanation
    if told is None:
        return None
    titles = [str(sheet["short"]) for sheet in told["sheets"]]
    more = len(titles) - MOST_TITLES
    shown = [*titles[:MOST_TITLES], *([f"{more} more"] if more > 0 else [])]
    sentences = told["sheets"][0]["sentences"] if told["sheets"] else []
    html = render("explained.html", titles=shown, sentences=sentences)
    return Section("explained", str(told["title"]), html, str(told["title"]))

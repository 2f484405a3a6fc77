"""A run as one HTML file: it opens offline, asks nobody for anything, and fits into an e-mail.

Scripts run by their hash alone (Content-Security-Policy), so that no text of a run can become one.
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256

from markupsafe import Markup

from tradewind.engine.report.run import Run
from tradewind.engine.report.section import Context, Section, SectionMaker, asset
from tradewind.engine.report.section import render as fill
from tradewind.engine.report.sections.ambiguity import ambiguity
from tradewind.engine.report.sections.equity import equity
from tradewind.engine.report.sections.explained import explained
from tradewind.engine.report.sections.figures import figures
from tradewind.engine.report.sections.fits import fits
from tradewind.engine.report.sections.forecasts import forecasts
from tradewind.engine.report.sections.headline import headline
from tradewind.engine.report.sections.money import money
from tradewind.engine.report.sections.months import months
from tradewind.engine.report.sections.notes import notes
from tradewind.engine.report.sections.orders import orders
from tradewind.engine.report.sections.rankings import rankings
from tradewind.engine.report.sections.setup import setup
from tradewind.engine.report.sections.sizing import sizing
from tradewind.engine.report.sections.spread import spread
from tradewind.engine.report.sections.trades import trades

MAX_BYTES = 2_000_000
SCRIPTS = (
    "assets/echarts-6.1.0.min.js",
    "assets/charts.js",
    "assets/charts-price.js",
    "assets/charts-forecasts.js",
    "assets/charts-explained.js",
    "assets/report.js",
)
STYLE = "assets/report.css"

SECTIONS: tuple[SectionMaker, ...] = (
    figures,
    equity,
    months,
    explained,
    trades,
    forecasts,
    rankings,
    fits,
    money,
    spread,
    sizing,
    orders,
    ambiguity,
    notes,
    setup,
)


def render(run: Run, *, sections: Sequence[SectionMaker] = SECTIONS) -> str:
    """HTML of a run's page.

    Parameters
    ----------
    run : Run
    sections : sequence of SectionMaker
        In order; one that returns None is left out.

    Returns
    -------
    str
        One file below two million bytes, without a reference to anything outside itself.
    """
    context = Context(run)
    html = _page(context, sections)
    over = len(html.encode()) - MAX_BYTES + 1
    if over > 0:  # notes, names or a section of the user's own took the room of prices
        html = _page(Context(run, max(0, context.price_bytes - over)), sections)
    return html


def _page(context: Context, sections: Sequence[SectionMaker]) -> str:
    made: list[Section] = [s for s in (make(context) for make in sections) if s is not None]
    return skeleton(context.run.name, headline(context), made, SCRIPTS)


def skeleton(
    name: str, head: Markup, sections: Sequence[Section], scripts: Sequence[str] = ()
) -> str:
    """HTML of a whole page.

    Parameters
    ----------
    name : str
        Title of the window.
    head : Markup
        What stands above the contents.
    sections : sequence of Section
        At least one.
    scripts : sequence of str
        Assets that draw its charts; without any, none may run.
    """
    texts = [Markup(asset(script)) for script in scripts]  # ours, from the package
    return str(
        fill(
            "page.html",
            name=name,
            policy=_policy(texts),
            style=Markup(asset(STYLE)),
            head=head,
            sections=sections,
            scripts=texts,
        )
    )


def _policy(scripts: Sequence[str]) -> str:
    """Refuse everything but these very scripts, inline styles and images the charts make."""
    seals = (b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    hashes = " ".join(f"'sha256-{seal}'" for seal in seals) or "'none'"
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )

"""A few bars around a zero line as SVG: what came of each group of a ranking."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from tradewind.engine.report.section import render
from tradewind.engine.report.words import is_number, signed_percent

WIDTH, HEIGHT, FOOT, GAP = 340, 120, 18, 4  # CSS pixels: of all, of the bars; axis; between bars


class Bar(NamedTuple):
    """One bar of the drawing, in pixels, and what it says when it is pointed at."""

    x: float
    y: float
    height: float
    up: bool
    name: str
    text: str


def bars(
    values: Sequence[float | None], names: Sequence[str], label: str, *, reach: float
) -> Markup:
    """Draw one bar a value, left to right; no bar for what is unknown.

    Parameters
    ----------
    values : sequence of (float or None)
        Fractions.
    names : sequence of str
        Below the bars.
    label : str
        What somebody who cannot see it should know, as a sentence.
    reach : float
        Largest absolute value of all drawings that are to be compared; above 0.
    """
    room = WIDTH / len(values)
    drawn = []
    for i, (value, name) in enumerate(zip(values, names, strict=True)):
        size = HEIGHT / 2 * abs(value) / reach if is_number(value) else 0.0
        up = is_number(value) and value >= 0
        y = HEIGHT / 2 - (size if up else 0.0)
        text = f"{name}: {signed_percent(value, 2)}"
        drawn.append(Bar(round(i * room + GAP / 2, 1), round(y, 1), round(size, 1), up, name, text))
    return render(
        "bars.html", drawn=drawn, bar=round(room - GAP, 1), zero=HEIGHT / 2, label=label,
        width=WIDTH, height=HEIGHT + FOOT, foot=HEIGHT,
    )  # fmt: skip

"""A front of portfolios as SVG: risk across, return up, in sample and out of sample."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from markupsafe import Markup

from tradewind.engine.records import Floats
from tradewind.engine.report.section import render

WIDTH, HEIGHT, LEFT, FOOT, MARGIN = 720, 380, 54, 40, 12  # CSS pixels
STEPS = 8  # of an axis, at most


class Mark(NamedTuple):
    """One portfolio on the plot, in pixels."""

    x: float
    y: float
    number: int  # 0: equal weight
    title: str
    label: str  # written beside it


class Axes(NamedTuple):
    """What the plot covers, in units of the data."""

    left: float
    right: float
    low: float
    high: float

    def x(self, risk: float) -> float:
        """Pixels from the left."""
        share = (risk - self.left) / (self.right - self.left)
        return round(LEFT + share * (WIDTH - LEFT - MARGIN), 1)

    def y(self, gain: float) -> float:
        """Pixels from the top."""
        share = (gain - self.low) / (self.high - self.low)
        return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)


def plot(
    train: tuple[Floats, Floats],
    test: tuple[Floats, Floats],
    reference: Mapping[str, tuple[float, float]],
    labels: Mapping[int, str],
    titles: Mapping[str, Sequence[str]],
    *,
    numbers: Sequence[int],
    risk: str,
    joined: bool = True,
) -> Markup:
    """Draw a front twice: where it was bred, joined, and where it came to lie afterwards.

    Parameters
    ----------
    train, test : tuple of ndarray of float64, shape (n_portfolios,)
        Risk and return, fractions.
    reference : mapping of str to tuple of float
        ``train`` and ``test`` -> risk and return of equal weight.
    labels : mapping of int to str
        Number of a portfolio -> what is written beside it.
    titles : mapping of str to sequence of str
        ``train`` and ``test`` -> what the pointer shows, one a portfolio.
    numbers : sequence of int
        Of the portfolios, in the same order.
    risk : str
        Name of the axis.
    joined : bool
        Whether a line leads from point to point: with a third objective they form a surface.
    """
    risks = [*train[0], *test[0], reference["train"][0], reference["test"][0]]
    gains = [*train[1], *test[1], reference["train"][1], reference["test"][1]]
    axes = Axes(*_padded(risks), *_padded(gains))
    marks = {
        name: [
            Mark(axes.x(x), axes.y(y), number, title, labels.get(number, ""))
            for number, title, x, y in zip(numbers, titles[name], *points, strict=True)
            if x == x and y == y
        ]
        for name, points in (("train", train), ("test", test))
    }
    ends = {mark.number: mark for mark in marks["test"]}
    ways = [
        (one, ends[one.number])
        for one in marks["train"]
        if one.number in labels and one.number in ends
    ]
    equal = [
        (axes.x(x), axes.y(y), f"equal weight, {name}", name)
        for name, (x, y) in reference.items()
        if x == x and y == y
    ]
    return render(
        "front_plot.html",
        width=WIDTH, height=HEIGHT + FOOT, foot=HEIGHT, left=LEFT, right=WIDTH - MARGIN,
        marks=marks, ways=ways, equal=equal, risk=risk,
        line=" ".join(f"{mark.x},{mark.y}" for mark in marks["train"]) if joined else "",
        across=[(axes.x(at), _percent(at)) for at in _ticks(axes.left, axes.right)],
        up=[(axes.y(at), _percent(at)) for at in _ticks(axes.low, axes.high)],
        label=f"Return after costs against {risk}, in sample and out of sample.",
    )  # fmt: skip


def _padded(values: Sequence[float]) -> tuple[float, float]:
    known = [float(value) for value in values if value == value]
    low, high = min(known), max(known)
    room = 0.06 * (high - low) or 0.01
    return low - room, high + room


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers inside an axis."""
    rough = (high - low) / STEPS
    unit = 10.0 ** floor(log10(rough))
    step = next(unit * k for k in (1, 2, 2.5, 5, 10) if unit * k >= rough)
    return [k * step for k in range(ceil(low / step), floor(high / step) + 1)]


def _percent(at: float) -> str:
    return f"{100 * at:.4g} %".replace("-", "\N{MINUS SIGN}")

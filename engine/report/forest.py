"""Estimates with their intervals, one line each, around a zero line: a forest plot as SVG."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import NamedTuple

from markupsafe import Markup

from tradewind.engine.report.section import render
from tradewind.engine.report.words import is_number

WIDTH, NAMES, ROW, FOOT = 340, 112, 20, 22  # CSS pixels: of all, of the names; a line; the axis
MARGIN = 8
MOST = 4  # steps of an axis


class Estimate(NamedTuple):
    """A number with an interval; ``strong`` is drawn filled."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    strong: bool = True


class Mark(NamedTuple):
    """One line of the drawing, in pixels."""

    name: str
    y: float
    at: float | None
    low: float | None
    high: float | None
    strong: bool


def forest(estimates: Sequence[Estimate], label: str, *, unit: str, scale: float = 1.0) -> Markup:
    """Draw estimates as SVG, in the order given.

    Parameters
    ----------
    estimates : sequence of Estimate
    label : str
        What somebody who cannot see it should know, as a sentence.
    unit : str
        Behind the numbers of the axis.
    scale : float
        What values are multiplied by: 100 for percent.
    """
    ends = [
        scale * float(x)
        for one in estimates
        for x in (one.value, one.low, one.high)
        if is_number(x)
    ]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    if low == high:
        low, high = -1.0, 1.0
    span = WIDTH - NAMES - 2 * MARGIN

    def across(value: float | None) -> float | None:
        if not is_number(value):
            return None
        return round(NAMES + MARGIN + span * (scale * float(value) - low) / (high - low), 1)

    marks = [
        Mark(one.name, (i + 0.5) * ROW, across(one.value), across(one.low), across(one.high),
             one.strong)
        for i, one in enumerate(estimates)
    ]  # fmt: skip
    ticks = [(across(tick / scale), _tick(tick, low, high) + unit) for tick in _ticks(low, high)]
    return render(
        "forest.html", marks=marks, ticks=ticks, zero=across(0.0), label=label, width=WIDTH,
        height=len(marks) * ROW + FOOT, foot=len(marks) * ROW, shortest=NAMES,
    )  # fmt: skip


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between ``low`` and ``high``, so few that their texts stay apart."""
    power = 10.0 ** floor(log10(high - low))
    step = next(m * power for m in (0.2, 0.5, 1.0, 2.0, 5.0) if (high - low) / (m * power) <= MOST)
    return [k * step for k in range(ceil(low / step), floor(high / step) + 1)]


def _tick(value: float, low: float, high: float) -> str:
    digits = max(0, 1 - floor(log10(high - low)))
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")

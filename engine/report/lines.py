"""A few curves over time as SVG, the best of them named."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from tradewind.engine.records import Floats
from tradewind.engine.report.section import render

WIDTH, HEIGHT, FOOT = 720, 260, 22  # CSS pixels
POINTS = 360  # of a curve; more cannot be seen
NAME_ROOM = 110
APART = 13  # pixels between two names
MOST_YEARS = 15  # named below the curves


def lines(
    dates: npt.NDArray[np.datetime64],
    curves: Mapping[str, Floats],
    named: Sequence[str],
    label: str,
) -> Markup:
    """Draw curves that begin at one.

    Parameters
    ----------
    dates : ndarray of datetime64, shape (n_bars,)
    curves : mapping of str to ndarray of float64, shape (n_bars,)
    named : sequence of str
        Drawn strongly, with their names at the end.
    label : str
        What somebody who cannot see it should know, as a sentence.
    """
    at = np.unique(np.linspace(0, len(dates) - 1, min(POINTS, len(dates))).round().astype(int))
    grown = {name: curve[at] / curve[0] for name, curve in curves.items()}
    low = min(float(curve.min()) for curve in grown.values())
    high = max(float(curve.max()) for curve in grown.values())
    room = (high - low) or 1.0
    x = np.linspace(0, WIDTH - NAME_ROOM, len(at))
    paths = []
    for name in sorted(grown, key=lambda n: n in named):
        y = (HEIGHT - 8) - (HEIGHT - 16) * (grown[name] - low) / room
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        paths.append((name, points, name in named, float(y[-1])))
    zero = (HEIGHT - 8) - (HEIGHT - 16) * (1.0 - low) / room
    names = _placed({name: y for name, _, strong, y in paths if strong})
    years = _years(dates[at], x)
    return render(
        "lines.html", paths=paths, names=names, zero=round(zero, 1), label=label, width=WIDTH,
        height=HEIGHT + FOOT, foot=HEIGHT, right=WIDTH - NAME_ROOM, years=years,
    )  # fmt: skip


def _placed(ends: Mapping[str, float]) -> list[tuple[str, float]]:
    """Names at the ends of their curves, moved apart where they would overlap."""
    out: list[tuple[str, float]] = []
    for name, y in sorted(ends.items(), key=lambda item: item[1]):
        out.append((name, round(max(y + 4, out[-1][1] + APART) if out else y + 4, 1)))
    over = out[-1][1] - HEIGHT if out else 0.0
    return [(name, y - max(0.0, over)) for name, y in out]


def _years(dates: npt.NDArray[np.datetime64], x: Floats) -> list[tuple[float, str]]:
    """Where years begin: as many of them as their names have room."""
    year = dates.astype("datetime64[Y]")
    begins = np.flatnonzero(np.diff(year.astype(np.int64)) > 0) + 1
    every = -(-len(begins) // MOST_YEARS)
    return [(round(float(x[i]), 1), str(year[i])) for i in begins[::every]] if every else []

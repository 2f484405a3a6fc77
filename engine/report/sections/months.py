"""Returns by month and year."""

from math import isnan

import numpy as np

from tradewind.engine.report.section import Context, Section, render
from tradewind.engine.report.series import month_table

NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SHADES = 4  # of each colour; the darkest begins at the largest month in the table


def months(context: Context) -> Section | None:
    """Years down, months across, the year and the benchmark's year at the end."""
    if len(context.returns) < 2:
        return None
    ours = month_table(context.returns, context.dates)
    theirs = month_table(context.benchmark_returns, context.dates)
    seen = np.abs(ours.months[~np.isnan(ours.months)])
    # One wild month must not wash out all others.
    scale = float(np.quantile(seen, 0.95)) if len(seen) else 0.0
    rows = [
        {
            "year": year,
            "months": [(value, shade(value, scale)) for value in ours.months[i].tolist()],
            "total": float(ours.totals[i]),
            "rival": float(theirs.totals[i]),
        }
        for i, year in enumerate(ours.years)
    ]
    partial = _partial_years(context)
    html = render(
        "months.html", rows=rows, names=NAMES, benchmark=context.benchmark_name, partial=partial
    )
    return Section("months", "Month by month", html, "Months")


def shade(value: float, scale: float) -> str:
    """Class of a table cell: ``gain-1`` ... ``gain-4``, ``loss-1`` ..., empty around zero."""
    if isnan(value) or scale <= 0:
        return ""
    step = min(round(abs(value) / scale * SHADES), SHADES)
    return f"{'gain' if value > 0 else 'loss'}-{step}" if step else ""


def _partial_years(context: Context) -> list[int]:
    """Years of which the evaluation holds only a part, first and last."""
    days = context.dates.astype("datetime64[D]")
    first, last = days[0].item(), days[-1].item()
    # A first or last week without sessions is still a whole year.
    late, early = (first.month, first.day) > (1, 7), (last.month, last.day) < (12, 24)
    return sorted({year for year, cut in ((first.year, late), (last.year, early)) if cut})

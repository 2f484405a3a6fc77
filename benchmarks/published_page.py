"""The section on published tables of ``docs/benchmarks.md``."""

from typing import Any

from published import table


def section(rows: list[dict[str, Any]]) -> str:
    """The table with what it is."""
    found: str = (
        "## Published tables\n\n`python benchmarks/published.py`. Final wealth on Cover's market "
        "NYSE(O), 36 stocks over 5,651 days, as printed by Li and Hoi (2014), and after 10 basis "
        "points on all that is traded; then thresholds of Bertram (2010).\n\n" + table(rows)
    )
    return found

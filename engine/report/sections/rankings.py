"""What the rankings of a selector were worth: ranks, groups, and how soon it is over."""

from typing import Any

from tradewind.engine.report.bars import bars
from tradewind.engine.report.forest import Estimate, forest
from tradewind.engine.report.section import Context, Section, render
from tradewind.engine.report.words import is_number


def rankings(context: Context) -> Section | None:
    """Numbers, groups and decay; None without a selector or a formation with an outcome."""
    found = context.run.ranked
    if not found:
        return None
    html = render(
        "rankings.html", found=found, groups=_groups(found["groups"]), decay=_decay(found["decay"])
    )
    return Section("rankings", "Ranking against outcome", html, "Rankings")


def _groups(groups: list[float | None]) -> Any:
    known = [abs(value) for value in groups if is_number(value)]
    if not known:
        return None
    names = [str(k + 1) for k in range(len(groups))]
    label = f"Mean return of {len(groups)} groups, lowest scores first."
    return bars(groups, names, label, reach=max(known) or 1.0)


def _decay(lags: list[dict[str, Any]]) -> Any:
    estimates = [
        Estimate("this horizon" if one["lag"] == 0 else f"{one['lag']} later", one["value"],
                 one["low"], one["high"])
        for one in lags
    ]  # fmt: skip
    if not estimates:
        return None
    return forest(estimates, "Rank correlation with the outcome of later horizons.", unit="")

"""Orders that were not filled in full, by reason."""

from collections import Counter

from tradewind.engine.report.section import Context, Section, render
from tradewind.engine.report.words import reason
from tradewind.engine.types import Reason


def orders(context: Context) -> Section | None:
    """How every order ended; None where none was sent."""
    rows = context.run.simulation.orders
    if len(rows) == 0:
        return None
    counted = Counter(rows["reason"].tolist())
    filled = counted.pop(int(Reason.FILLED), 0)
    listed = [
        {"name": reason(code)[0], "meaning": reason(code)[1], "count": count}
        for code, count in counted.most_common()
    ]
    html = render("orders.html", rows=listed, filled=filled, total=len(rows))
    return Section("orders", "Orders that met an obstacle", html, "Orders")

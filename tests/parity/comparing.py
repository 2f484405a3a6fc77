"""Where two simulations of one run differ, in words."""

from typing import Any

import numpy as np

from tests.parity.random_runs import Run, Tabled
from tradewind.engine.executors import cerebro, reference
from tradewind.engine.records import Records, Simulation
from tradewind.engine.types import Happening, OrderType, Reason

RELATIVE = 1e-9
DUST = 1e-15  # of equity: interest on what rounding leaves of cash that was spent to the last cent
OF_ORDERS = (
    "symbol", "bar", "qty", "order_type", "reason", "filled_qty", "limit", "stop", "trail",
    "trail_fraction", "tif", "until", "parent", "oco", "reduce_only", "triggered", "fee", "value",
)  # fmt: skip
OF_FILLS = ("order", "symbol", "bar", "qty", "price", "mid", "quote", "fee", "fx")
OF_EVENTS = ("bar", "symbol", "kind", "amount")


def both(run: Run) -> tuple[Simulation, Simulation]:
    """Trade a run on the compiled simulator and on Cerebro."""
    ours, theirs = (
        simulate(Tabled(), run.table, run.panel, run.terms, start=1, market=run.market)
        for simulate in (reference.simulate, cerebro.simulate)
    )
    return ours, theirs


def difference(ours: Simulation, theirs: Simulation) -> str:
    """The first difference between kernel and Cerebro; empty where there is none."""
    return (
        _first(ours.fills, theirs.fills, OF_FILLS, "fill")
        or _first(ours.orders, theirs.orders, OF_ORDERS, "order")
        or _first(_told_of(ours), _told_of(theirs), OF_EVENTS, "event")
        or _curves(ours, theirs)
    )


def _told_of(run: Simulation) -> Records:
    """Events but for interest on the dust that rounding leaves of cash."""
    dust = DUST * float(np.abs(run.equity[0]))
    money = np.isin(run.events["kind"], [Happening.BORROW, Happening.INTEREST])
    told: Records = run.events[~(money & (np.abs(run.events["amount"]) < dust))]
    return told


def _first(ours: Records, theirs: Records, names: tuple[str, ...], what: str) -> str:
    for i in range(min(len(ours), len(theirs))):
        off = [n for n in names if not _same(ours[i][n], theirs[i][n])]
        if off:
            return f"{what} {i} differs in {off}:\n  {told(ours[i])}\n  {told(theirs[i])}"
    if len(ours) != len(theirs):
        longer, whose = (ours, "kernel") if len(ours) > len(theirs) else (theirs, "Cerebro")
        extra = told(longer[min(len(ours), len(theirs))])
        return f"{len(ours)} against {len(theirs)} {what}s; {whose} has also\n  {extra}"
    return ""


def _same(a: Any, b: Any) -> bool:
    return bool(np.isclose(a, b, rtol=RELATIVE, atol=1e-9, equal_nan=True))


def _curves(ours: Simulation, theirs: Simulation) -> str:
    scale = max(1.0, float(np.abs(ours.equity).max()))
    for name in ("equity", "cash", "gross", "borrow"):
        a, b = getattr(ours, name), getattr(theirs, name)
        off = np.flatnonzero(~(np.abs(a - b) <= RELATIVE * scale))
        if off.size:
            t = int(off[0])
            return f"{name} at bar {t}: kernel {a[t]!r}, Cerebro {b[t]!r}"
    return ""


def told(row: Any) -> str:
    """A record with the names of its codes."""
    names: dict[str, Any] = {"order_type": OrderType, "reason": Reason, "kind": Happening}
    parts = []
    for name in row.dtype.names:
        value = row[name].item()
        parts.append(f"{name}={names[name](value).name if name in names else value}")
    return " ".join(parts)

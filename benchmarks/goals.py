"""What the simulator was asked to reach, beside what the rows of one run say."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Rows = Sequence[dict[str, Any]]
EVENT_DRIVEN = ("raptorbt", "nautilus_trader", "backtrader")


class Goal(NamedTuple):
    """One line of the table; ``found`` is None where a peer it needs is absent."""

    workload: str
    wanted: str
    found: str | None
    met: bool


def one(rows: Rows, workload: str, engine: str) -> dict[str, Any] | None:
    """Row of one engine, if it was measured."""
    for row in rows:
        if (row["workload"], row["engine"]) == (workload, engine) and "absent" not in row:
            return row
    return None


def peers(rows: Rows, workload: str) -> list[dict[str, Any]]:
    """Measured rows of other people's engines, the fastest first."""
    ours = ("tradewind", "tradewind_2_threads", "bare_loop")
    found = [
        row
        for row in rows
        if row["workload"] == workload and row["engine"] not in ours and "absent" not in row
    ]
    return sorted(found, key=lambda row: row["ratio"])


def over(
    rows: Rows, workload: str, peer: str | None, least: float, among: Sequence[str] = ()
) -> Goal:
    """At least ``least`` times as fast as ``peer``, or as the fastest of all or of ``among``."""
    found = [row for row in peers(rows, workload) if "_2_threads" not in row["engine"]]
    if peer is not None:
        found = [row for row in found if row["engine"] == peer]
    if among:
        found = [row for row in found if row["engine"] in among]
    name = peer or ("the fastest event-driven peer" if among else "the fastest peer")
    wanted = f"at least {least:,g}x {name}"
    if not found or one(rows, workload, "tradewind") is None:
        return Goal(workload, wanted, None, False)
    times = found[0]["ratio"]
    said = f"{times:,.1f}x" + ("" if peer else f" ({found[0]['engine']})")
    return Goal(workload, wanted, said, times >= least)


def within(rows: Rows, workload: str, most: float) -> Goal:
    """Within ``most`` times the bare loop's time."""
    ours = one(rows, workload, "tradewind")
    wanted = f"within {most:g}x the bare loop"
    if ours is None or "ratio" not in ours:
        return Goal(workload, wanted, None, False)
    return Goal(workload, wanted, f"{ours['ratio']:.2f}x", ours["ratio"] <= most)


def below(
    rows: Rows, workload: str, field: str, most: float, what: str, unit: str, scale: float = 1.0
) -> Goal:
    """A figure of our own row below a limit."""
    ours = one(rows, workload, "tradewind")
    wanted = f"{what} under {most:g} {unit}"
    if ours is None:
        return Goal(workload, wanted, None, False)
    value = ours[field] * scale
    return Goal(workload, wanted, f"{value:.2f} {unit}", value < most)


def quotient(
    rows: Rows, upper: tuple[str, str], lower: tuple[str, str], wanted: str, ok: Callable[..., bool]
) -> Goal:
    """Time per bar of one row over that of another."""
    top, bottom = one(rows, *upper), one(rows, *lower)
    if top is None or bottom is None:
        return Goal(upper[0], wanted, None, False)
    value = top["ns_per_bar"] / bottom["ns_per_bar"]
    return Goal(upper[0], wanted, f"{value:.2f}x", ok(value))


def same_bits(rows: Rows) -> Goal:
    """The batch says the same at one thread and at two."""
    found = [one(rows, "B", name) for name in ("tradewind", "tradewind_2_threads")]
    wanted = "identical bits at 1 and N threads"
    seals = [row.get("digest") for row in found if row is not None]
    if len(seals) < 2 or not seals[0]:
        return Goal("B", wanted, None, False)
    same = seals[0] == seals[1]
    return Goal("B", wanted, "identical" if same else "different", same)


def goals(rows: Rows) -> list[Goal]:
    """Every goal, in the order they were set."""
    return [
        within(rows, "A", 2.0),
        over(rows, "A", None, 6.0),
        over(rows, "A", "backtrader", 3_000.0),
        over(rows, "A-orders", None, 4.0),
        quotient(
            rows,
            ("A-brackets", "tradewind"),
            ("A", "tradewind"),
            "at most 3x the market-order run",
            lambda times: times <= 3.0,
        ),
        within(rows, "B", 1.5),
        over(rows, "B", None, 10.0),
        quotient(
            rows,
            ("B", "tradewind"),
            ("B", "tradewind_2_threads"),
            "two threads at least 1.8x one",
            lambda times: times >= 1.8,
        ),
        below(rows, "B", "peak_mb", 40.0, "memory", "MB"),
        same_bits(rows),
        over(rows, "C", None, 150.0),
        over(rows, "C", "backtrader", 5_000.0),
        over(rows, "D", None, 50.0),
        over(rows, "D", "backtrader", 5_000.0),
        below(rows, "E", "ns_per_bar", 1.2, "a bar", "us", 1e-3),
        over(rows, "E", None, 5.0, EVENT_DRIVEN),
        below(rows, "F", "seconds", 0.8, "from a warm cache", "s"),
        below(rows, "F", "first_call_seconds", 5.0, "the first time ever", "s"),
    ]

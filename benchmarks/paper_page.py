"""The section on paper trading of ``docs/benchmarks.md``."""

from typing import Any

WHOSE = {"own": "our rule book", "outside": "a broker that fails one call in five"}


def section(rows: list[dict[str, Any]]) -> str:
    """What an open market costs."""
    parts = ["## Paper trading\n", "`python benchmarks/paper.py`.\n"]
    moved = [row for row in rows if row["case"] == "latency"]
    parts += [_latency_head(moved[0]), *map(_latency, moved), ""]
    parts += [_soak(row) for row in rows if row["case"] == "soak"]
    return "\n".join(parts)


def _latency_head(row: dict[str, Any]) -> str:
    return (
        "From the last tick of a bar until everything decided on it is in the journal: "
        f"{row['symbols']} symbols, {row['ticks_per_second']:,} ticks a second, a stateful LSTM on "
        "each. *Sync* is what a transaction of that size takes that is durable against a power "
        "cut, by the disk of this machine.\n\n"
        "| orders at a close | closes | median | goal 2 ms | 99 % within | goal 10 ms "
        "| sync, median | sync, 99 % |\n|--:|--:|--:|---|--:|---|--:|--:|"
    )


def _latency(row: dict[str, Any]) -> str:
    median, most = row["median_ms"], row["p99_ms"]
    return (
        f"| {row['orders_per_close']:.0f} | {row['closes']} | {median:.2f} ms "
        f"| {_met(median, 2.0)} | {most:.2f} ms | {_met(most, 10.0)} "
        f"| {row['sync_median_ms']:.2f} ms | {row['sync_p99_ms']:.2f} ms |"
    )


def _soak(row: dict[str, Any]) -> str:
    first, last, growth = row["rss_mb_after_a_fifth"], row["rss_mb_at_the_end"], row["growth"]
    return (
        f"\nA replay of {row['bars']:,} minute bars of {row['symbols']} symbols through the whole "
        f"process took {row['seconds']:,.0f} s, {row['ms_per_bar']:.2f} ms a bar, with "
        f"{row['fills']:,} fills and {row['exceptions']} exceptions; the journal grew by "
        f"{row['journal_bytes_per_bar']:,} bytes a bar. Memory after a fifth {first:,.0f} MB, at "
        f"the end {last:,.0f} MB: {growth:+.1%} (goal within 5 %: {_met(abs(growth), 0.05)}). The "
        f"bars themselves are {row['history_mb']:,.0f} MB, in a file that is mapped. From its "
        f"journal the account was where it had been in {row['restart_s']:.1f} s."
    )


def crash_section(rows: list[dict[str, Any]]) -> str:
    """Runs that were killed."""
    trials, same = sum(r["trials"] for r in rows), sum(r["identical"] for r in rows)
    lines = [
        "## Paper runs killed with -9\n",
        "`python benchmarks/crash.py`. Killed one to three times at the step named, gone on with "
        "from the folder each time, and compared with a run that nobody killed: every bar, "
        "decision, order, fill, refusal and equity, byte by byte; outside, the broker's own list "
        f"of orders as well. **{same:,} of {trials:,}** ended with the same books.\n",
        "| orders filled by | killed | trials | identical |",
        "|---|---|--:|--:|",
    ]
    lines += [
        f"| {WHOSE[row['venue']]} | {row['step'].replace('_', ' ')} | {row['trials']:,} "
        f"| {row['identical']:,} |"
        for row in rows
    ]
    return "\n".join(lines)


def reconnect_section(rows: list[dict[str, Any]]) -> str:
    """Connections that break."""
    by: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        by.setdefault(row["provider"], {})[row["case"]] = row
    lines = [
        "## Feeds that break\n",
        "`python benchmarks/reconnect.py`. Each provider's own client against a server on this "
        "machine that ends its connection, cleanly and by a reset in turn: until the feed is "
        "subscribed again. *Mute*: how much later than its limit silence is noticed. *Stall*: the "
        "longest that another task waited for its turn while a burst came, and in calm.\n",
        "| feed | breaks | p50 (goal 1 s) | p99 (goal 5 s) | mute, at most | burst "
        "| stall (goal 50 ms) | calm |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, of in by.items():
        back, mute, stall = of["reconnect"], of["mute"], of["stall"]
        missed = "" if stall["met"] else " **missed**"
        lines.append(
            f"| {name} | {back['breaks']} | {back['p50_s']:.2f} s | {back['p99_s']:.2f} s"
            f"{'' if back['met'] else ' **missed**'} | {mute['latest_s']:.2f} s "
            f"| {stall['ticks']:,} | {stall['longest_ms']:.0f} ms{missed} "
            f"| {stall['calm_ms']:.0f} ms |"
        )
    return "\n".join(lines)


def journal_section(rows: list[dict[str, Any]]) -> str:
    """A month of events gone on with."""
    lines = [
        "## A month's journal\n",
        "`python benchmarks/journal.py`. A month of 500 symbols by the minute with an event for "
        "every order and fill, which is more than a run writes. Read in a new process, its imports "
        "aside, with the file in the page cache and out of it; then processes killed while they "
        "append.\n",
    ]
    for row in rows:
        if row["case"] == "restart":
            where = "in the page cache" if row["cached"] else "read from the disk"
            lines.append(
                f"- {row['events']:,} events, {where}: open, snapshot, bars and the events behind "
                f"it in **{row['seconds']:.1f} s** (goal {row['goal']:g}: "
                f"{_met(row['seconds'], row['goal'])})"
            )
        elif row["case"] == "kill":
            lines.append(
                f"- sync {row['sync']}: {row['identical']} of {row['trials']} killed journals had "
                "every event that was acknowledged, and verified"
            )
    return "\n".join(lines)


def _met(found: float, goal: float) -> str:
    return "met" if found <= goal else "**missed**"

"""A row of the simulators' table as a person reads it."""

from typing import Any


def text(row: dict[str, Any]) -> str:
    """One line."""
    head = f"{row['workload']:11} {row['engine']:20}"
    if "absent" in row:
        return f"{head} absent: {row['absent']}"
    line = f"{head} {row['bars']:>9,} x {row['symbols']:<3} x {row['configs']:<5,}"
    line += f" {row['ns_per_bar']:>12,.2f} ns  first {row['first_call_seconds']:6.2f} s"
    if "cpu_seconds" in row:
        line += f"  cpu {row['cpu_seconds'] / row['seconds']:4.0%}"
    if "peak_mb" in row:
        line += f"  {row['peak_mb']:7.1f} MB"
    if "final_equity" in row:
        line += f"  {row['final_equity']:>13,.2f}{'=' if row.get('equals_bare_loop') else ' '}"
    if "ratio" in row:
        line += f"  {row['ratio']:>10,.2f} x {row['peer']}"
    return line

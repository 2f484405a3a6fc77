"""Whether a run is well, for whatever restarts or alarms."""

from collections.abc import Mapping
from typing import Any

SILENT_S = 60.0  # a run that has not shown itself for so long hangs, or fits a network


def silence(view: Mapping[str, Any], now: int) -> float | None:
    """Seconds since a run has shown itself; None before it has."""
    seen = view.get("now")
    return None if seen is None else max(0.0, (now - int(seen)) / 1e9)


def alive(view: Mapping[str, Any], now: int) -> tuple[bool, str]:
    """(whether its loop turns, why)."""
    age = silence(view, now)
    if age is not None and age > SILENT_S:
        return False, f"the run has not shown itself for {age:.0f} s"
    return True, "alive"


def ready(view: Mapping[str, Any], now: int) -> tuple[bool, str]:
    """(whether it trades, why): its loop turns, its feed lives, nobody has stopped it."""
    good, why = alive(view, now)
    if not good:
        return good, why
    state, reason = view.get("state", "starting"), view.get("reason") or ""
    if state != "live":
        return False, f"the run is {state}{': ' if reason else ''}{reason}"
    feed = view.get("feed") or {}
    if view.get("mode") != "replay" and feed.get("state") not in ("live", "delayed"):
        return False, f"the feed is {feed.get('state')}: {feed.get('reason')}"
    return True, "ready"

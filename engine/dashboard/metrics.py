"""Numbers of a run for Prometheus."""

from collections.abc import Iterator, Mapping
from typing import Any

FEED_STATES = ("connecting", "live", "delayed", "stale", "gap", "down")
RUN_STATES = ("starting", "live", "paused", "frozen", "killed", "stopping", "stopped")
# name, what it says, where it lies in the view; money is in the account's currency
GAUGES = (
    ("equity", "Account value, in the account's currency.", ("equity",)),
    ("cash", "Cash, in the account's currency.", ("cash",)),
    ("gross", "Sum of absolute position values, in the account's currency.", ("gross",)),
    ("start_equity", "Account value at the start.", ("start_equity",)),
    ("drawdown_ratio", "Fall from the highest account value, as a fraction.", ("drawdown",)),
    ("last_tick_age_seconds", "Seconds from the newest tick to when the run last showed itself.",
     ("feed", "last_tick_age_s")),
)  # fmt: skip
TIMES = (
    ("bar_timestamp_seconds", "Close of the last bar.", ("bar", "ts")),
    ("shown_timestamp_seconds", "When the run last showed itself.", ("now",)),
    ("start_timestamp_seconds", "When this process began to work on the run.", ("since",)),
)
LENGTHS = (
    ("positions", "Symbols held.", "positions"),
    ("orders_working", "Orders that work.", "orders"),
)
COUNTERS = (
    ("bars", "Bars taken.", ("bar", "number")),
    ("fills", "Executions.", ("n_fills",)),
    ("ticks", "Ticks that arrived, believed or not.", ("feed", "ticks")),
    ("reconnects", "Connections to the feed that were made anew.", ("feed", "reconnects")),
    ("gaps", "Holes in the stream.", ("feed", "gaps")),
)
LABELLED = (
    ("dropped_ticks", "Messages that were not used.", "reason", ("feed", "dropped")),
    ("orders", "Orders that have ended, by how.", "outcome", ("outcomes",)),
    ("refusals", "Orders that a risk rule refused, since this process began.", "rule",
     ("refusals",)),
)  # fmt: skip


def exposition(view: Mapping[str, Any]) -> bytes:
    """Numbers of a view in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Seen(view))
    return generate_latest(registry)


class _Seen:
    """A view, as Prometheus collects it; what the view lacks is absent, not zero."""

    def __init__(self, view: Mapping[str, Any]) -> None:
        self._view = view

    def _at(self, path: tuple[str, ...]) -> Any:
        found: Any = self._view
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    def collect(self) -> Iterator[Any]:
        """Every metric of the view."""
        yield from self._gauges()
        yield from self._states()
        yield from self._counters()
        yield from self._steps()

    def _gauges(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        found = [(name, said, self._at(path)) for name, said, path in GAUGES]
        found += [(name, said, (self._at(path) or 0) / 1e9) for name, said, path in TIMES]
        found += [(name, said, len(self._view.get(key) or ())) for name, said, key in LENGTHS]
        for name, said, value in found:
            if value is not None:
                yield GaugeMetricFamily(f"tradewind_{name}", said, value=float(value))
        limits = GaugeMetricFamily(
            "tradewind_limit_used_ratio", "Share of a risk limit that is used.", labels=["limit"]
        )
        for one in self._view.get("risk") or ():
            if one.get("share") is not None:
                limits.add_metric([str(one["limit"])], float(one["share"]))
        yield limits

    def _states(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

        words = ("run", "config", "mode", "currency")
        yield InfoMetricFamily(
            "tradewind_run", "What runs.",
            value={key: str(self._view.get(key) or "") for key in words},
        )  # fmt: skip
        for name, said, path, states in (
            ("run_state", "1 for the state that the run is in.", ("state",), RUN_STATES),
            ("feed_state", "1 for the state that the feed is in.", ("feed", "state"), FEED_STATES),
        ):
            made = GaugeMetricFamily(f"tradewind_{name}", said, labels=["state"])
            for state in states:
                made.add_metric([state], float(state == self._at(path)))
            yield made

    def _counters(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily

        for name, said, path in COUNTERS:
            yield CounterMetricFamily(f"tradewind_{name}", said, value=float(self._at(path) or 0))
        for name, said, label, path in LABELLED:
            made = CounterMetricFamily(f"tradewind_{name}", said, labels=[label])
            for key, n in sorted((self._at(path) or {}).items()):
                made.add_metric([str(key)], float(n))
            yield made

    def _steps(self) -> Iterator[Any]:
        from prometheus_client.core import HistogramMetricFamily

        steps = self._view.get("steps")
        if steps:
            yield HistogramMetricFamily(
                "tradewind_step_seconds",
                "From a bar's arrival in its turn until what follows from it is on the disk.",
                buckets=[(str(le), float(n)) for le, n in steps["buckets"]],
                sum_value=float(steps["sum_s"]),
            )

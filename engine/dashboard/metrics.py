"""Numbers of a run for Prometheus."""

from collections.abc import Iterator, Mapping
from typing import Any

STATES = ("connecting", "live", "delayed", "stale", "gap", "down")


def exposition(view: Mapping[str, Any]) -> bytes:
    """Numbers of a view in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Seen(view))
    return generate_latest(registry)


class _Seen:
    """A view, as Prometheus collects it."""

    def __init__(self, view: Mapping[str, Any]) -> None:
        self._view = view

    def collect(self) -> Iterator[Any]:
        """Every metric of the view."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        view, feed = self._view, self._view.get("feed", {})

        def gauge(name: str, text: str, value: Any, labels: Any = ()) -> Any:
            made = GaugeMetricFamily(f"tradewind_{name}", text, labels=list(labels))
            rows = value if labels else [((), value)]
            for key, number in rows:
                if number is not None:
                    made.add_metric(list(key), float(number))
            return made

        yield gauge("equity", "Account value, account currency", view.get("equity"))
        yield gauge("cash", "Cash, account currency", view.get("cash"))
        yield gauge("gross", "Sum of absolute position values", view.get("gross"))
        yield gauge("drawdown_ratio", "Fall from the highest equity", view.get("drawdown"))
        yield gauge("positions", "Symbols held", len(view.get("positions", ())))
        yield gauge("orders_working", "Orders on the market", len(view.get("orders", ())))
        yield gauge("bar_timestamp_seconds", "Close of the last bar",
                    view.get("bar", {}).get("ts", 0) / 1e9)  # fmt: skip
        yield gauge("last_tick_age_seconds", "Age of the newest tick", feed.get("last_tick_age_s"))
        yield gauge("feed_state", "1 for the state the feed is in",
                    [((state,), float(state == feed.get("state"))) for state in STATES],
                    ("state",))  # fmt: skip
        yield gauge("limit_used_ratio", "Share of a risk limit that is used",
                    [((one["limit"],), one["share"]) for one in view.get("risk", ())],
                    ("limit",))  # fmt: skip
        for name, text, value in (
            ("bars", "Bars taken", view.get("bar", {}).get("number", 0)),
            ("ticks", "Ticks that arrived", feed.get("ticks", 0)),
            ("fills", "Executions", view.get("n_fills", 0)),
            ("refused", "Orders the gate refused", view.get("n_refused", 0)),
            ("reconnects", "Connections made anew", feed.get("reconnects", 0)),
            ("gaps", "Holes in the stream", feed.get("gaps", 0)),
        ):
            made = CounterMetricFamily(f"tradewind_{name}", text)
            made.add_metric([], float(value or 0))
            yield made
        dropped = CounterMetricFamily(
            "tradewind_dropped", "Messages that were not used", labels=["reason"]
        )
        for reason, n in sorted(feed.get("dropped", {}).items()):
            dropped.add_metric([reason], float(n))
        yield dropped

"""A board without a run behind it, for tests of the page."""

import time
from typing import Any

NS = 1_000_000_000
BEGUN = 1_480_000_000 * NS
DAY = 86_400 * NS


class FixedBoard:
    """Shows what it is told to, and remembers what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.view: dict[str, Any] = {
            "run": "a<script>run", "config": "test", "state": "live", "reason": "", "mode": "live",
            "since": BEGUN, "bar": {"ts": BEGUN + 40 * DAY, "number": 40},
            "currency": "USD", "equity": 101_234.5, "cash": 5_000.0, "gross": 96_234.5,
            "start_equity": 100_000.0, "day_start_equity": 101_000.0, "peak": 102_000.0,
            "drawdown": 0.0075, "symbols": ["KO", "<b>X"], "n_fills": 3, "n_refused": 1,
            "positions": [
                {"symbol": "<b>X", "qty": 100.0, "price": 50.0, "entry": 48.0, "value": 5000.0,
                 "pnl": 200.0, "weight": 0.05}
            ],
            "orders": [
                {"id": "r-7", "symbol": "KO", "type": "stop_limit", "qty": -10.0, "filled": 0.0,
                 "limit": 40.0, "stop": 41.0, "since": BEGUN}
            ],
            "fills": [
                {"ts": BEGUN, "symbol": "KO", "qty": 10.0, "price": 41.5, "fee": 0.5,
                 "order": "r-1"}
            ],
            "curve": [[BEGUN + n * DAY, 100_000.0 + 30.0 * n] for n in range(41)],
            "forecasts": [
                {"symbol": "KO", "asof": BEGUN, "horizon": 5, "mean": 0.01, "low": -0.02,
                 "high": 0.04, "came": None}
            ],
            "feed": {
                "name": "yahoo", "state": "live", "reason": "messages come", "since": BEGUN,
                "last_tick_age_s": 3.0, "ticks": 1200, "bars": 40, "reconnects": 2, "gaps": 2,
                "dropped": {"spike": 4}, "symbols": [{"symbol": "KO", "age_s": 3.0}],
            },
            "risk": [{"limit": "max_gross", "used": 0.95, "of": 1.0, "share": 0.95}],
            "refused": [{"ts": BEGUN, "symbol": "KO", "qty": 900.0, "reason": "too much of it"}],
            "log": [{"ts": BEGUN, "level": "warning", "event": "feed", "text": "a word"}],
            "refusals": {"max_weight": 1}, "outcomes": {"filled": 3, "by_user": 1},
            "steps": {"buckets": [["0.01", 30], ["0.1", 39], ["+Inf", 40]], "sum_s": 0.5},
        }  # fmt: skip

    def latest(self) -> dict[str, Any]:
        """View, shown just now."""
        return {"now": time.time_ns(), **self.view}

    def symbol(self, name: str) -> dict[str, Any]:
        """Bars that rise, one fill and a forecast."""
        bars = [[BEGUN + n * DAY, 40.0 + n, 42.0 + n, 39.0 + n, 41.0 + n, 1e3] for n in range(41)]
        fills = [{"ts": BEGUN + 5 * DAY, "qty": 10.0, "price": 45.0}]
        said = [{"ts": BEGUN + n * DAY, "horizon": 5, "low": -0.02, "mean": 0.01, "high": 0.04}
                for n in range(41)]  # fmt: skip
        return {"symbol": name, "bars": bars, "fills": fills, "forecasts": said}

    def command(self, name: str, *, by: str, **facts: Any) -> str:
        """Remember a command."""
        self.asked.append((name, by, facts))
        return "1"

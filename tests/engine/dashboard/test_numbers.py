"""What machines are told of a run: metrics, health, readiness."""

import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.boards import FixedBoard
from tradewind.engine.dashboard.health import SILENT_S, alive, ready
from tradewind.engine.dashboard.metrics import exposition

NOW = 2_000_000_000 * 10**9
FINE: dict[str, Any] = {"now": NOW, "state": "live", "mode": "live", "feed": {"state": "live"}}


def samples(view: dict[str, Any]) -> dict[tuple[str, ...], float]:
    """Samples by name and labels, as Prometheus' own parser reads them."""
    found = {}
    for family in text_string_to_metric_families(exposition(view).decode()):
        assert family.documentation.endswith(".")
        for sample in family.samples:
            found[sample.name, *sample.labels.values()] = sample.value
    return found


def test_metrics_are_what_prometheus_reads() -> None:
    found = samples(FixedBoard().latest())
    wanted = {
        ("tradewind_equity",): 101_234.5, ("tradewind_cash",): 5_000.0,
        ("tradewind_gross",): 96_234.5, ("tradewind_drawdown_ratio",): 0.0075,
        ("tradewind_positions",): 1.0, ("tradewind_orders_working",): 1.0,
        ("tradewind_orders_total", "filled"): 3.0, ("tradewind_fills_total",): 3.0,
        ("tradewind_refusals_total", "max_weight"): 1.0, ("tradewind_ticks_total",): 1200.0,
        ("tradewind_dropped_ticks_total", "spike"): 4.0, ("tradewind_bars_total",): 40.0,
        ("tradewind_feed_state", "live"): 1.0, ("tradewind_feed_state", "down"): 0.0,
        ("tradewind_run_state", "live"): 1.0, ("tradewind_run_state", "paused"): 0.0,
        ("tradewind_last_tick_age_seconds",): 3.0, ("tradewind_reconnects_total",): 2.0,
        ("tradewind_gaps_total",): 2.0, ("tradewind_limit_used_ratio", "max_gross"): 0.95,
        ("tradewind_step_seconds_bucket", "0.1"): 39.0, ("tradewind_step_seconds_sum",): 0.5,
        ("tradewind_step_seconds_count",): 40.0,
    }  # fmt: skip
    assert wanted.items() <= found.items()


def test_what_a_run_does_not_know_yet_is_absent_not_zero() -> None:
    found = samples({"state": "starting"})
    assert found["tradewind_run_state", "starting"] == 1.0
    assert ("tradewind_equity",) not in found
    assert ("tradewind_last_tick_age_seconds",) not in found


def test_the_page_about_it_names_every_metric_and_no_other() -> None:
    text = (Path(__file__).parents[3] / "docs" / "dashboard.md").read_text("utf-8")
    described = {name.partition("{")[0] for name in re.findall(r"`(tradewind_[^`]*)`", text)}
    sent = {re.sub("_(bucket|sum|count)$", "", name) for name, *_ in samples(FixedBoard().latest())}
    assert described == sent


@pytest.mark.parametrize("reason", ['a"b', "a\\b", "a\nb", "<b>é"])
def test_a_label_keeps_whatever_it_is(reason: str) -> None:
    found = samples({"feed": {"dropped": {reason: 1}}})
    assert found["tradewind_dropped_ticks_total", reason] == 1.0


@pytest.mark.parametrize(
    ("change", "good", "word"),
    [
        ({}, True, "ready"),
        ({"feed": {"state": "delayed"}}, True, "ready"),
        ({"feed": {"state": "stale", "reason": "mute"}}, False, "the feed is stale: mute"),
        ({"feed": {"state": "down"}, "mode": "replay"}, True, "ready"),
        ({"state": "paused"}, False, "the run is paused"),
        ({"state": "frozen", "reason": "lost too much"}, False, "frozen: lost too much"),
        ({"state": "starting"}, False, "the run is starting"),
        ({"now": NOW - int((SILENT_S + 1) * 1e9)}, False, "has not shown itself for 61 s"),
    ],
)
def test_a_run_is_ready_when_it_trades(change: dict[str, Any], good: bool, word: str) -> None:
    found, why = ready({**FINE, **change}, NOW)
    assert found is good
    assert word in why


def test_a_run_is_alive_while_it_shows_itself() -> None:
    assert alive(FINE, NOW + int(SILENT_S * 1e9)) == (True, "alive")
    assert not alive(FINE, NOW + int((SILENT_S + 1) * 1e9))[0]
    assert alive({"state": "starting"}, NOW)[0]
    assert alive({**FINE, "state": "paused"}, NOW)[0]

"""``tradewind data fetch``: what is asked of Yahoo, what is told, and how its failures end."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tradewind.engine.errors import PartialUniverseError, RateLimitedError, UnknownSymbolError
from tradewind.engine.feeds import yahoo
from tradewind.engine.feeds.yahoo import Fetched, FetchReport

DONE = FetchReport(
    Path("/s"), (Fetched("SPY", "1d", 5, 1250, "2020-01-02", "2024-12-31", 1),), ("a revision",)
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the feed was asked for, in order; it answers with one symbol."""
    calls: list[dict[str, Any]] = []

    def fetch(symbols: tuple[str, ...], **options: Any) -> FetchReport:
        calls.append({"symbols": symbols, **options})
        return DONE

    monkeypatch.setattr(yahoo, "fetch", fetch)
    return calls


def test_symbols_and_options_reach_the_feed(
    inside: Callable[..., Any], asked: list[dict[str, Any]], project: Path
) -> None:
    ended = inside(
        "data", "fetch", "SPY", "BRK-B", "--start", "2020-01-02", "--end", "2024-12-31",
        "--interval", "1h", "--store", "store", "--refetch",
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    assert asked[0].pop("progress").done == {"data fetch": (0, None)}
    assert asked == [
        {
            "symbols": ("SPY", "BRK-B"),
            "start": date(2020, 1, 2),
            "end": date(2024, 12, 31),
            "interval": "1h",
            "store": project / "store",
            "refetch": True,
        }
    ]


def test_a_config_may_say_what_to_fetch(
    inside: Callable[..., Any], asked: list[dict[str, Any]], project: Path
) -> None:
    (project / "config.yaml").write_text(
        "strategy: {kind: x}\ndata: {source: yahoo, symbols: [GLD], start: 2021-01-04}\n"
    )
    assert inside("data", "fetch", "config.yaml").code == 0
    assert (asked[0]["symbols"], asked[0]["start"]) == (("GLD",), date(2021, 1, 4))


def test_what_was_fetched_is_told(inside: Callable[..., Any], asked: list[dict[str, Any]]) -> None:
    text = inside("data", "fetch", "SPY").out
    for word in ("/s", "SPY", "2020-01-02", "2024-12-31", "1,250", "Note: a revision"):
        assert word in text
    answer = inside("data", "fetch", "SPY", "--json").json
    assert answer["store"] == "/s"
    assert answer["series"][0]["added"] == 5
    assert answer["notes"] == ["a revision"]


@pytest.mark.parametrize(
    ("error", "code"),
    [(RateLimitedError, 3), (PartialUniverseError, 3), (UnknownSymbolError, 2)],
)
def test_a_failure_ends_with_the_code_of_whoever_must_act(
    inside: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, error: type[Exception], code: int
) -> None:
    def fetch(*_: object, **__: object) -> None:
        raise error("SPY: what happened and what to do")

    monkeypatch.setattr(yahoo, "fetch", fetch)
    ended = inside("data", "fetch", "SPY", "--json")
    assert (ended.code, ended.err) == (code, "SPY: what happened and what to do\n")
    assert ended.json["error"]["type"] == error.__name__


def test_without_a_network_it_ends_with_3_and_says_that_trying_again_is_safe(
    tradewind: Callable[..., Any],
) -> None:
    closed = "http://127.0.0.1:9"
    ended = tradewind(
        "data", "fetch", "SPY", "--store", "store", HTTPS_PROXY=closed, HTTP_PROXY=closed
    )
    assert ended.code == 3
    ended.says("SPY: Yahoo cannot be reached", "Run the same again later")


def test_without_a_network_a_backtest_on_yahoo_ends_with_3(
    tradewind: Callable[..., Any], project: Path
) -> None:
    (project / "config.yaml").write_text(
        "strategy: {kind: sma_cross}\n"
        "data: {source: yahoo, symbols: [SPY], start: 2021-01-04, end: 2021-12-31, store: store}\n"
    )
    closed = "http://127.0.0.1:9"
    ended = tradewind("backtest", "config.yaml", "--json", HTTPS_PROXY=closed, HTTP_PROXY=closed)
    assert ended.code == 3
    assert ended.json["error"]["exit_code"] == 3
    ended.says("Yahoo cannot be reached")
    assert not [*(project / "results").glob("*")]

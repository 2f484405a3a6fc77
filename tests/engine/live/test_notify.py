"""People who are not there are told what they asked for, not too often, and never a secret."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tradewind.engine.config.paper import NotifyConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.live.notify import Notifier
from tradewind.engine.secret import secret

CANARY = "canary-4711-notify"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """Messages that a server on this machine was sent; its address is the secret NOTIFY_URL."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            heard.append(json.loads(self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *given: Any) -> None:
            """Nobody reads it."""

    made = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("NOTIFY_URL", f"json://user:{CANARY}@127.0.0.1:{made.server_port}/")
    yield heard
    made.shutdown()
    made.server_close()
    thread.join()


def notifier(failed: list[str], now: list[float], **keys: Any) -> Notifier:
    """Notifier of the server's address, with a clock of its own."""
    config = NotifyConfig(urls_from=("NOTIFY_URL",), **keys)
    return Notifier(config, "run", failed=failed.append, clock=lambda: now[0])


def test_what_was_asked_for_is_sent_and_the_rest_is_not(server: list[dict[str, Any]]) -> None:
    failed: list[str] = []
    made = notifier(failed, [0.0], events=("breach",))
    made.tell("breach", "lost too much")
    made.tell("fill", "bought 3 KO")
    made.close()
    assert [one["title"] for one in server] == ["run: breach"]
    assert server[0]["message"] == "lost too much"
    assert failed == []


def test_more_than_an_hour_may_have_are_held_back_and_counted(
    server: list[dict[str, Any]],
) -> None:
    now = [0.0]
    made = notifier([], now, most_per_hour=2)
    for n in range(6):
        made.tell("feed", f"word {n}")
    now[0] = 3601.0
    made.tell("feed", "later")
    made.close()
    said = [one["message"] for one in server]
    assert said == ["word 0", "word 1", "later (4 more messages were held back)"]


def test_a_secret_in_a_text_does_not_leave(
    server: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY", "canary-4712-key")
    secret("SOME_KEY", wanted_by="test")
    made = notifier([], [0.0])
    made.tell("error", "refused canary-4712-key")
    made.close()
    assert server[0]["message"] == "refused [hidden]"


def test_an_address_that_is_none_is_named_by_its_secret_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BAD_URL", f"nonsense-{CANARY}")
    config = NotifyConfig(urls_from=("BAD_URL",))
    with pytest.raises(ConfigError, match="the secret BAD_URL holds no address") as told:
        Notifier(config, "run", failed=print)
    assert CANARY not in str(told.value)


def test_a_secret_that_is_missing_says_how_to_give_it() -> None:
    config = NotifyConfig(urls_from=("NO_SUCH_SECRET",))
    with pytest.raises(ConfigError, match=r"export NO_SUCH_SECRET=\.\.\., or keep it with"):
        Notifier(config, "run", failed=print)


def test_a_server_that_is_gone_costs_a_line_in_the_log_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NOTIFY_URL", f"json://user:{CANARY}@127.0.0.1:9/")
    failed: list[str] = []
    made = notifier(failed, [0.0])
    made.tell("stop", "over")
    made.close()
    assert len(failed) == 1
    assert CANARY not in failed[0]

"""Who may look at the page of a run, and who may ask anything of it."""

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.boards import FixedBoard
from tradewind.engine.dashboard.server import HOST, Dashboard
from tradewind.engine.errors import ConfigError
from tradewind.engine.secret import redacted


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Dashboard, FixedBoard]]:
    """A page and its board."""
    board = FixedBoard()
    page = Dashboard(board).start()
    yield page, board
    page.stop()


def asked(
    page: Dashboard, path: str, method: str = "GET", body: Any = None, **headers: str | None
) -> tuple[int, str, dict[str, str]]:
    """(status, text, headers) of a request; by default one that is let through."""
    origin = f"http://{HOST}:{page.port}"
    given = {
        "Host": f"{HOST}:{page.port}", "Authorization": f"Bearer {page.keys.token}",
        "Origin": origin, "X-Tradewind": page.keys.csrf,
    } | {key.replace("_", "-"): value for key, value in headers.items()}  # fmt: skip
    connection = http.client.HTTPConnection(HOST, page.port, timeout=20)
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    kept = {key: value for key, value in given.items() if value is not None}
    connection.request(method, path, content, kept)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), {k.lower(): v for k, v in answer.getheaders()}
    connection.close()
    return found


@pytest.mark.parametrize(
    "path",
    ["/", "/api/state", "/api/session", "/api/symbol?name=KO", "/api/stream", "/metrics",
     "/health", "/assets/page.js", "/assets/echarts-6.1.0.min.js", "/nothing"],
)  # fmt: skip
@pytest.mark.parametrize("token", [None, "Bearer ", "Bearer wrong", "Basic abc"])
def test_nothing_is_shown_without_the_token(
    served: tuple[Dashboard, FixedBoard], path: str, token: str | None
) -> None:
    status, text, _ = asked(served[0], path, Authorization=token)
    assert status == 401
    assert "carries the token" in text


def test_the_token_is_exchanged_for_a_cookie_that_no_script_can_read(
    served: tuple[Dashboard, FixedBoard],
) -> None:
    page = served[0]
    status, _, headers = asked(page, f"/?token={page.keys.token}", Authorization=None)
    assert (status, headers["location"]) == (303, "/")
    cookie = headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert page.keys.token not in cookie
    status, text, _ = asked(page, "/", Authorization=None, Cookie=cookie.partition(";")[0])
    assert status == 200
    assert page.keys.token not in text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "[::1]:80"])
def test_another_name_for_this_machine_is_refused(
    served: tuple[Dashboard, FixedBoard], host: str
) -> None:
    assert asked(served[0], "/api/state", Host=host)[0] == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": None}, 403), ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"X_Tradewind": None}, 403), ({"X_Tradewind": "wrong"}, 403),
        ({"Authorization": None}, 401),
    ],
)  # fmt: skip
def test_a_command_from_elsewhere_is_refused(
    served: tuple[Dashboard, FixedBoard], headers: dict[str, str | None], status: int
) -> None:
    page, board = served
    confirm = page.keys.confirmation("kill")
    found = asked(page, "/api/command", "POST", {"name": "kill", "confirm": confirm}, **headers)
    assert found[0] == status
    assert board.asked == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_a_command_is_taken_by_post_alone(
    served: tuple[Dashboard, FixedBoard], method: str
) -> None:
    assert asked(served[0], "/api/command", method)[0] == 405


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"7", {"name": "buy"}, {"name": 7}, {"name": "kill"},
     {"name": "kill", "confirm": "wrong"}, b"x" * 5000, b"\xff\xfe"],
)  # fmt: skip
def test_a_command_that_is_none_or_not_confirmed_does_nothing(
    served: tuple[Dashboard, FixedBoard], body: Any
) -> None:
    page, board = served
    assert asked(page, "/api/command", "POST", body)[0] in (400, 409)
    assert board.asked == []


def test_a_confirmed_command_is_taken_once(served: tuple[Dashboard, FixedBoard]) -> None:
    page, board = served
    status, text, _ = asked(page, "/api/confirm", "POST", {"name": "pause"})
    assert status == 200
    given = {"name": "pause", **json.loads(text)}
    assert asked(page, "/api/command", "POST", {**given, "name": "kill"})[0] == 409
    assert asked(page, "/api/command", "POST", given)[0] == 409  # a wrong use has used it up
    given = {"name": "pause", **json.loads(asked(page, "/api/confirm", "POST", given)[1])}
    assert asked(page, "/api/command", "POST", given)[0] == 200
    assert asked(page, "/api/command", "POST", given)[0] == 409
    assert board.asked == [("pause", "page", {})]
    board.asked.clear()


def test_every_answer_forbids_what_a_page_does_not_need(
    served: tuple[Dashboard, FixedBoard],
) -> None:
    for path in ("/", "/api/state", "/nothing"):
        headers = asked(served[0], path)[2]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"


def test_metrics_are_what_prometheus_reads(served: tuple[Dashboard, FixedBoard]) -> None:
    text = asked(served[0], "/metrics")[1]
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["tradewind_equity",] == 101_234.5
    assert found["tradewind_feed_state", "live"] == 1.0
    assert found["tradewind_feed_state", "down"] == 0.0
    assert found["tradewind_dropped_total", "spike"] == 4.0
    assert found["tradewind_limit_used_ratio", "max_gross"] == 0.95


def test_the_token_is_hidden_in_every_text(served: tuple[Dashboard, FixedBoard]) -> None:
    page = served[0]
    assert page.keys.token not in redacted(page.url)


def test_a_port_that_is_taken_is_an_error_that_says_so(
    served: tuple[Dashboard, FixedBoard],
) -> None:
    with pytest.raises(ConfigError, match=r"paper\.dashboard\.port"):
        Dashboard(FixedBoard(), served[0].port).start()

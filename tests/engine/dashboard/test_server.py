"""The page's server: a thread beside the run that neither holds it up nor ends it."""

import asyncio
import http.client
import json
import socket
import threading
from typing import Any

import pytest

from tests.asking import asked
from tests.boards import FixedBoard
from tradewind.engine.dashboard import app
from tradewind.engine.dashboard.server import HOST, Dashboard
from tradewind.engine.errors import ConfigError


class Broken(FixedBoard):
    def latest(self) -> dict[str, Any]:
        raise RuntimeError("no view, and the path /home/me/keys")


def opened_stream(page: Dashboard) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(HOST, page.port, timeout=30)
    headers = {"Authorization": f"Bearer {page.keys.token}"}
    connection.request("GET", "/api/stream", headers=headers)
    return connection, connection.getresponse()


def event(answer: http.client.HTTPResponse) -> dict[str, str]:
    """Next event of a stream."""
    found: dict[str, str] = {}
    while line := answer.readline().decode().strip():
        name, _, value = line.partition(": ")
        found[name] = value
    return found


def test_the_page_listens_on_this_machine_alone() -> None:
    page = Dashboard(FixedBoard()).start()
    try:
        assert page.url.startswith(f"http://127.0.0.1:{page.port}/?token=")
        sockets = [one.getsockname() for one in page._server.servers[0].sockets]
        assert sockets == [("127.0.0.1", page.port)]
    finally:
        page.stop()


def test_a_stream_tells_everything_then_what_changed_then_signs_of_life() -> None:
    board = FixedBoard()
    board.view["now"] = 1
    page = Dashboard(board).start()
    connection, answer = opened_stream(page)
    try:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert event(answer) == {"retry": "1000"}
        assert json.loads(event(answer)["data"])["equity"] == 101_234.5
        assert event(answer)["event"] == "beat"
        board.view = {**board.view, "equity": 5.0}
        found = event(answer)
        while found.get("event") == "beat":
            found = event(answer)
        assert json.loads(found["data"]) == {"equity": 5.0}
        assert event(answer)["event"] == "beat"
        assert event(answer)["event"] == "beat"
    finally:
        page.stop()
        assert answer.read() is not None  # ended by the page, not torn
        connection.close()


def test_only_so_many_pages_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "MOST_STREAMS", 1)
    page = Dashboard(FixedBoard()).start()
    connection, answer = opened_stream(page)
    try:
        event(answer)
        assert asked(page, "/api/stream").status == 503
    finally:
        page.stop()
        connection.close()


def test_a_board_that_fails_neither_ends_the_server_nor_tells_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = Dashboard(Broken()).start()
    try:
        for path in ("/api/state", "/metrics", "/health"):
            found = asked(page, path)
            assert found.status == 500
            assert "keys" not in found.text
            assert "content-security-policy" in found.headers
        assert asked(page, "/assets/page.js").status == 200
    finally:
        page.stop()


def test_symbols_are_only_those_that_the_run_follows() -> None:
    page = Dashboard(FixedBoard()).start()
    try:
        found = asked(page, "/api/symbol?name=KO")
        assert json.loads(found.text)["symbol"] == "KO"
        assert asked(page, "/api/symbol?name=%3Cb%3EX").status == 200
        for name in ("", "NOBODY", "../../etc/passwd"):
            assert asked(page, f"/api/symbol?name={name}").status == 404
        assert asked(page, "/api/symbol").status == 404
    finally:
        page.stop()


@pytest.mark.parametrize("name", ["", "app.py", "..%2fapp.py", "../app.py", "%2e%2e/app.py"])
def test_files_are_only_those_of_the_page(name: str) -> None:
    page = Dashboard(FixedBoard()).start()
    try:
        assert asked(page, f"/assets/{name}").status == 404
    finally:
        page.stop()


def test_every_file_the_page_names_is_there() -> None:
    page = Dashboard(FixedBoard()).start()
    try:
        for name, (_, kind) in app.ASSETS.items():
            found = asked(page, f"/assets/{name}")
            assert found.status == 200
            assert found.headers["content-type"].startswith(kind.partition(";")[0])
    finally:
        page.stop()


def test_metrics_health_and_readiness_are_told_to_whoever_has_the_token() -> None:
    board = FixedBoard()
    page = Dashboard(board).start()
    try:
        found = asked(page, "/metrics", Origin=None, X_Tradewind=None)
        assert found.headers["content-type"].startswith("text/plain; version=")
        assert "tradewind_equity 101234.5" in found.text
        assert asked(page, "/health").text == "alive\n"
        assert asked(page, "/ready").status == 200
        board.view = {**board.view, "state": "paused"}
        assert asked(page, "/ready")[:2] == (503, "the run is paused\n")
        assert asked(page, "/health").status == 200
    finally:
        page.stop()


def test_a_port_that_is_taken_is_an_error_that_says_so() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=r"paper\.dashboard\.port: \d+ cannot be listened"):
            Dashboard(FixedBoard(), port).start()


def test_a_server_that_fails_is_logged_and_the_run_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(*args: Any) -> None:
        args[0].close()
        raise OSError("out of everything")

    monkeypatch.setattr(asyncio, "run", failing)
    page = Dashboard(FixedBoard()).start()
    page.stop()
    assert "the run goes on without it" in caplog.text


def test_a_page_that_is_stopped_leaves_no_thread_and_can_be_stopped_again() -> None:
    before = threading.active_count()
    page = Dashboard(FixedBoard()).start()
    assert threading.active_count() > before
    page.stop()
    page.stop()
    assert threading.active_count() == before
    Dashboard(FixedBoard()).stop()

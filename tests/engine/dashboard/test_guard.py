"""Who may look at the page of a run, and who may ask anything of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.asking import asked, cookie
from tests.boards import FixedBoard
from tradewind.engine.dashboard.guard import CONFIRM_S, MOST_OPEN, Keys, same
from tradewind.engine.dashboard.server import Dashboard
from tradewind.engine.secret import redacted

PATHS = (
    "/", "/api/state", "/api/symbol?name=KO", "/api/stream", "/metrics", "/health", "/ready",
    "/assets/page.js", "/assets/page.css", "/assets/echarts-6.1.0.min.js", "/nothing",
)  # fmt: skip
Served = tuple[Dashboard, FixedBoard]
Headers = dict[str, str | None]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    board = FixedBoard()
    page = Dashboard(board).start()
    yield page, board
    page.stop()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("token", [None, "Bearer ", "Bearer wrong", "Bearer é", "Basic abc"])
def test_nothing_is_shown_without_the_token(served: Served, path: str, token: str | None) -> None:
    status, text, _ = asked(served[0], path, Authorization=token)
    assert status == 401
    assert "carries the token" in text


@pytest.mark.parametrize("path", PATHS[1:])
def test_the_token_in_an_address_opens_the_first_door_alone(served: Served, path: str) -> None:
    page = served[0]
    mark = "&" if "?" in path else "?"
    found = asked(page, f"{path}{mark}token={page.keys.token}", Authorization=None)
    assert found.status == 401


@pytest.mark.parametrize("value", ["wrong", "", "é", "\xff"])
def test_a_wrong_cookie_or_address_is_refused(served: Served, value: str) -> None:
    page = served[0]
    name = cookie(page).partition("=")[0]
    assert asked(page, "/", Authorization=None, Cookie=f"{name}={value}").status == 401
    assert asked(page, "/?token=wrong", Authorization=None).status == 401
    assert asked(page, "/", "POST", Authorization=None).status == 401


def test_the_token_is_exchanged_for_a_cookie_that_no_script_can_read(served: Served) -> None:
    page = served[0]
    status, _, headers = asked(page, f"/?token={page.keys.token}", Authorization=None)
    assert (status, headers["location"]) == (303, f"/#{page.keys.csrf}")
    given = headers["set-cookie"]
    assert "HttpOnly" in given
    assert "samesite=strict" in given.lower()
    assert given.partition(";")[0] == cookie(page)
    status, text, _ = asked(page, "/", Authorization=None, Cookie=given.partition(";")[0])
    assert status == 200
    for value in (page.keys.token, page.keys.session, page.keys.csrf):
        assert value not in text


def test_two_runs_on_one_machine_do_not_take_each_others_cookie(served: Served) -> None:
    other = Dashboard(FixedBoard()).start()
    try:
        assert cookie(other).partition("=")[0] != cookie(served[0]).partition("=")[0]
        assert asked(other, "/", Authorization=None, Cookie=cookie(served[0])).status == 401
    finally:
        other.stop()


def test_the_cookie_alone_looks_but_does_not_ask(served: Served) -> None:
    page, board = served
    held: Headers = {"Authorization": None, "Cookie": cookie(page)}
    for path in ("/", "/api/state", "/assets/page.js", "/metrics"):
        answer = asked(page, path, **held)
        assert answer.status == 200
        assert page.keys.csrf not in answer.text
    body = {"name": "kill"}
    assert asked(page, "/api/confirm", "POST", body, **held, X_Tradewind=None).status == 403
    assert asked(page, "/api/confirm", "POST", body, **held).status == 200
    assert board.asked == []


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "127.0.0.1", "127.0.0.1:1", "[::1]:80", "localhost.evil.example"],
)
def test_another_name_for_this_machine_is_refused(served: Served, host: str | None) -> None:
    for path in ("/", "/api/state", f"/?token={served[0].keys.token}"):
        assert asked(served[0], path, Host=host).status in (400, 421)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_does_not_get_at_this_one(served: Served, site: str) -> None:
    page = served[0]
    held: Headers = {"Authorization": None, "Cookie": cookie(page), "Sec_Fetch_Site": site}
    for path in PATHS[1:]:
        assert asked(page, path, **held).status == 403
    assert asked(page, "/", **held).status == 200  # a link may lead here


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": None}, 403), ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403), ({"Origin": "http://127.0.0.1"}, 403),
        ({"X_Tradewind": None}, 403), ({"X_Tradewind": ""}, 403), ({"X_Tradewind": "wrong"}, 403),
        ({"Authorization": None}, 401), ({"Host": "evil.example"}, 421),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/confirm", "/api/command"])
def test_a_command_from_elsewhere_is_refused(
    served: Served, path: str, headers: Headers, status: int
) -> None:
    page, board = served
    body = {"name": "kill", "confirm": page.keys.confirmation("kill")}
    assert asked(page, path, "POST", body, **headers).status == status
    assert board.asked == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/api/confirm", "/api/command"])
def test_a_command_is_taken_by_post_alone(served: Served, path: str, method: str) -> None:
    assert asked(served[0], path, method).status == 405


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"7", b"null", b'"kill"', {"name": "buy"}, {"name": 7}, {"name": None},
     {"name": ["kill"]}, {"name": "kill"}, {"name": "kill", "confirm": "wrong"},
     {"name": "kill", "confirm": 7}, {"name": "KILL"}, b"x" * 5000, b"[" * 4000, b"\xff\xfe",
     b'{"name": "kill", "confirm": "\\ud800"}'],
)  # fmt: skip
def test_a_command_that_is_none_or_not_confirmed_does_nothing(served: Served, body: Any) -> None:
    page, board = served
    assert asked(page, "/api/command", "POST", body).status in (400, 409)
    assert board.asked == []


def test_a_confirmed_command_is_taken_once_and_only_the_one(served: Served) -> None:
    page, board = served

    def confirmed(name: str) -> dict[str, Any]:
        status, text, _ = asked(page, "/api/confirm", "POST", {"name": name})
        assert status == 200
        return {"name": name, **json.loads(text)}

    given = confirmed("pause")
    assert asked(page, "/api/command", "POST", {**given, "name": "kill"}).status == 409
    assert asked(page, "/api/command", "POST", given).status == 409  # a wrong use uses it up
    given = confirmed("pause")
    assert asked(page, "/api/command", "POST", given).status == 200
    assert asked(page, "/api/command", "POST", given).status == 409
    given = confirmed("kill")
    assert asked(page, "/api/command", "POST", {**given, "flatten": True, "x": 1}).status == 200
    assert board.asked == [("pause", "page", {}), ("kill", "page", {"flatten": True})]
    board.asked.clear()


def test_a_confirmation_lapses() -> None:
    now = [100.0]
    keys = Keys(clock=lambda: now[0])
    soon, late = keys.confirmation("stop"), keys.confirmation("stop")
    now[0] += CONFIRM_S
    assert keys.confirmed("stop", soon)
    now[0] += 0.1
    assert not keys.confirmed("stop", late)


def test_confirmations_that_nobody_uses_do_not_pile_up() -> None:
    keys = Keys(clock=lambda: 0.0)
    made = [keys.confirmation("stop") for _ in range(3 * MOST_OPEN)]
    assert sum(keys.confirmed("stop", one) for one in made) == MOST_OPEN


def test_every_start_has_secrets_of_its_own_that_every_text_hides() -> None:
    one, other = Keys(), Keys()
    assert len({one.token, one.session, one.csrf, other.token, other.session, other.csrf}) == 6
    for value in (one.token, one.session, one.csrf):
        assert len(value) >= 43
        assert value not in redacted(f"http://127.0.0.1/?token={value}")


def test_texts_are_compared_whole() -> None:
    assert same("é", "é")
    assert not same("", "a")
    assert not same("ab", "a")


@pytest.mark.parametrize("path", ["/", "/api/state", "/nothing", "/assets/page.js"])
@pytest.mark.parametrize("token", [None, "right"])
def test_every_answer_forbids_what_a_page_does_not_need(
    served: Served, path: str, token: str | None
) -> None:
    page = served[0]
    headers = asked(page, path, Authorization=token and f"Bearer {page.keys.token}").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers

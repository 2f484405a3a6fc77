"""What is secret stands in nothing that a paper run writes, shows or prints, however it ends."""

import asyncio
import sqlite3
import threading
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.alpaca_broker import KEY, SECRET, AlpacaBroker
from tradewind.engine import secret
from tradewind.engine.dashboard.server import Dashboard

MARK = b"canary"  # stands in every secret here, and in nothing else
TOKEN, PAGE = "Canary+4711/feed=token", "canary-4712-page-token"
NOTIFY = "json://user:canary-4713-notify@127.0.0.1:9/canary-4714-path"
CONFIG = """
name: crosses
data: {{source: embedded, symbols: [KO, MSFT], start: 2016-01-04}}
strategy: {{kind: sma_cross, fast: 5, slow: 20}}
costs: {{fee_bps: 1, spread: {{kind: constant, bps: 4}}}}
paper:
  oldest_history_days: null
  feed: {feed}
  venue: {venue}
  journal: {{sync: normal}}
  dashboard: {{enabled: true, port: 0, token_from: PAGE_TOKEN}}
  notify: {{urls_from: [NOTIFY_URL], events: [start, stop, feed, error, fill]}}
"""
FEED = '''
import asyncio, logging, threading, warnings
from urllib.parse import quote
import numpy as np
from tradewind.engine.features.stream import Row
from tradewind.engine.secret import secret
from tradewind.engine.streams.facts import FeedNotice, FeedState


class Leaky:
    """Tells its token wherever it can, then fails with it."""

    def __init__(self, token: str = "FEED_TOKEN"):
        self.token, self.symbols = token, ()

    def following(self, symbols, interval, calendar=None):
        self.symbols = tuple(symbols)
        return self

    async def backfill(self, since, until, interval):
        return []

    async def run(self, sink):
        token = secret(self.token, wanted_by="paper.feed.token")
        sink.notice(FeedNotice(FeedState.LIVE, 1, f"signed in with {token}"))
        sink.dropped("broken", f"odd message {token}")
        logging.getLogger("client").error("GET /?token=%s", quote(token, safe=""))
        thread = threading.Thread(target=fail, args=(token,))
        thread.start()
        thread.join()
        for day in ("2017-11-14", "2017-11-15", "2017-11-16"):
            price = np.array([45.0, 84.0])
            ts = int(np.datetime64(day, "ns").astype(np.int64))
            await sink.row(Row(ts, price, price, price, price, price), ())
        await asyncio.sleep(0.5)
        raise RuntimeError(f"cannot go on: {token!r}")


def fail(token):
    raise ValueError(f"a thread fails with {token}")
'''
Command = Callable[..., Any]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """What the page answers at the end of a run, by address; the secrets are in the environment."""
    given = {"FEED_TOKEN": TOKEN, "PAGE_TOKEN": PAGE, "NOTIFY_URL": NOTIFY,
             "ALPACA_KEY": KEY, "ALPACA_SECRET": SECRET,
             "XDG_STATE_HOME": str(tmp_path / "state")}  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(secret, "_values", set())
    found: dict[str, bytes] = {}
    stop = Dashboard.stop

    def looked_at(page: Dashboard) -> None:
        for path in ("/", "/metrics", "/api/state", "/api/symbol?name=KO", "/health", "/ready"):
            request = urllib.request.Request(f"{page.place}{path[1:]}")
            request.add_header("Authorization", f"Bearer {PAGE}")
            try:
                with urllib.request.urlopen(request) as answer:
                    found[path] = answer.read()
            except urllib.error.HTTPError as answer:  # not ready is an answer as well
                found[path] = answer.read()
        stop(page)

    monkeypatch.setattr(Dashboard, "stop", looked_at)
    return found


@pytest.fixture
def broker() -> Iterator[AlpacaBroker]:
    """Alpaca's server in a thread; it refuses whatever it is asked, and tells both keys."""
    loop, made = asyncio.new_event_loop(), AlpacaBroker()
    made.faults["GET"] += ["401"] * 9
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(made.start(), loop).result(10.0)
    yield made
    asyncio.run_coroutine_threadsafe(made.stop(), loop).result(10.0)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def written(folder: Path, feed: str, venue: str = "paper") -> Path:
    """A config, and the feed beside it."""
    (folder / "leaky.py").write_text(FEED, "utf-8")
    file = folder / "crosses.yaml"
    file.write_text(CONFIG.format(feed=feed, venue=venue), "utf-8")
    return file


def leaks(ended: Any, shown: dict[str, bytes], *folders: Path) -> set[str]:
    """Where a secret stands: names of files, addresses of the page, stdout, stderr."""
    texts = {"stdout": ended.out.encode(), "stderr": ended.err.encode(), **shown}
    for folder in folders:
        for file in folder.rglob("*"):
            if file.is_file():
                texts[file.name] = file.read_bytes()
            if file.name == "journal.sqlite":
                texts["snapshots"] = b"".join(snapshots(file))
    return {name for name, text in texts.items() if MARK in text.lower()}


def snapshots(file: Path) -> Iterator[bytes]:
    """Snapshots of a journal, unpacked."""
    journal = sqlite3.connect(file)
    for packed, blob in journal.execute("SELECT packed, blob FROM snapshots"):
        yield zlib.decompress(blob) if packed else blob
    journal.close()


def test_a_run_that_fails_with_its_secrets_in_hand_tells_none(
    project: Path, inside: Command, shown: dict[str, bytes], tmp_path: Path
) -> None:
    config = written(project, "{kind: 'leaky.py:Leaky', token: FEED_TOKEN}")
    ended = inside("paper", str(config), "--name", "run")
    ended.says("RuntimeError: cannot go on: '[hidden]'")
    run = project / "results" / "run"
    log = (run / "log.jsonl").read_text("utf-8")
    assert all(text in log for text in (
        "signed in with [hidden]", "client: GET /?token=[hidden]", "a thread fails with [hidden]",
        "could not be sent",
    ))  # fmt: skip
    assert b"tradewind_bars_total" in shown["/metrics"]
    assert b"[hidden]" in shown["/api/state"]
    assert len(shown) == 6
    again = inside("paper", "status", "run", "--json")
    assert again.json["runs"][0]["bars"] == 3
    assert again.json["runs"][0]["ended"] == "RuntimeError: cannot go on: '[hidden]'"
    told = inside("report", "run")
    assert told.code == 0
    for one in (ended, again, told):
        assert leaks(one, shown, project / "results", tmp_path / "state") == set()
    assert list((tmp_path / "state").rglob("*crash*.txt"))


def test_a_leak_is_found_wherever_there_is_one(
    project: Path, inside: Command, shown: dict[str, bytes], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(secret, "remember", lambda value: None)  # so nothing is hidden
    config = written(project, "{kind: 'leaky.py:Leaky', token: FEED_TOKEN}")
    ended = inside("paper", str(config), "--name", "run")
    found = leaks(ended, shown, project / "results", tmp_path / "state")
    (crash,) = (tmp_path / "state").rglob("*crash*.txt")
    assert found == {
        "journal.sqlite", "log.jsonl", "stderr", "/api/state", "/ready", crash.name
    }  # fmt: skip


def test_a_key_that_is_refused_ends_the_run_and_is_not_told(
    project: Path, inside: Command, shown: dict[str, bytes], broker: AlpacaBroker
) -> None:
    venue = f"{{kind: alpaca, url: '{broker.url}', stream_url: '{broker.stream_url}'}}"
    config = written(project, "{kind: replay, speed: 100000}", venue)
    ended = inside("paper", str(config), "--name", "run", "--json")
    assert ended.code == 2
    ended.says("paper.venue: alpaca refuses the keys", "[hidden]")
    assert ("GET", "/v2/account") in broker.requests
    assert leaks(ended, shown, project / "results") == set()


@pytest.mark.parametrize(
    ("change", "value", "place", "found"),
    [
        ("paper.venue={kind: alpaca, key: %s}", "CANARYKEY0123456789", "--set[0]: paper.venue.key",
         "19 characters that name no secret"),
        ("paper.venue={kind: alpaca, secret: %s}", "canary", "--set[0]: paper.venue.secret",
         "6 characters"),
        ("paper.venue={kind: alpaca, key: %s}", "CANARYAAAAAAAAAAAAAAAAAAAAAA",
         "--set[0]: paper.venue.key", "28 characters"),
        ("paper.feed={kind: 'leaky.py:Leaky', token: %s}", "canary-12", "paper.feed.token",
         "9 characters"),
        ("paper.feed={kind: 'leaky.py:Leaky', options: {headers: [%s]}}",
         "Bearer canary12canary34", "paper.feed.options.headers.0", "looks like a key"),
        ("paper.feed={kind: ccxt, urls: {ws: %s}}", "wss://me:canary@127.0.0.1/ws",
         "paper.feed.urls.ws", "an address with a password"),
        ("paper.feed={kind: yahoo, url: %s}", "'wss://127.0.0.1/?x=1&api_key=canary'",
         "paper.feed.url", "an address with a key"),
        ("paper.notify.urls_from=[%s]", "mailto://me:canary@host", "paper.notify.urls_from.0",
         "an address"),
        ("paper.notify.urls_from=%s", "ntfy://canary", "paper.notify.urls_from", "an address"),
        ("paper.notify.url=%s", "tgram://me:canary@chat", "paper.notify.url", "an address"),
        ("paper.dashboard.token_from=%s", "canary.token", "paper.dashboard.token_from",
         "12 characters"),
        ("name=%s", "postgresql://me:canary@host/db", "--set[0]: name", "an address"),
        ("paper.feed={kind: 'leaky.py:Leaky', token: %s}", "4711471147114711",
         "paper.feed.token", "a number"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["paper", "backtest"])
def test_a_secret_that_is_written_into_a_config_is_refused_at_its_place(
    project: Path, inside: Command, shown: dict[str, bytes],
    change: str, value: str, place: str, found: str, command: str,
) -> None:  # fmt: skip
    config = written(project, "replay")
    ended = inside(command, str(config), "--set", change % value)
    assert ended.code == 2
    ended.says(place, f"found {found}" if found[0] == "a" else found, "(not shown)",
               "wanted the name of an environment variable")  # fmt: skip
    assert leaks(ended, {}) == set()
    assert "4711" not in ended.err
    assert not (project / "results").exists()


def test_the_place_is_a_line_of_the_file(project: Path, inside: Command) -> None:
    config = written(project, "\n    kind: alpaca\n    key: CANARYKEY0123456789")
    ended = inside("paper", str(config))
    assert ended.code == 2
    ended.says("crosses.yaml:10:5: paper.feed.key: found 19 characters", "such as MY_KEY")


@pytest.mark.parametrize(
    ("gone", "change", "message"),
    [
        ("PAGE_TOKEN", "name=x", "token_from: the secret PAGE_TOKEN is neither"),
        ("NOTIFY_URL", "name=x", "urls_from: the secret NOTIFY_URL is neither"),
        ("ALPACA_KEY", "paper.feed=alpaca", "--set[0]: paper.feed.key: the secret ALPACA_KEY is"),
        ("", "paper.dashboard.token_from=SHORT", "the secret SHORT has 11 characters; wanted 16"),
        ("", "paper.notify.urls_from=[SHORT]", "the secret SHORT holds no address"),
        ("", "name=canary-4715", "the value of a secret"),
    ],
)  # fmt: skip
def test_a_secret_that_is_missing_is_missed_before_anything_is_written(
    project: Path, inside: Command, shown: dict[str, bytes], monkeypatch: pytest.MonkeyPatch,
    gone: str, change: str, message: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("SHORT", "canary-4715")
    if "name=c" in change:
        secret.secret("SHORT", wanted_by="test")
    monkeypatch.delenv(gone, raising=False)
    ended = inside("paper", str(written(project, "replay")), "--set", change)
    assert ended.code == 2
    ended.says(message)
    assert leaks(ended, {}) == set()
    assert not (project / "results").exists()


@pytest.mark.parametrize(
    ("key", "names"),
    [("key", True), ("secret", True), ("api_key", True), ("apiKey", True), ("my_token", True),
     ("secret_key", True), ("sort_key", False), ("tokens", False), ("keyword", False),
     ("monkey", False)],
)  # fmt: skip
def test_a_key_of_a_config_that_names_a_secret_is_known(key: str, names: bool) -> None:
    assert bool(secret.NAMES_A_SECRET.search(key)) is names


def test_a_name_is_told_from_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("my_key", "canary 4716")
    assert all(map(secret.is_name, ("ALPACA_KEY", "TOKEN", "KEY2", "NTFY_URL_2", "my_key")))
    assert not any(map(secret.is_name, (
        "alpaca_key", "PK0123456789ABCDEFGH", "hunter", "A-B", "", "AKABCDEFGHIJKLMNOPQRSTU",
    )))  # fmt: skip


def test_of_an_address_every_part_that_tells_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret, "_values", set())
    secret.remember("tgram://4711:canarytoken/12345678?to=a%20long%20one")
    text = secret.redacted("canarytoken, 4711:canarytoken/x, 12345678, a long one, to")
    assert text == "[hidden], [hidden]/x, [hidden], [hidden], to"

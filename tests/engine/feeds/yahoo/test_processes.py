"""What only shows in processes of their own: two that fetch at once, and a poisoned cache."""

import json
import pickle
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.yahoo_listings import listing
from tests.yahoo_loopback import Clock, FakeYahoo
from tradewind.engine.feeds.store import Store
from tradewind.engine.feeds.store_records import Key
from tradewind.engine.feeds.yahoo import show

SYMBOLS = ["JPM", "KO", "MSFT", "PEP"]


@pytest.fixture
def told(fake: FakeYahoo, folder: Path, authority: Path, clock: Clock) -> dict[str, Any]:
    """What a process needs to know to fetch."""
    for i, symbol in enumerate(SYMBOLS):
        fake.listings[symbol] = listing("2024-03-01", "2024-03-20", 100.0 * (i + 1))
    return {
        "store": str(folder),
        "authority": str(authority),
        "proxy": fake.proxy,
        "now": clock.now(),
        "symbols": SYMBOLS,
    }


def start(told: dict[str, Any]) -> subprocess.Popen[str]:
    script = str(Path(__file__).with_name("fetch_worker.py"))
    command = [sys.executable, script, json.dumps(told)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def finish(*processes: subprocess.Popen[str]) -> None:
    outcomes = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]
    assert [code for _, code in outcomes] == [0] * len(processes), outcomes


def test_two_processes_that_fetch_at_once_leave_one_whole_store(
    told: dict[str, Any], folder: Path
) -> None:
    finish(start(told), start({**told, "symbols": SYMBOLS[::-1]}))

    assert [(entry.symbol, entry.rows, entry.revisions) for entry in show(folder)] == [
        (symbol, 14, 0) for symbol in SYMBOLS
    ]
    store = Store(folder)
    for i, symbol in enumerate(SYMBOLS):
        key = Key("yahoo", "1d", symbol)
        entry = store.lookup([key])[key][0]
        assert entry is not None
        closes = store.load(entry)[1].prices.values[:, 3]
        assert closes.tolist() == [100.0 * (i + 1) + j for j in range(14)]
    assert len(list(folder.glob("yahoo/1d/*/*"))) == 2 * len(SYMBOLS)


def test_cookies_in_a_folder_that_others_may_write_to_are_never_unpickled(
    told: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return (Path.touch, (tmp_path / "went-off",))

    db = sqlite3.connect(tmp_path / "cookies.db")
    db.execute(
        'CREATE TABLE "_cookieschema" ("strategy" TEXT PRIMARY KEY, "fetch_date" TEXT, '
        '"cookie_bytes" BLOB) WITHOUT ROWID'
    )
    row = ("curlCffi", "2024-03-20T12:00:00", pickle.dumps(Bomb()))
    db.execute('INSERT INTO "_cookieschema" VALUES (?, ?, ?)', row)
    db.commit()
    db.close()

    finish(start({**told, "symbols": ["KO"], "caches": str(tmp_path)}))

    assert not (tmp_path / "went-off").exists()
    assert show(folder)[0].rows == 14

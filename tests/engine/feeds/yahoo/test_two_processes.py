"""Two processes fetch into one store at once."""

import json
import subprocess
import sys
from pathlib import Path

from tests.yahoo_listings import listing
from tests.yahoo_loopback import Clock, FakeYahoo
from tradewind.engine.feeds.store import Store
from tradewind.engine.feeds.store_records import Key
from tradewind.engine.feeds.yahoo import show

SYMBOLS = ["JPM", "KO", "MSFT", "PEP"]


def test_two_processes_that_fetch_at_once_leave_one_whole_store(
    fake: FakeYahoo, folder: Path, authority: Path, clock: Clock
) -> None:
    for i, symbol in enumerate(SYMBOLS):
        fake.listings[symbol] = listing("2024-03-01", "2024-03-20", 100.0 * (i + 1))
    told = {
        "store": str(folder),
        "authority": str(authority),
        "proxy": fake.proxy,
        "now": clock.now(),
    }
    script = str(Path(__file__).with_name("fetch_worker.py"))
    both = [
        subprocess.Popen(
            [sys.executable, script, json.dumps({**told, "symbols": symbols})],
            stderr=subprocess.PIPE,
            text=True,
        )
        for symbols in (SYMBOLS, SYMBOLS[::-1])
    ]
    outcomes = [(process.communicate(timeout=120)[1], process.returncode) for process in both]

    assert [code for _, code in outcomes] == [0, 0], outcomes
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

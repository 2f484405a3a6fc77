"""A broker that outlives the process that trades with it: its books are a file."""

import asyncio
import json
import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from tradewind.engine.errors import OutsideError
from tradewind.engine.types import OrderType
from tradewind.engine.venues.facts import (
    ReportKind,
    VenueAccount,
    VenueOrder,
    VenueReport,
    VenueSink,
    VenueState,
)

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (client_id TEXT PRIMARY KEY, symbol TEXT, qty REAL, told TEXT);
CREATE TABLE IF NOT EXISTS calls (what TEXT, client_id TEXT);
"""


class FileBroker:
    """Fills every order at once, in two parts, at a price that its id decides.

    Parameters
    ----------
    path : Path
    faults : Random or None
        Draws which calls fail, before or after they have done what was asked.
    """

    def __init__(self, path: Path, faults: random.Random | None = None) -> None:
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.execute("PRAGMA synchronous=OFF")  # outlives its process, as is wanted here
        self._file.executescript(SCHEMA)
        self._faults = faults
        self._sink: VenueSink | None = None

    async def run(self, sink: VenueSink) -> None:
        """Say again everything that was ever said, then whatever is new."""
        self._sink = sink
        for report in await self.reports(0):
            sink.report(report)
        await asyncio.Event().wait()

    def _fault(self, when: str) -> None:
        if self._faults is not None and self._faults.random() < 0.2:
            raise OutsideError(f"the broker is away {when} it did what was asked")

    async def submit(self, order: VenueOrder) -> VenueReport:
        """Take an order, once."""
        self._fault("before")
        self._file.execute("INSERT INTO calls VALUES ('submit', ?)", (order.client_id,))
        known = self._file.execute(
            "SELECT 1 FROM orders WHERE client_id = ?", (order.client_id,)
        ).fetchone()
        if known is None:
            told = json.dumps([list(report) for report in self._fills(order)])
            self._file.execute(
                "INSERT INTO orders VALUES (?, ?, ?, ?)",
                (order.client_id, order.symbol, order.qty, told),
            )
            for report in self._fills(order):
                if self._sink is not None:
                    self._sink.report(report)
                    self._sink.report(report)  # brokers repeat themselves
        self._fault("after")
        return VenueReport(ReportKind.ACCEPTED, order.client_id, 0, f"{order.client_id}/ack")

    def _fills(self, order: VenueOrder) -> list[VenueReport]:
        number = int(order.client_id.rpartition("-")[2])
        price = 50.0 + number % 7
        part = float(int(order.qty / 2))
        parts = [part, order.qty - part] if part else [order.qty]
        return [
            VenueReport(
                ReportKind.FILL, order.client_id, number, f"{order.client_id}/{i}", qty, price, 0.5
            )
            for i, qty in enumerate(parts)
        ]  # fmt: skip

    async def cancel(self, client_id: str) -> None:
        """Nothing works here: everything was filled."""

    async def find(self, client_id: str) -> VenueState | None:
        """Order of an id."""
        self._fault("before")
        row = self._file.execute(
            "SELECT symbol, qty FROM orders WHERE client_id = ?", (client_id,)
        ).fetchone()
        if row is None:
            return None
        symbol, qty = row
        order = VenueOrder(client_id, symbol, qty, OrderType.MARKET)
        return VenueState(order, qty, 0.0, working=False)

    async def working(self) -> Sequence[VenueState]:
        """Nothing."""
        return []

    async def reports(self, since: int) -> Sequence[VenueReport]:
        """Everything ever said."""
        rows = self._file.execute("SELECT told FROM orders ORDER BY rowid")
        return [
            VenueReport(ReportKind(kind), *rest)
            for (told,) in rows
            for kind, *rest in json.loads(told)
        ]

    async def account(self) -> VenueAccount:
        """What is held."""
        rows = self._file.execute("SELECT symbol, sum(qty) FROM orders GROUP BY symbol")
        return VenueAccount(0.0, 0.0, dict(rows.fetchall()), {})

    def ids(self) -> list[str]:
        """Every order the broker has, oldest first."""
        rows = self._file.execute("SELECT client_id FROM orders ORDER BY rowid").fetchall()
        return [client_id for (client_id,) in rows]


class Unplaced:
    """Stands for a broker in a config; a test hands the real one over."""


KIND = f"{Path(__file__).resolve()}:{Unplaced.__name__}"

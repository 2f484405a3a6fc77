"""Our books of a run beside those of the broker that fills its orders."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.errors import ConfigError
from tradewind.engine.journal.journal import JournalReader
from tradewind.engine.live.facts import latest_orders, records_of
from tradewind.engine.live.home import Home
from tradewind.engine.live.running import folder_of
from tradewind.engine.live.sides import venue_of
from tradewind.engine.venues.facts import Venue, VenueAccount, VenueState
from tradewind.engine.venues.ids import number_in
from tradewind.engine.venues.naming import by_our_names

SAME = 1e-6  # units


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was compared.

    Attributes
    ----------
    positions : mapping of str to (float, float)
        Units by our books and by the broker's.
    orders : mapping of str to (bool, bool)
        Whether an order works by our books and by the broker's, by its id.
    """

    positions: Mapping[str, tuple[float, float]]
    orders: Mapping[str, tuple[bool, bool]]

    @property
    def differences(self) -> tuple[str, ...]:
        """A sentence for each."""
        held = (
            f"{name}: {ours:g} units by the run, {theirs:g} at the broker"
            for name, (ours, theirs) in self.positions.items()
            if abs(ours - theirs) > SAME
        )
        words = {True: "works", False: "does not work"}
        working = (
            f"order {name}: {words[ours]} by the run, {words[theirs]} at the broker"
            for name, (ours, theirs) in self.orders.items()
            if ours != theirs
        )
        return (*held, *working)

    @property
    def sentence(self) -> str:
        """What it comes to."""
        n = len(self.differences)
        what = f"{len(self.positions)} positions and {len(self.orders)} working orders"
        return f"{what} compared, {n} differences" if n else f"{what} compared, all the same"

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"positions": dict(self.positions), "orders": dict(self.orders)}


def reconciled(folder: Path, venue: Venue | None = None) -> Reconciled:
    """Compare the books of a run with its broker's.

    Parameters
    ----------
    folder : Path
    venue : Venue, optional
        In place of the config's.

    Raises
    ------
    ConfigError
        If our own rule book fills the orders.
    OutsideError
        If the broker cannot be reached.
    """
    home = Home(folder_of(folder))
    config, document = home.config()
    broker = venue or venue_of(config, document)
    if broker is None:
        raise ConfigError(
            f"{home.run}: its orders are filled by our own rule book, so there is no broker to "
            "compare with"
        )
    account, working = asyncio.run(_asked(broker))
    symbols, held, ours = _ours(home)
    there = by_our_names(account.positions, symbols)
    names = sorted({*held, *(name for name, qty in there.items() if qty)})
    numbers = {number_in(state.order.client_id, home.run) for state in working}
    theirs = {f"{home.run}-{number}" for number in numbers if number is not None}
    return Reconciled(
        {name: (held.get(name, 0.0), float(there.get(name, 0.0))) for name in names},
        {name: (name in ours, name in theirs) for name in sorted(ours | theirs)},
    )


async def _asked(venue: Venue) -> tuple[VenueAccount, list[VenueState]]:
    return await venue.account(), list(await venue.working())


def _ours(home: Home) -> tuple[list[str], dict[str, float], set[str]]:
    """(symbols, units held by symbol, ids of working orders) by the journal."""
    reader = JournalReader(home.journal)
    try:
        started = reader.last("started")
        symbols: list[str] = started.facts["symbols"] if started else []
        held = np.zeros(len(symbols))
        orders = latest_orders(list(reader.events(kinds=("order",))))
        fills = records_of(list(reader.events(kinds=("fill",))), "fill")
        np.add.at(held, fills["symbol"], fills["qty"])
    finally:
        reader.close()
    works = orders[(orders["reason"] == 0) & (orders["triggered"] != 2)]
    return (
        symbols,
        {name: float(qty) for name, qty in zip(symbols, held, strict=True) if abs(qty) > SAME},
        {f"{home.run}-{order['id']}" for order in works},
    )

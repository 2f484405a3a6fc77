"""When a fill was, as far as anybody knows: a bar says it by its own open and close alone."""

from functools import lru_cache
from typing import Any

from tradewind.engine.bars.sessions import is_intraday
from tradewind.engine.config.paper import OWN
from tradewind.engine.live.account import Account
from tradewind.engine.streams.grid import Grid
from tradewind.engine.types import OrderType


def time_of(account: Account, fill: Any) -> dict[str, Any]:
    """Moment of a fill and what is known of it.

    Parameters
    ----------
    account : Account
    fill : record of FILL

    Returns
    -------
    dict
        ``ts`` and ``when``: at the ``open`` of its bar, at its ``close``, ``inside`` of it, where
        ``ts`` is its close, or ``after`` its close, as a broker outside tells it between two bars.
    """
    book = account.book
    panel, order = book.panel, book.orders[fill["order"]]
    close = int(panel.ts[fill["bar"]])
    paper = book.config.paper
    if paper is not None and paper.venue.kind != OWN:
        return {"ts": close, "when": "after"}
    kind = order["order_type"]
    if kind == OrderType.MARKET_ON_CLOSE or order["bar"] == fill["bar"]:  # of one that leaves
        return {"ts": close, "when": "close"}
    if kind == OrderType.MARKET:
        opened = open_of(panel.calendar_of_each[fill["symbol"]], panel.interval, close)
        if opened is not None:
            return {"ts": opened, "when": "open"}
    return {"ts": close, "when": "inside"}


@lru_cache(maxsize=65_536)
def open_of(calendar: str | None, interval: str, close: int) -> int | None:
    """Open of the bar that closes then, UTC nanoseconds; None where the exchange tells of none."""
    if not is_intraday(interval) and interval != "1d":
        return None  # a week opens with its first session, which may be a holiday
    found = _grid(calendar, interval).of(close - 1)
    return None if found is None else found.start


@lru_cache(maxsize=64)
def _grid(calendar: str | None, interval: str) -> Grid:
    return Grid(calendar, interval, extended_hours=False)

"""Fills grouped into trades: from flat to flat, or to the other side."""

from typing import NamedTuple

import numpy as np

from tradewind.engine.books.ledger import FLAT, known_close
from tradewind.engine.feeds.exchange_rates import CLOSE
from tradewind.engine.records import EVENT, TRADE, Floats, Panel, Records, empty
from tradewind.engine.types import Happening

NOTHING = empty(EVENT)


class Flow(NamedTuple):
    """Fills of one symbol, told in the units it has at the end of the panel; shape (n_fills,)."""

    fills: Records
    qty: Floats
    price: Floats  # the symbol's currency
    factor: Floats  # units at the end per unit of the fill's day
    dividends: Records  # events


def round_trips(fills: Records, panel: Panel, events: Records = NOTHING) -> Records:
    """Trades of all symbols.

    Parameters
    ----------
    fills : ndarray of FILL
    panel : Panel
        Its last closes mark what is still open.
    events : ndarray of EVENT
        Splits and dividends of what was held.

    Returns
    -------
    ndarray of TRADE
        In order of entry. Prices are averages over the fills that opened and closed; they and the
        units are told in units of the trade's last day, after all splits. Profit is in account
        currency, after fees and with dividends.
    """
    trades: list[tuple[float, ...]] = []
    for k in np.unique(fills["symbol"]):
        flow = _flow(fills[fills["symbol"] == k], events[events["symbol"] == k])
        trades += _trades_of(int(k), flow, _mark(panel, int(k)))
    trades.sort(key=lambda row: (row[1], row[0]))
    return np.array([tuple(row) for row in trades], TRADE) if trades else np.empty(0, TRADE)


def _mark(panel: Panel, k: int) -> float:
    """Last close known, account currency."""
    mark = float(known_close(panel.close[:, k])[-1])
    if CLOSE not in panel.columns:
        return mark
    return mark * float(known_close(panel.columns[CLOSE][:, k])[-1])


def _flow(fills: Records, events: Records) -> Flow:
    """Fills of one symbol in one unit; a split comes before the fills of its bar."""
    splits = events[events["kind"] == Happening.SPLIT.value]
    ahead = np.append(np.cumprod(splits["amount"][::-1])[::-1], 1.0)
    factor = ahead[np.searchsorted(splits["bar"], fills["bar"], "right")]
    return Flow(
        fills,
        fills["qty"] * factor,
        fills["price"] / factor,
        factor,
        events[events["kind"] == Happening.DIVIDEND.value],
    )


def _trades_of(k: int, flow: Flow, mark: float) -> list[tuple[float, ...]]:
    """Trades of one symbol; a reversal comes as two fills, so no fill crosses zero."""
    trades = []
    begin, position = 0, 0.0
    for i, (qty, factor) in enumerate(zip(flow.qty, flow.factor, strict=True)):
        position += qty
        if abs(position) < FLAT * max(factor, 1.0):
            trades.append(_trade(k, flow, slice(begin, i + 1), mark, is_open=False))
            begin, position = i + 1, 0.0
    if begin < len(flow.qty):
        trades.append(_trade(k, flow, slice(begin, None), mark, is_open=True))
    return trades


def _trade(k: int, flow: Flow, part: slice, mark: float, *, is_open: bool) -> tuple[float, ...]:
    """One row of TRADE from the fills of one round trip."""
    fills, end = flow.fills[part], 1.0 if is_open else float(flow.factor[part][-1])
    qty, price = flow.qty[part] / end, flow.price[part] * end
    side = 1.0 if qty[0] > 0 else -1.0
    enters = qty * side > 0
    position = np.cumsum(qty)
    fee = float(fills["fee"].sum())
    left = float(position[-1]) if is_open else 0.0
    paid = float((fills["qty"] * fills["price"] * fills["fx"]).sum())
    first, last = int(fills["bar"][0]), int(fills["bar"][-1])
    given = flow.dividends["bar"] > first  # what is bought on an ex-date comes without
    if not is_open:
        given &= flow.dividends["bar"] <= last
    pnl = left * mark - paid - fee + float(flow.dividends["amount"][given].sum())
    leaves = ~enters
    exit_price = float(np.average(price[leaves], weights=qty[leaves])) if leaves.any() else np.nan
    return (
        k,
        first,
        -1 if is_open else last,
        side * float(np.abs(position).max()),
        float(np.average(price[enters], weights=qty[enters])),
        np.nan if is_open else exit_price,
        pnl,
        fee,
    )

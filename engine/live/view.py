"""From an account to what the page shows of it."""

from typing import Any

import numpy as np

from tradewind.engine.bars.adjusting import factor_between
from tradewind.engine.bars.sessions import is_intraday, session_days
from tradewind.engine.live.account import Account
from tradewind.engine.live.board import FILLS, ROWS
from tradewind.engine.live.facts import Decision, Mode
from tradewind.engine.live.fill_times import time_of
from tradewind.engine.records import Floats, Ints
from tradewind.engine.types import OrderType, Reason

BARS, SAID, A_DAY = 1000, 200, 500
LEVEL = 0.8  # share of outcomes that a band is to hold
MEASURED = {
    "max_weight": "max_weight", "max_gross": "max_gross",
    "orders_per_minute": "max_orders_per_minute", "max_drawdown": "max_drawdown",
    "max_daily_loss": "max_daily_loss",
}  # fmt: skip
"""Limits of which a share is used, as the gate calls them -> as the config does."""


def account_view(account: Account) -> dict[str, Any]:
    """What is held, works, was filled and said."""
    book, panel = account.book, account.book.panel
    since = account.first_row
    equity = book.equity[since:]
    now = float(equity[-1]) if len(equity) else book.config.account.cash
    prices, qty = account.prices, book.state.qty
    held = np.flatnonzero(qty)
    gross = float(np.nansum(np.abs(qty[held] * prices[held]))) if len(held) else 0.0
    peak = max(float(equity.max(initial=0.0)), book.config.account.cash)
    return {
        "bar": {"ts": int(panel.ts[-1]), "number": panel.n_bars - since},
        "interval": panel.interval,
        "currency": book.config.account.currency, "equity": now,
        "cash": float(book.state.money[0]), "gross": gross,
        "start_equity": book.config.account.cash, "peak": peak,
        "drawdown": 1.0 - now / peak if peak > 0 else 0.0,
        "symbols": list(panel.symbols), "n_fills": len(book.fills),
        "positions": [_position(account, int(k), prices, now) for k in held],
        "orders": [_order(account, int(number)) for number in book.working],
        "outcomes": _outcomes(book.outcomes()),
        "fills": _fills(account, book.fills[-FILLS:][::-1]),
        "curve": _thinned(panel.ts[since:], equity),
        "forecasts": _forecasts(account),
    }  # fmt: skip


def marked(account: Account, traded: Floats, quoted_at: Ints) -> dict[str, float] | None:
    """Equity and drawdown at the last trades; None where none came since the last bar."""
    panel, qty = account.book.panel, account.book.state.qty
    news = (quoted_at > panel.ts[-1]) & ~np.isnan(traded) & (qty != 0.0)
    if not news.any():
        return None
    prices = account.prices
    last = account.book.equity[account.first_row :]
    moved = float(np.sum(qty[news] * (traded[news] - prices[news])))
    equity = (float(last[-1]) if len(last) else account.book.config.account.cash) + moved
    peak = max(float(last.max(initial=0.0)), account.book.config.account.cash, equity)
    return {"equity": equity, "drawdown": 1.0 - equity / peak, "ts": int(quoted_at[news].max())}


def day_start(account: Account, now: int = 0) -> float | None:
    """Equity at the last close of the day before; None before the first bar.

    Parameters
    ----------
    account : Account
    now : int
        Last trade that counts, UTC nanoseconds; where no bar has closed since it says what day it
        is.
    """
    panel, equity = account.book.panel, account.book.equity
    ts = panel.ts[account.first_row :]
    if not len(ts):
        return None
    if now > ts[-1] and not is_intraday(panel.interval):
        return float(equity[-1])  # a bar of a day is over, so another day is on
    rows, begun = A_DAY, 0
    while not begun:
        moments = np.append(ts[-rows:], max(int(ts[-1]), now))
        days = session_days(moments, panel.interval, panel.calendar)
        begun = int(np.searchsorted(days[:-1], days[-1]))
        if rows >= len(ts):
            break
        rows *= 4
    before = len(equity) - len(moments) + begun  # row behind which the day begins
    return float(equity[before]) if before >= account.first_row else (
        account.book.config.account.cash
    )  # fmt: skip


def _position(account: Account, k: int, prices: Floats, equity: float) -> dict[str, Any]:
    state = account.book.state
    qty, entry, price = float(state.qty[k]), float(state.entry[k]), float(prices[k])
    return {
        "symbol": account.book.panel.symbols[k], "qty": qty, "price": price, "entry": entry,
        "value": qty * price, "pnl": qty * (price - entry),
        "weight": qty * price / equity if equity else None,
    }  # fmt: skip


def _order(account: Account, number: int) -> dict[str, Any]:
    order, panel = account.book.orders[number], account.book.panel
    return {
        "id": f"{account.run}-{number}", "symbol": panel.symbols[order["symbol"]],
        "type": OrderType(int(order["order_type"])).name.lower(), "qty": float(order["qty"]),
        "filled": float(order["filled_qty"]), "limit": _number(order["limit"]),
        "stop": _number(order["stop"]), "since": int(panel.ts[order["bar"]]),
    }  # fmt: skip


def _outcomes(counts: Ints) -> dict[str, int]:
    """How many orders have ended, by why."""
    return {Reason(int(k)).name.lower(): int(counts[k]) for k in np.flatnonzero(counts)}


def _fills(account: Account, fills: Any) -> list[dict[str, Any]]:
    panel = account.book.panel
    return [
        {
            **time_of(account, fill), "symbol": panel.symbols[fill["symbol"]],
            "qty": float(fill["qty"]), "price": float(fill["price"]), "fee": float(fill["fee"]),
            "order": f"{account.run}-{fill['order']}",
        }
        for fill in fills
    ]  # fmt: skip


def _thinned(ts: Any, equity: Floats) -> list[list[float]]:
    """At most ``ROWS`` points, the newest among them."""
    step = max(1, -(-len(ts) // ROWS))
    at = np.arange(len(ts) - 1, -1, -step)[::-1]
    return [[int(ts[t]), float(equity[t])] for t in at]


def _forecasts(account: Account) -> list[dict[str, Any]]:
    """Of each symbol the newest forecast, and the newest of which is known what came."""
    panel = account.book.panel
    found = account.prospect.signals(panel)
    if found.forecasts is None or found.series is not None:
        return []
    last, horizon, rows = panel.n_bars - 1, found.forecasts.horizon, []
    for k, name in enumerate(panel.symbols):
        for t in (last, last - horizon):
            said = _told(found.forecasts, panel, t, k) if t >= 0 else None
            if said is not None:
                rows.append({"symbol": name, "asof": int(panel.ts[t]), **said})
    return rows


def _told(forecasts: Any, panel: Any, t: int, k: int) -> dict[str, Any] | None:
    mean = float(forecasts.mean[t, k])
    if mean != mean:
        return None
    reach = 1.2815515655446004 * float(forecasts.std[t, k])  # of a normal: holds LEVEL
    horizon = forecasts.horizon
    came, last = None, min(t + horizon, panel.n_bars - 1)
    factor = factor_between(panel, t, last, k)  # forecasts know no splits and dividends
    if t + horizon == last:
        came = _number(np.log(panel.close[last, k] / panel.close[t, k] * factor))
    return {
        "horizon": horizon, "mean": mean, "low": mean - reach, "high": mean + reach, "came": came,
        "level": LEVEL, "factor": factor,
    }  # fmt: skip


def symbol_view(account: Account, name: str) -> dict[str, Any]:
    """Bars, fills and forecasts of one symbol."""
    panel = account.book.panel
    if name not in panel.symbols:
        return {"symbol": name, "bars": [], "fills": [], "forecasts": []}
    k = panel.column(name)
    rows = range(max(0, panel.n_bars - BARS), panel.n_bars)
    fields = (panel.open, panel.high, panel.low, panel.close, panel.volume)
    bars = [
        [int(panel.ts[t]), *(_number(field[t, k]) for field in fields)]
        for t in rows
        if panel.close[t, k] == panel.close[t, k]
    ]
    own = account.book.fills
    fills = [
        {"ts": int(panel.ts[f["bar"]]), "qty": float(f["qty"]), "price": float(f["price"])}
        for f in own[own["symbol"] == k]
        if f["bar"] >= rows.start
    ]
    found = account.prospect.signals(panel)
    said = []
    if found.forecasts is not None and found.series is None:
        for t in range(max(rows.start, panel.n_bars - SAID), panel.n_bars):
            one = _told(found.forecasts, panel, t, k)
            if one is not None:
                said.append({"ts": int(panel.ts[t]), **one})
    return {"symbol": name, "bars": bars, "fills": fills, "forecasts": said}


def risk_view(account: Account, decision: Decision | None) -> list[dict[str, Any]]:
    """Limits and how much of each is used; of none before a bar of this process was taken."""
    if decision is None or account.book.market is None:
        limits = account.gate.config
        return [
            {"limit": name, "used": None, "of": of, "share": None, "measured": False}
            for name, of in ((name, getattr(limits, key)) for name, key in MEASURED.items())
            if of is not None
        ]
    used = account.gate.used(account.situation(decision))
    return [{**one._asdict(), "measured": True} for one in used]


def state_of(account: Account, *, stopping: bool) -> tuple[str, str]:
    """(word for the page, reason)."""
    if stopping:
        return "stopping", ""
    if account.gate.killed:
        return "killed", account.gate.killed
    if account.gate.frozen:
        return "frozen", account.gate.frozen
    if account.mode is not Mode.LIVE:
        return "paused", ""
    return "live", ""


def _number(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None

"""A paper account whose strategy does what a script says, one candle at a time."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from tests.paper_runs import config_of
from tradewind.engine.features.stream import Row
from tradewind.engine.journal.event import Event
from tradewind.engine.live.account import Account
from tradewind.engine.live.facts import Decision, Mode, latest_orders, records_of
from tradewind.engine.live.prospect import NOTHING
from tradewind.engine.protocols import Signals, View
from tradewind.engine.records import DAY_NS, Panel
from tradewind.engine.risk.gate import Gate
from tradewind.engine.types import Intent, Reason

MONDAY = int(np.datetime64("2017-01-02", "ns").astype(np.int64))
CONFIG = """
name: scripted
data: {source: embedded, symbols: [KO]}
strategy: {kind: sma_cross}
account: {cash: 10000, max_leverage: 10}
costs: {fee_bps: 0, slippage_bps: 0, spread: {kind: constant, bps: 0}}
"""
Script = Mapping[int, Sequence[Intent]]
Candle = tuple[float, float, float, float]


class Scripted:
    """Wishes by the number of the candle at whose close they are asked."""

    warmup = 1

    def __init__(self, script: Script) -> None:
        self.script = script

    def prepare(self, panel: Panel, signals: Signals) -> Any:
        """Nothing."""
        del panel, signals
        return None

    def decide(self, view: View) -> Sequence[Intent]:
        """What the script says."""
        return self.script.get(view.bar - 1, ())


class Silent:
    """Says nothing of any bar."""

    whole, fitted_at = False, dict[str, int]()

    def next(self, panel: Panel) -> Any:
        """Nothing."""
        del panel
        return NOTHING

    keep = next

    def signals(self, panel: Panel) -> Signals:
        """Nothing."""
        del panel
        return Signals(None, None)

    def refit(self, panel: Panel, fitted_at: Any) -> None:
        """Nothing was fitted."""


def account(
    script: Script,
    *,
    more: str = "",
    symbols: tuple[str, ...] = ("KO",),
    at_a_venue: bool = False,
    **limits: Any,
) -> Account:
    """Account before its first candle; one bar at 100 has been before."""
    risk = ", ".join(f"{key}: {value}" for key, value in limits.items())
    config, _ = config_of(f"{CONFIG}{more}\npaper: {{risk: {{{risk}}}}}\n")
    one = np.full((1, len(symbols)), 100.0)
    history = Panel(symbols, np.array([MONDAY]), one, one, one, one, one * 1e6, interval="1d")
    assert config.paper is not None
    return Account.begin(
        "run", config, cast(Any, Scripted(script)), history, cast(Any, Silent()),
        Gate(config.paper.risk, symbols), bars_per_year=252.0, start=1, at_a_venue=at_a_venue,
    )  # fmt: skip


def took(
    one: Account, candle: Candle | float, *, volume: float = 1e6, mode: Mode | None = None
) -> list[Event]:
    """What a candle makes; a number is a candle of one price."""
    prices = candle if isinstance(candle, tuple) else (candle,) * 4
    n = one.book.panel.n_bars
    wide = one.book.panel.n_symbols
    made: list[Any] = [np.full(wide, value) for value in (*prices, volume)]
    row = Row(MONDAY + n * DAY_NS, *made)
    decision = Decision(
        row.ts, n, mode or one.mode, tuple(one.leaving), np.full(wide, row.ts)
    )  # fmt: skip
    return one.bar(row, decision)


def reasons(events: Sequence[Event]) -> dict[int, str]:
    """Rule of each refusal, by the order's number."""
    return {e.facts["number"]: e.facts["rule"] for e in events if e.kind == "refused"}


def orders(one: Account) -> list[str]:
    """How each order stands."""
    return [Reason(int(order["reason"])).name for order in one.book.orders]


def journaled(events: Sequence[Event]) -> list[str]:
    """How each order stands by what was written down."""
    found = latest_orders([event for event in events if event.kind == "order"])
    return [Reason(int(order["reason"])).name for order in found]


def fills(events: Sequence[Event]) -> list[tuple[float, float]]:
    """(units, price) of each fill."""
    found = records_of([event for event in events if event.kind == "fill"], "fill")
    return [(float(fill["qty"]), float(fill["price"])) for fill in found]

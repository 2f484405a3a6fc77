"""NautilusTrader as its documentation writes a backtest over bars.

Bars are turned into its objects before the clock starts. On bars an order sent at a close is filled
at that close, or, with a latency, at the close after it, never at the open between them; and it has
no proportional slippage, so half the spread is part of its fee. It trades the same signals at other
prices.
"""

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy
from workloads import (
    CASH,
    DAY_NS,
    FAST,
    FEE,
    MINUTE_NS,
    SLIP,
    SLOW,
    TARGETS,
    Bars,
    Outcome,
    Workload,
    settings,
    sharpe,
)

VENUE = Venue("SIM")
STEPS = {MINUTE_NS: "1-MINUTE", DAY_NS: "1-DAY"}


def instrument(k: int) -> CurrencyPair:
    """A symbol traded in fractions, whose fee holds half the spread."""
    from nautilus_trader.model.currencies import BTC

    name = f"S{k}/USD"
    return CurrencyPair(
        instrument_id=InstrumentId(Symbol(name), VENUE),
        raw_symbol=Symbol(name),
        base_currency=BTC,
        quote_currency=USD,
        price_precision=6,
        size_precision=6,
        price_increment=Price(1e-6, 6),
        size_increment=Quantity(1e-6, 6),
        ts_event=0,
        ts_init=0,
        maker_fee=Decimal(str(FEE + SLIP)),
        taker_fee=Decimal(str(FEE + SLIP)),
        margin_init=Decimal(0),
        margin_maint=Decimal(0),
    )


class Kept(Strategy):  # type: ignore[misc]
    """Keeps an equity curve: its own record of cash and units, which is quicker than the cache."""

    def __init__(self, config: Any, symbols: list[Any], types: list[Any]) -> None:
        super().__init__(config)
        self.symbols, self.types = symbols, types
        self.column = {kind: k for k, kind in enumerate(types)}
        self.place = {symbol.id: k for k, symbol in enumerate(symbols)}
        self.cash, self.qty, self.fills = CASH, [0.0] * len(types), 0
        self.last = [0.0] * len(types)
        self.curve: list[float] = []

    def on_start(self) -> None:
        """Ask for the bars."""
        for kind in self.types:
            self.subscribe_bars(kind)

    def on_order_filled(self, event: Any) -> None:
        """Write a fill down."""
        self.fills += 1
        units = float(event.last_qty) * (1 if event.order_side == OrderSide.BUY else -1)
        self.cash -= units * float(event.last_px) + float(event.commission)
        k = self.place[event.instrument_id]
        self.qty[k] = round(self.qty[k] + units, 6)

    def send(self, k: int, change: float) -> None:
        """Send a market order of signed units."""
        units = Quantity(abs(change), 6)
        if units > 0:
            side = OrderSide.BUY if change > 0 else OrderSide.SELL
            self.submit_order(self.order_factory.market(self.symbols[k].id, side, units))


class Cross(Kept):
    """SMA cross, all in."""

    fast, slow = FAST, SLOW

    def on_start(self) -> None:
        """Begin with empty windows."""
        super().on_start()
        self.quick: deque[float] = deque(maxlen=self.fast)
        self.lasting: deque[float] = deque(maxlen=self.slow)
        self.sums = [0.0, 0.0]

    def on_bar(self, bar: Any) -> None:
        """Decide on the close."""
        close = float(bar.close)
        self.curve.append(self.cash + self.qty[0] * close)
        for i, window in enumerate((self.quick, self.lasting)):
            self.sums[i] += close - (window[0] if len(window) == window.maxlen else 0.0)
            window.append(close)
        if len(self.lasting) < self.slow:
            return
        above = self.sums[0] * self.slow > self.sums[1] * self.fast
        if above and not self.qty[0]:
            self.send(0, self.cash / (close * (1.0 + FEE + SLIP)))
        elif not above and self.qty[0]:
            self.send(0, -self.qty[0])


class Monthly(Kept):
    """Brings the portfolio to given weights once the last symbol's bar has come in."""

    targets: dict[int, Any]

    def on_bar(self, bar: Any) -> None:
        """Decide when all symbols have closed."""
        k = self.column[bar.bar_type]
        self.last[k] = float(bar.close)
        if k + 1 < len(self.types):
            return
        worth = self.cash + sum(q * p for q, p in zip(self.qty, self.last, strict=True))
        self.curve.append(worth)
        weights = self.targets.get(len(self.curve) - 1)
        if weights is None:
            return
        changes = [w * worth / p - q for w, p, q in zip(weights, self.last, self.qty, strict=True)]
        for i in sorted(range(len(changes)), key=lambda i: changes[i] > 0.0):
            if weights[i] or self.qty[i]:
                self.send(i, changes[i])


def run(symbols: list[Any], types: list[Any], data: list[Any], make: Callable[..., Any]) -> Outcome:
    """One run over prepared bars."""
    engine = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
    )
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.MARGIN,
        base_currency=USD,
        starting_balances=[Money(CASH, USD)],
    )
    for symbol in symbols:
        engine.add_instrument(symbol)
    engine.add_data(data, sort=True)
    strategy = make(StrategyConfig(), symbols, types)
    engine.add_strategy(strategy)
    engine.run()
    value = np.array(strategy.curve)
    n = strategy.fills
    engine.dispose()
    gain = value[1:] / value[:-1] - 1.0
    drawdown = float((1.0 - value / np.maximum.accumulate(value)).max())
    ratio = sharpe(float(gain.sum()), float(gain @ gain), len(gain))
    return Outcome(float(value[-1]), n, ratio, drawdown)


def prepared(bars: Bars, workload: Workload) -> tuple[list[Any], list[Any], list[Any]]:
    """(instruments, bar types, bars) as its objects."""
    index = pd.to_datetime(bars.ts, utc=True)
    symbols, types, data = [], [], []
    names = ("open", "high", "low", "close", "volume")
    for k in range(bars.shape[1]):
        symbol = instrument(k)
        kind = BarType.from_str(f"{symbol.id}-{STEPS[workload.bar_ns]}-LAST-EXTERNAL")
        frame = pd.DataFrame({name: getattr(bars, name)[:, k] for name in names}, index)
        data += BarDataWrangler(kind, symbol).process(frame)
        symbols.append(symbol)
        types.append(kind)
    return symbols, types, data


def crosses(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """A, B and E: one run for each setting."""
    symbols, types, data = prepared(bars, workload)
    asked = settings(workload.n_settings) if workload.n_settings > 1 else [(FAST, SLOW)]

    def call() -> Outcome:
        found = []
        for fast, slow in asked:
            kind = type("Set", (Cross,), {"fast": fast, "slow": slow})
            found.append(run(symbols, types, data, kind))
        means = np.array([one[:4] for one in found]).mean(axis=0)
        return Outcome(means[0], sum(one.fills for one in found), means[2], means[3])

    return call


def portfolio(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """C and D."""
    symbols, types, data = prepared(bars, workload)

    def call() -> Outcome:
        targets = {row: weights.tolist() for row, weights in TARGETS[workload.name](bars)}
        return run(symbols, types, data, type("Set", (Monthly,), {"targets": targets}))

    return call


RUNNERS = {"A": crosses, "B": crosses, "C": portfolio, "D": portfolio, "E": crosses}

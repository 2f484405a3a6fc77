"""backtrader as its documentation writes these strategies, with what it can do to be quick.

Everything is preloaded, indicators run vectorised (``runonce``) and no observers are added.
"""

from collections.abc import Callable
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
from workloads import (
    CASH,
    FAST,
    FEE,
    SLIP,
    SLOW,
    STOP,
    TARGET,
    TARGETS,
    Bars,
    Outcome,
    Workload,
    settings,
    sharpe,
)

ROUNDING = 1.0 - 1e-12  # cash that ends a rounding error below zero refuses the order


class Kept(bt.Strategy):  # type: ignore[misc]
    """Keeps what every engine has to give: fills and an equity curve."""

    def __init__(self) -> None:
        self.fills: list[tuple[int, float, float]] = []
        self.curve: list[float] = []

    def notify_order(self, order: Any) -> None:
        """Write a fill down."""
        if order.status == order.Completed:
            self.fills.append((len(self), order.executed.size, order.executed.price))


class Cross(Kept):
    """All in at the open after the cross: ``cheat_on_open`` sizes by the price it is filled at."""

    params = (("fast", FAST), ("slow", SLOW))

    def __init__(self) -> None:
        super().__init__()
        quick = bt.ind.SMA(period=self.p.fast)
        lasting = bt.ind.SMA(period=self.p.slow)
        self.ahead = quick - lasting
        self.wish = 0

    def next_open(self) -> None:
        """Send what the last close decided."""
        if self.wish > 0:
            price = self.data.open[0] * (1.0 + SLIP)
            self.buy(size=self.broker.getcash() / (price * (1.0 + FEE)) * ROUNDING)
        elif self.wish < 0:
            self.close()
        self.wish = 0

    def next(self) -> None:
        """Decide."""
        self.curve.append(self.broker.getvalue())
        above, held = self.ahead[0] > 0.0, self.position.size
        if above and not held:
            self.wish = 1
        elif held and not above:
            self.wish = -1


class Bracket(Cross):
    """The same, each entry with a trailing stop and a limit that cancel each other."""

    def __init__(self) -> None:
        super().__init__()
        self.was_above = True
        self.children: list[Any] = []

    def next_open(self) -> None:
        """Send entry and children, or cancel them and leave."""
        if self.wish > 0:
            price = self.data.open[0] * (1.0 + SLIP)
            size = self.broker.getcash() / (price * (1.0 + FEE)) * ROUNDING
            self.children = self.buy_bracket(
                size=size,
                exectype=bt.Order.Market,
                stopexec=bt.Order.StopTrail,
                stopargs={"trailpercent": STOP},
                limitprice=price * (1.0 + TARGET),
            )[1:]
        elif self.wish < 0 and self.position.size:
            self.cancel(self.children[0])  # takes its sibling with it
            self.close()
        self.wish = 0

    def next(self) -> None:
        """Decide; an entry stopped out waits for the next cross."""
        self.curve.append(self.broker.getvalue())
        above, held = self.ahead[0] > 0.0, self.position.size
        if above and not held and not self.was_above:
            self.wish = 1
        elif held and not above:
            self.wish = -1
        self.was_above = above


class Monthly(Kept):
    """Brings the portfolio to given weights at the open after each of their rows."""

    params = (("targets", None),)

    def next(self) -> None:
        """Reductions first: they free cash."""
        worth = self.broker.getvalue()
        self.curve.append(worth)
        weights = self.p.targets.get(len(self) - 1)
        if weights is None:
            return
        orders = []
        for data, weight in zip(self.datas, weights, strict=True):
            held = self.broker.positions[data].size
            change = weight * worth / data.close[0] - held
            if weight or held:
                orders.append((change, data))
        for change, data in sorted(orders, key=lambda order: order[0] > 0.0):
            if change > 0.0:
                self.buy(data=data, size=change)
            elif change < 0.0:
                self.sell(data=data, size=-change)


def feeds(bars: Bars) -> list[pd.DataFrame]:
    """Bars as frames, one a symbol."""
    index = pd.to_datetime(bars.ts)
    names = ("open", "high", "low", "close", "volume")
    return [
        pd.DataFrame({name: getattr(bars, name)[:, k] for name in names}, index)
        for k in range(bars.shape[1])
    ]


def run(frames: list[pd.DataFrame], strategy: type, *, at_open: bool, **params: Any) -> Outcome:
    """One run over fresh feeds, as backtrader needs them."""
    brain = bt.Cerebro(stdstats=False, cheat_on_open=at_open)
    brain.broker.set_cash(CASH)
    brain.broker.set_checksubmit(False)
    brain.broker.setcommission(FEE)
    brain.broker.set_slippage_perc(SLIP, slip_open=True, slip_match=True, slip_out=True)
    for frame in frames:
        brain.adddata(bt.feeds.PandasData(dataname=frame))
    brain.addstrategy(strategy, **params)
    (found,) = brain.run()
    value = np.array(found.curve)
    gain = value[1:] / value[:-1] - 1.0
    drawdown = float((1.0 - value / np.maximum.accumulate(value)).max())
    ratio = sharpe(float(gain.sum()), float(gain @ gain), len(gain))
    return Outcome(brain.broker.getvalue(), len(found.fills), ratio, drawdown)


def crosses(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """A, A-brackets, B and E: one run for each setting."""
    frames = feeds(bars)
    asked = settings(workload.n_settings) if workload.n_settings > 1 else [(FAST, SLOW)]
    strategy = Bracket if workload.name in ("A-brackets", "A-orders") else Cross

    def call() -> Outcome:
        found = [run(frames, strategy, at_open=True, fast=f, slow=s) for f, s in asked]
        means = np.array([one[:4] for one in found]).mean(axis=0)
        return Outcome(means[0], sum(one.fills for one in found), means[2], means[3])

    return call


def portfolio(bars: Bars, workload: Workload) -> Callable[[], Outcome]:
    """C and D."""
    frames = feeds(bars)

    def call() -> Outcome:
        targets = {row: weights.tolist() for row, weights in TARGETS[workload.name](bars)}
        return run(frames, Monthly, at_open=False, targets=targets)

    return call


RUNNERS = {
    "A": crosses,
    "A-brackets": crosses,
    "A-orders": crosses,
    "B": crosses,
    "C": portfolio,
    "D": portfolio,
    "E": crosses,
}

"""A market's columns as backtrader feeds, and what their units are worth to the account."""

from typing import Any

import backtrader as bt
import numpy as np

from tradewind.engine.records import FIELDS

FIRST_DAY = 730_000.0  # of the run's own calendar: any day number backtrader can turn into a date
CLOCK = -1  # the feed that ticks at every row, so that no row is skipped


class MarketFeed(bt.feed.DataBase):  # type: ignore[misc]
    """One column of a market; rows without a bar are left out, as an exchange would."""

    lines = ("bar",)  # row of the market, so that a bar is found again without its time
    params = (("market", None), ("column", CLOCK))

    def start(self) -> None:
        """Find the rows that have a bar."""
        super().start()
        market, k = self.p.market, self.p.column
        alive = np.ones(len(market.ts), bool) if k == CLOCK else ~np.isnan(market.close[:, k])
        self.rows = iter(np.flatnonzero(alive))

    def _load(self) -> bool:
        t = next(self.rows, None)
        if t is None:
            return False
        market, k = self.p.market, self.p.column
        lines: Any = self.lines
        # Only the order of times matters here; bars are told apart by their row.
        lines.datetime[0] = FIRST_DAY + float(t)
        lines.bar[0] = float(t)
        for name in FIELDS:
            getattr(lines, name)[0] = 1.0 if k == CLOCK else getattr(market, name)[t, k]
        lines.openinterest[0] = 0.0
        return True


class Valuation(bt.CommInfoBase):  # type: ignore[misc]
    """What units of one column are worth; the broker sets the rate and the fee before each use.

    Positions keep their average price in the column's own currency, cash is the account's: every
    value passes through the rate, so backtrader's own arithmetic does the conversion.
    """

    params = (("stocklike", True), ("commtype", bt.CommInfoBase.COMM_PERC), ("percabs", True))

    def __init__(self) -> None:
        super().__init__()
        self.rate = 1.0  # account currency per unit of the column's
        self.fee = 0.0  # of the fill at hand, account currency

    def getvaluesize(self, size: float, price: float) -> float:
        """Signed value of ``size`` units at ``price``."""
        return size * price * self.rate

    def profitandloss(self, size: float, price: float, newprice: float) -> float:
        """Gain of ``size`` units from ``price`` to ``newprice``."""
        return size * (newprice - price) * self.rate

    def _getcommission(self, size: float, price: float, pseudoexec: bool) -> float:
        # asked for the closed and for the opened part, of which one may be dust of a subtraction
        fee, self.fee = self.fee, 0.0
        return fee

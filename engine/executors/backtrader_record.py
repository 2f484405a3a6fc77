"""backtrader's own broker, which also writes down what it does, in our records.

Every method calls the original with what it was given and gives back what it answered; nothing is
decided here. Imports backtrader; imported only where a user's backtrader strategy is named.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isfinite, nan
from typing import Any

import backtrader as bt
import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import FILL, ORDER, Ints, Records
from tradewind.engine.types import OrderType, Reason, TimeInForce

Order = bt.Order
TYPES = {
    Order.Market: OrderType.MARKET,
    Order.Close: OrderType.MARKET_ON_CLOSE,
    Order.Limit: OrderType.LIMIT,
    Order.Stop: OrderType.STOP,
    Order.StopLimit: OrderType.STOP_LIMIT,
    Order.StopTrail: OrderType.TRAILING_STOP,
    Order.StopTrailLimit: OrderType.TRAILING_STOP,  # with a limit price beside the trail
    Order.Historical: OrderType.MARKET,
}
WITH_LIMIT = (Order.Limit, Order.StopLimit, Order.StopTrailLimit)
WITH_STOP = (Order.Stop, Order.StopLimit, Order.StopTrail, Order.StopTrailLimit)
TERMS = ("cash", "slip_perc", "slip_fixed", "slip_open", "slip_out", "slip_match", "slip_limit",
         "shortcash")  # fmt: skip
SETTINGS = ("checksubmit", "eosbar", "filler", "coc", "coo", "int2pnl", "fundmode")


class RecordingBroker(bt.brokers.BackBroker):  # type: ignore[misc]
    """The stock broker with a pen."""

    def attach(
        self, feeds: Sequence[Any], rows: Sequence[Ints], n_bars: int, spread_share: float
    ) -> None:
        """Learn the feeds, the rows of their bars and the part of slippage that is spread."""
        self.feeds, self.rows = list(feeds), list(rows)
        self.columns = {id(feed): k for k, feed in enumerate(feeds)}
        self.ours, self.given = self.terms(), self.settings()
        self.spread_share = spread_share
        self.stepped = -1  # row of the last step
        self.first = -1  # row of the first decision
        self.seen = np.zeros(n_bars, bool)
        self.equity = np.full(n_bars, nan)
        self.borrow = np.zeros(n_bars)
        self.sent: list[tuple[Any, int, int]] = []  # order, its column, the row it was decided on
        self.numbers: dict[int, int] = {}
        self.ended: dict[int, Reason] = {}
        self.fills: list[tuple[Any, ...]] = []
        self.stale = 0  # fills on a bar that was over before
        self._why = Reason.CANCELLED_USER
        self._unslipped = nan

    def terms(self) -> tuple[Any, ...]:
        """What a config has keys for; code of the user's that changes it would make two truths."""
        schemes = tuple(
            (name, type(scheme), scheme.get_leverage(), tuple(scheme.params._getvalues()))
            for name, scheme in self.comminfo.items()
        )
        return (*(getattr(self.p, name) for name in TERMS), schemes)

    def settings(self) -> dict[str, Any]:
        """What a user's code may change, and the report then says."""
        return {name: getattr(self.p, name) for name in SETTINGS}

    def add_cash(self, cash: float) -> None:
        """Refuse what the result has no place for."""
        raise StrategyError(
            f"the strategy moves {cash!r} in or out of the account (broker.add_cash); a run has "
            "one amount of cash, account.cash, or its returns would not be the strategy's"
        )

    def set_fund_history(self, fund: Any) -> None:
        """Refuse a value that does not come from the fills."""
        raise StrategyError("broker.set_fund_history: the account's value is that of its fills")

    def next(self) -> None:
        """One step, and the account after it."""
        if self.first < 0 and any(s._minperstatus <= 0 for s in self.cerebro.runningstrats):
            self.first = self.stepped  # the step before this one was the first decision
        begun = [
            int(rows[len(feed) - 1])
            for feed, rows in zip(self.feeds, self.rows, strict=True)
            if len(feed)
        ]
        if not begun:  # only a feed that a setup added has bars so far
            super().next()
            return
        self.stepped = max(begun)
        self._cash_before = self.cash
        super().next()
        self.seen[self.stepped] = True
        self.equity[self.stepped] = self._value

    def _process_order_history(self) -> None:
        # the first thing that backtrader does after it has charged interest
        if self.stepped >= 0:
            self.borrow[self.stepped] += self._cash_before - self.cash
        super()._process_order_history()

    def submit(self, order: Any, check: bool = True) -> Any:
        """Number the order."""
        k = self.columns.get(id(order.data), -1)
        if k < 0 or order.data._compensate is not None:
            name = order.data._name or type(order.data).__name__
            raise StrategyError(
                f"an order for the feed {name!r}, which is resampled, replayed, compensated or "
                "added by 'setup'; send it to the symbol's own feed (self.data0, or "
                "self.getdatabyname(symbol)): only its bars are those of the run"
            )
        if order.ref not in self.numbers:
            self.numbers[order.ref] = len(self.sent)
            # -1 by a timer before the first bar; what is given as history was decided before
            decided = self.stepped - (order.exectype == Order.Historical)
            self.sent.append((order, k, decided))
        return super().submit(order, check=check)

    def cancel(self, order: Any, bracket: bool = False) -> Any:
        """Remember who asked."""
        with self._because(Reason.CANCELLED_BRACKET if bracket else Reason.CANCELLED_USER):
            return super().cancel(order, bracket=bracket)

    def _ococheck(self, order: Any) -> None:
        with self._because(Reason.CANCELLED_OCO):
            super()._ococheck(order)

    @contextmanager
    def _because(self, reason: Reason) -> Iterator[None]:
        before, self._why = self._why, reason
        try:
            yield
        finally:
            self._why = before

    def notify(self, order: Any) -> None:
        """Write down how an order ended."""
        if order.status in (Order.Canceled, Order.Expired, Order.Margin, Order.Rejected):
            self.ended.setdefault(order.ref, self._reason(order))
        super().notify(order)

    def _reason(self, order: Any) -> Reason:
        if order.status == Order.Canceled:
            return self._why
        if order.status == Order.Expired:
            return Reason.EXPIRED
        if order.status == Order.Rejected:  # a child whose parent had gone
            return Reason.CANCELLED_BRACKET
        return Reason.PARTLY_FILLED if order.executed.size else Reason.REJECTED_CASH

    def _try_exec(self, order: Any) -> None:
        self._unslipped = nan
        super()._try_exec(order)

    def _slip_up(self, pmax: float, price: float, **terms: Any) -> Any:
        self._unslipped = price
        return super()._slip_up(pmax, price, **terms)

    def _slip_down(self, pmin: float, price: float, **terms: Any) -> Any:
        self._unslipped = price
        return super()._slip_down(pmin, price, **terms)

    def _execute(self, order: Any, **terms: Any) -> Any:
        done = len(order.executed.exbits)
        answer = super()._execute(order, **terms)
        for bit in list(order.executed.exbits)[done:]:
            self._write(order, bit)
        return answer

    def _write(self, order: Any, bit: Any) -> None:
        """Write a fill; one through zero as two, because one closes and one opens."""
        mid = self._unslipped if isfinite(self._unslipped) else bit.price
        quote = mid + (bit.price - mid) * self.spread_share
        scheme = self.getcommissioninfo(order.data)
        number = self.numbers[order.ref]
        k = self.sent[number][1]
        self.stale += int(self.rows[k][len(self.feeds[k]) - 1] < self.stepped)
        for qty in (bit.closed, bit.opened):
            if qty:
                # not bit.closedcomm: that holds the interest, which has left the cash before
                fee = scheme.getcommission(qty, bit.price)
                place = (number, k, self.stepped)
                self.fills.append((*place, qty, bit.price, mid, quote, fee, 1.0))

    def order_records(self, ends: Ints) -> Records:
        """Every order sent, as rows of ``ORDER``.

        Parameters
        ----------
        ends : ndarray of int64, shape (n_symbols,)
            Last bars of symbols that stop trading; orders that still work for them ended there.
        """
        rows = np.zeros(len(self.sent), ORDER)
        groups = Counter(self._ocos.values())
        for number, (order, k, bar) in enumerate(self.sent):
            row = rows[number]
            row["id"], row["symbol"], row["bar"] = number, k, bar
            row["qty"], row["order_type"] = order.size, TYPES[order.exectype]
            row["reason"] = self._ending(order, gone=ends[k] >= 0)
            row["filled_qty"] = order.executed.size
            self._describe(row, order)
            row["oco"] = self._group(order, groups)
        for fill in self.fills:
            rows[fill[0]]["fee"] += fill[7]
            rows[fill[0]]["raw_fee"] += fill[7]
            rows[fill[0]]["value"] += abs(fill[3]) * fill[4]
        return rows

    def _ending(self, order: Any, *, gone: bool) -> Reason:
        if order.status == Order.Completed:
            return Reason.FILLED
        working = Reason.DELISTED if gone else Reason.END_OF_DATA
        return self.ended.get(order.ref, working)

    def _describe(self, row: Any, order: Any) -> None:
        created, kind = order.created, order.exectype
        limit = created.price if kind == Order.Limit else created.pricelimit
        row["limit"] = limit if kind in WITH_LIMIT else nan
        row["stop"] = created.price if kind in WITH_STOP else nan
        row["trail"] = order.trailamount or nan
        row["trail_fraction"] = order.trailpercent or nan
        row["tif"] = TimeInForce.GTC
        if order.valid:
            row["tif"], row["until"] = TimeInForce.GTD, _nanoseconds(order.valid)
        row["parent"] = -1 if order.parent is None else self.numbers.get(order.parent.ref, -1)
        row["triggered"] = int(order.triggered)

    def _group(self, order: Any, groups: Mapping[int, int]) -> int:
        """Number of the order's OCO group, 0 where it stands alone."""
        leader = self._ocos[order.ref]
        return self.numbers.get(leader, -1) + 1 if groups[leader] > 1 else 0

    def fill_records(self) -> Records:
        """Every fill, as rows of ``FILL``."""
        return np.array(self.fills, FILL)


def _nanoseconds(valid: float) -> int:
    """Time of an order's end, UTC nanoseconds; numbers that are no date stay at the bounds."""
    moment = bt.num2date(valid) if 1 <= valid < 3_000_000 else None
    return 0 if moment is None else int(np.datetime64(moment, "ns").astype(np.int64))

"""Strategies and setups that fewer backtrader users write; nothing here knows tradewind."""
# mypy: ignore-errors

import datetime
import random

import backtrader as bt


class Haphazard(bt.Strategy):
    """Any order at any time, by chance: what nobody thought of."""

    params = (("seed", 0), ("orders", 0.25))

    def __init__(self):
        self.chance = random.Random(self.p.seed)
        self.mine = []

    def notify_order(self, order):
        if order.alive():
            self.mine.append(order)

    def next(self):
        chance = self.chance
        for data in self.datas[: 3 if self.p.seed % 2 else 1]:
            if chance.random() < 0.05 and self.mine:
                self.cancel(chance.choice(self.mine))
            if chance.random() < self.p.orders:
                self.send(data)

    def send(self, data):
        chance, close = self.chance, data.close[0]
        near = close * (1.0 + chance.uniform(-0.02, 0.02))
        far = close * (1.0 + chance.uniform(-0.03, 0.03))
        size = chance.choice([1, 2.5, 7, 30])
        side = chance.choice([self.buy, self.sell])
        valid = chance.choice([None, None, datetime.timedelta(days=3), self.datetime.date(0)])
        kind = chance.randrange(9)
        if kind == 0:
            side(data, size=size)
        elif kind == 1:
            side(data, size=size, exectype=bt.Order.Close)
        elif kind in (2, 3):
            exectype = bt.Order.Limit if kind == 2 else bt.Order.Stop
            side(data, size=size, exectype=exectype, price=near, valid=valid)
        elif kind == 4:
            side(data, size=size, exectype=bt.Order.StopLimit, price=near, plimit=far, valid=valid)
        elif kind == 5:
            trail = chance.choice([{"trailamount": 1.0}, {"trailpercent": 0.02}])
            side(data, size=size, exectype=bt.Order.StopTrail, **trail)
        elif kind == 6:
            pair = chance.choice([(self.buy_bracket, 1), (self.sell_bracket, -1)])
            sent, sign = pair
            sent(
                data=data,
                size=size,
                price=near,
                stopprice=near * (1 - sign * 0.02),
                limitprice=near * (1 + sign * 0.02),
            )
        elif kind == 7:
            first = side(data, size=size, exectype=bt.Order.Limit, price=near)
            side(data, size=size, exectype=bt.Order.Stop, price=far, oco=first)
        else:
            self.order_target_percent(data, chance.uniform(-0.4, 0.8))


class Hours(bt.Strategy):
    """Flat at the end of each day, by a timer; daily bars of the same data decide."""

    def __init__(self):
        self.add_timer(datetime.time(15, 0), tag="out")
        self.average = bt.ind.SMA(self.data1, period=3)

    def notify_timer(self, timer, when, *args, **kwargs):
        if self.position:
            self.close()

    def next(self):
        if not self.position and self.data0.close[0] > self.average[0] and len(self) % 3 == 0:
            self.buy(size=5, exectype=bt.Order.Limit, price=self.data0.close[0] * 0.999)
        if len(self) % 29 == 0:
            self.sell(size=1, exectype=bt.Order.Close)


def days(cerebro):
    cerebro.resampledata(cerebro.datas[0], timeframe=bt.TimeFrame.Days, compression=1)


class Lots(bt.Strategy):
    """Several trades side by side on one symbol, told apart by their number."""

    params = (("many", 3),)

    def __init__(self):
        self.closed = []
        self.set_tradehistory()

    def notify_trade(self, trade):
        if trade.isclosed:
            self.closed.append((trade.tradeid, trade.pnlcomm, len(trade.history)))

    def next(self):
        number = len(self) // 7 % self.p.many
        if len(self) % 7 == 3:
            self.buy(size=number + 1, tradeid=number)
        elif len(self) % 21 == 20:
            self.close(tradeid=number)


class RiskSizer(bt.Sizer):
    """Units such that a fall by ``percent`` costs ``risk`` of the cash."""

    params = (("risk", 0.01), ("percent", 0.05))

    def _getsizing(self, comminfo, cash, data, isbuy):
        if not isbuy:
            return self.broker.getposition(data).size
        return int(cash * self.p.risk / (self.p.percent * data.close[0]))


class Channel(bt.Indicator):
    """Highest and lowest close so far, of the bars before this one."""

    lines = ("top", "bottom")
    params = (("period", 10),)

    def __init__(self):
        self.lines.top = bt.ind.Highest(self.data(-1), period=self.p.period)
        self.lines.bottom = bt.ind.Lowest(self.data(-1), period=self.p.period)


class Worth(bt.Observer):
    """The account, as one more line."""

    lines = ("worth",)

    def next(self):
        self.lines.worth[0] = self._owner.broker.getvalue()


class Outbreak(bt.Strategy):
    """An indicator, an observer and a sizer of one's own; a stop that is moved by hand."""

    params = (("period", 12),)

    def __init__(self):
        self.channel = Channel(self.data.close, period=self.p.period)
        self.atr = bt.ind.ATR(self.data, period=7)
        self.exit = None

    def notify_order(self, order):
        if order.status == order.Completed and order.isbuy():
            stop = order.executed.price - 2.0 * self.atr[0]
            self.exit = self.sell(size=order.executed.size, exectype=bt.Order.Stop, price=stop)

    def notify_cashvalue(self, cash, value):
        assert value > 0.0

    def next(self):
        if not self.position:
            if self.data.close[0] > self.channel.top[0]:
                self.buy()
        elif self.exit and self.exit.status == self.exit.Accepted:
            stop = self.data.close[0] - 2.0 * self.atr[0]
            if stop > self.exit.created.price:
                self.cancel(self.exit)
                self.exit = self.sell(size=self.position.size, exectype=bt.Order.Stop, price=stop)


class Coupled(bt.Strategy):
    """A weekly pivot laid over daily bars."""

    def __init__(self):
        self.pivot = bt.ind.PivotPoint(self.data1)
        self.over = self.data0.close - self.pivot.lines.p()

    def next(self):
        if self.over[0] > 0 and not self.position:
            self.buy(size=4)
        elif self.over[0] < 0 and self.position:
            self.close()


class Idle(bt.SignalStrategy):
    """Everything comes from a signal added outside."""


def risk(cerebro):
    cerebro.addsizer(RiskSizer, risk=0.02)
    cerebro.addobserver(Worth)
    cerebro.addobserver(bt.observers.Benchmark, data=cerebro.datas[0])


def saving(cerebro):
    cerebro.p.exactbars = 1
    cerebro.p.stdstats = False


class Above(bt.Indicator):
    """+1 above the average, -1 below."""

    lines = ("signal",)
    params = (("period", 15),)

    def __init__(self):
        self.lines.signal = bt.Cmp(self.data, bt.ind.SMA(period=self.p.period))


def above(cerebro):
    cerebro.add_signal(bt.SIGNAL_LONGSHORT, Above, period=11)
    cerebro.addsizer(bt.sizers.FixedSize, stake=6)

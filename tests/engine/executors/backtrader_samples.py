"""Strategies and setups as backtrader users write them; nothing in this file knows tradewind."""
# mypy: ignore-errors
# ruff: noqa: RUF012

import datetime

import backtrader as bt
from backtrader.strategies import MA_CrossOver  # noqa: F401  a config names it through this file


class Crossing(bt.Strategy):
    """One average against the price, one order at a time, a line printed for everything."""

    params = (("period", 15), ("stake", 7), ("loud", True))

    def __init__(self):
        self.average = bt.indicators.SimpleMovingAverage(self.data, period=self.p.period)
        self.order = None
        self.profits = []

    def log(self, text):
        if self.p.loud:
            print(f"{self.data.datetime.date(0).isoformat()} {text}")

    def notify_order(self, order):
        if order.status in (order.Submitted, order.Accepted):
            return
        self.log(f"order {order.ref}: {order.getstatusname()} at {order.executed.price:.2f}")
        self.order = None

    def notify_trade(self, trade):
        if trade.isclosed:
            self.profits.append(trade.pnlcomm)
            self.log(f"trade closed with {trade.pnlcomm:.2f}")

    def next(self):
        if self.order:
            return
        if not self.position and self.data.close[0] > self.average[0]:
            self.order = self.buy(size=self.p.stake)
        elif self.position and self.data.close[0] < self.average[0]:
            self.order = self.close()

    def stop(self):
        self.log(f"ends with {self.broker.getvalue():.2f}")


class Bracketed(bt.Strategy):
    """A limit entry between a stop and a target, on both sides, entries good for some days."""

    params = dict(distance=0.02, days=6, size=20)

    def __init__(self):
        self.fast = bt.ind.EMA(period=5)
        self.slow = bt.ind.EMA(period=12)
        self.cross = bt.ind.CrossOver(self.fast, self.slow)
        self.mine = []

    def notify_order(self, order):
        if not order.alive() and order.ref in self.mine:
            self.mine.remove(order.ref)

    def next(self):
        if self.mine:
            return
        close, far = self.data.close[0], self.p.distance
        valid = datetime.timedelta(days=self.p.days)
        if self.cross > 0:
            sent = self.buy_bracket(
                size=self.p.size,
                price=close * (1 - 0.2 * far),
                stopprice=close * (1 - far),
                limitprice=close * (1 + far),
                valid=valid,
            )
        elif self.cross < 0:
            sent = self.sell_bracket(
                size=self.p.size,
                exectype=bt.Order.Market,
                stopprice=close * (1 + far),
                limitprice=close * (1 - far),
            )
        else:
            return
        self.mine = [order.ref for order in sent]


class OneCancelsOthers(bt.Strategy):
    """Three limits of one group; a group is withdrawn when it has waited too long."""

    def __init__(self):
        self.group, self.since = [], 0

    def notify_order(self, order):
        if not order.alive():
            self.group = [other for other in self.group if other.alive()]

    def next(self):
        if self.position and len(self) % 9 == 0:
            self.close()
        if self.group:
            if len(self) - self.since > 7:
                self.cancel(self.group[0])
            return
        if self.position:
            return
        close = self.data.close[0]
        leader = self.buy(exectype=bt.Order.Limit, price=close * 0.985, size=10)
        nearer = self.buy(exectype=bt.Order.Limit, price=close * 0.99, size=5, oco=leader)
        above = self.buy(exectype=bt.Order.Stop, price=close * 1.01, size=3, oco=leader)
        self.group, self.since = [leader, nearer, above], len(self)


class Trailing(bt.Strategy):
    """In at market, out by a trail: an amount, a percentage, or one that ends as a limit."""

    def __init__(self):
        self.n = 0

    def next(self):
        if len(self) % 40 == 39:
            self.n += 1
            self.buy(size=4)
            kinds = (
                dict(exectype=bt.Order.StopTrail, trailamount=1.5),
                dict(exectype=bt.Order.StopTrail, trailpercent=0.03),
                dict(
                    exectype=bt.Order.StopTrailLimit,
                    trailamount=1.2,
                    price=self.data.close[0],
                    plimit=self.data.close[0] + 0.3,
                ),
            )
            self.sell(size=4, **kinds[self.n % 3])


class Rotation(bt.Strategy):
    """The strongest symbol of several, by name, at a share of the account."""

    params = (("lookback", 10), ("every", 15), ("share", 0.6))

    def __init__(self):
        self.strength = {d._name: bt.ind.ROC(d.close, period=self.p.lookback) for d in self.datas}

    def next(self):
        if len(self) % self.p.every:
            return
        best = max(self.strength, key=lambda name: self.strength[name][0])
        for data in self.datas:
            if data._name != best:
                self.order_target_percent(data, 0.0)
        self.order_target_percent(self.getdatabyname(best), self.p.share)


class Monthly(bt.Strategy):
    """A timer on one day of the month, and another on Mondays."""

    params = (("monthday", 5),)

    def __init__(self):
        self.rings = []
        self.add_timer(
            bt.timer.SESSION_START, monthdays=[self.p.monthday], monthcarry=True, tag="month"
        )
        self.add_timer(bt.timer.SESSION_END, weekdays=[1], weekcarry=True, tag="week")

    def notify_timer(self, timer, when, *args, tag, **kwargs):
        self.rings.append((tag, self.data.datetime.date(0)))
        if tag == "month":
            self.order_target_value(target=3_000.0)
        elif self.position.size > 3:
            self.sell(size=3)


class Sized(bt.Strategy):
    """Leaves the units to the sizer."""

    def __init__(self):
        self.rsi = bt.ind.RSI(period=7, safediv=True)

    def next(self):
        if not self.position and self.rsi < 40:
            self.buy()
        elif self.position and self.rsi > 60:
            self.close()


class Weekly(bt.Strategy):
    """A weekly average decides, daily bars are traded."""

    params = (("weeks", 4),)

    def __init__(self):
        self.average = bt.ind.SMA(self.data1.close, period=self.p.weeks)

    def next(self):
        above = self.data0.close[0] > self.average[0]
        if above and not self.position:
            self.buy(self.data0, size=11)
        elif not above and self.position:
            self.close(self.data0)


class Every(bt.Strategy):
    """Stops, stop-limits and closes, cancelled after a while, on both sides."""

    def __init__(self):
        self.sent = []

    def next(self):
        close = self.data.close[0]
        for order in [o for o, at in self.sent if o.alive() and len(self) - at > 5]:
            self.cancel(order)
        self.sent = [(o, at) for o, at in self.sent if o.alive()]
        turn = len(self) % 12
        kinds = {
            0: lambda: self.buy(exectype=bt.Order.Stop, price=close * 1.005, size=3),
            2: lambda: self.sell(
                exectype=bt.Order.StopLimit, price=close * 0.995, plimit=close * 0.99, size=4
            ),
            4: lambda: self.buy(
                exectype=bt.Order.StopLimit, price=close * 1.004, plimit=close * 1.003, size=2
            ),
            6: lambda: self.sell(exectype=bt.Order.Close, size=1),
            8: lambda: self.sell(exectype=bt.Order.Limit, price=close * 1.006, size=2),
            9: lambda: self.buy(
                exectype=bt.Order.Limit,
                price=close * 0.99,
                size=2,
                valid=self.data.datetime.date(0) + datetime.timedelta(days=3),
            ),
            10: lambda: self.close(exectype=bt.Order.Close) if len(self) % 48 == 46 else None,
        }
        sent = kinds.get(turn, lambda: None)()
        if sent is not None:
            self.sent.append((sent, len(self)))


class TooMuch(bt.Strategy):
    """Asks for more than the cash, again and again; some of it fails only at the fill."""

    def next(self):
        if len(self) % 20 == 1:
            self.buy(size=0.998 * self.broker.getcash() / self.data.close[0])
        elif len(self) % 20 == 5:
            self.buy(size=5 * self.broker.getvalue() / self.data.close[0])
        elif len(self) % 20 == 8:
            self.order_target_size(target=0)


class Shorting(bt.Strategy):
    """Sits short for weeks, turns long through zero in one order."""

    def next(self):
        if len(self) % 50 == 10:
            self.order_target_size(target=-30)
        elif len(self) % 50 == 35:
            self.order_target_size(target=12)


class Signalled(bt.SignalStrategy):
    """No ``next`` at all."""

    def __init__(self):
        cross = bt.ind.CrossOver(bt.ind.SMA(period=5), bt.ind.SMA(period=20))
        self.signal_add(bt.SIGNAL_LONGSHORT, cross)


class AtTheOpen(bt.Strategy):
    """Decides at the open it fills at."""

    def __init__(self):
        self.cheating = self.cerebro.p.cheat_on_open
        self.average = bt.ind.SMA(period=8)

    def next_open(self):
        if self.position:
            self.close()
        elif self.data.open[0] > self.average[-1]:
            self.buy(size=6)


class Watching(bt.Strategy):
    """Reads the observers that Cerebro adds by itself, and prenext."""

    def __init__(self):
        self.average = bt.ind.SMA(period=20)
        self.early = 0

    def prenext(self):
        self.early += 1
        if self.early == 5:
            self.buy(size=2)

    def next(self):
        if self.stats.broker.value[0] > 0 and len(self) % 30 == 0:
            self.buy(size=self.early)
        elif len(self) % 30 == 15:
            self.close()


class Averages(bt.Strategy):
    """Any average: the indicator is a parameter."""

    params = (("ma", bt.ind.SMA), ("period", 10), ("levels", (1.0, 1.01)), ("since", None))

    def __init__(self):
        assert isinstance(self.p.levels, tuple)
        self.average = self.p.ma(period=self.p.period)

    def next(self):
        if not self.position and self.data.close[0] > self.average[0] * self.p.levels[1]:
            self.buy(size=2)
        elif self.position and self.data.close[0] < self.average[0] * self.p.levels[0]:
            self.close()


def all_in(cerebro):
    cerebro.addsizer(bt.sizers.AllInSizerInt)


def a_fifth(cerebro):
    cerebro.addsizer(bt.sizers.PercentSizer, percents=20)


def weeks(cerebro):
    cerebro.resampledata(cerebro.datas[0], timeframe=bt.TimeFrame.Weeks, compression=1)


def replayed(cerebro):
    cerebro.replaydata(cerebro.datas[0], timeframe=bt.TimeFrame.Weeks, compression=1)


def analysed(cerebro):
    cerebro.addanalyzer(bt.analyzers.DrawDown, _name="drawdown")
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer, _name="trades")
    cerebro.addanalyzer(bt.analyzers.TimeReturn, timeframe=bt.TimeFrame.Months, _name="months")
    cerebro.addanalyzer(bt.analyzers.SharpeRatio, timeframe=bt.TimeFrame.Months, _name="sharpe")
    cerebro.addobserver(bt.observers.DrawDown)
    cerebro.addindicator(bt.ind.MACD)


def in_parts(cerebro):
    cerebro.broker.set_filler(bt.broker.fillers.FixedBarPerc(perc=0.5))


def at_the_open(cerebro):
    cerebro.p.cheat_on_open = True


def at_the_close(cerebro):
    cerebro.broker.set_coc(True)


def unchecked(cerebro):
    cerebro.broker.set_checksubmit(False)


def step_by_step(cerebro):
    cerebro.p.runonce = False
    cerebro.p.preload = False


def written(cerebro):
    cerebro.addwriter(bt.WriterFile, csv=True)


def two(cerebro):
    cerebro.addstrategy(Every)


def from_history(cerebro):
    day = datetime.datetime(2019, 6, 3, 23, 0)
    cerebro.add_order_history([[day, 5, 99.0], [day + datetime.timedelta(days=40), -5, 101.0]])

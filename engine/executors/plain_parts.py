"""What a backtrader user sets up before a run: feeds, broker, sizer. Nothing is overridden."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import backtrader as bt
import numpy as np

from tradewind.engine.executors.backtrader_options import Options
from tradewind.engine.records import FIELDS

EPOCH = datetime(1970, 1, 1)
US = timedelta(microseconds=1)


def when(stamp: int) -> datetime:
    """Time of a stamp in microseconds since 1970."""
    return EPOCH + stamp * US


class PlainFeed(bt.feed.DataBase):  # type: ignore[misc]
    """One column of a panel; rows without a bar are left out, as an exchange would."""

    lines = ("row",)
    params = (("panel", None), ("column", 0), ("stamps", None))

    def start(self) -> None:
        """Find the rows that have a bar."""
        super().start()
        self.rows = iter(np.flatnonzero(~np.isnan(self.p.panel.close[:, self.p.column])))

    def _load(self) -> bool:
        t = next(self.rows, None)
        if t is None:
            return False
        lines: Any = self.lines
        lines.datetime[0] = bt.date2num(when(int(self.p.stamps[t])))
        lines.row[0] = float(t)
        for name in FIELDS:
            getattr(lines, name)[0] = float(getattr(self.p.panel, name)[t, self.p.column])
        lines.openinterest[0] = 0.0
        return True


def broker_of(
    options: Options, symbols: Sequence[str], kind: type[Any] = bt.brokers.BackBroker
) -> Any:
    """Stock broker, or one derived from it, with the options' settings; as a user would make it."""
    given, slip = options.broker, options.slippage
    broker = kind(
        cash=options.cash,
        checksubmit=given.checksubmit,
        shortcash=given.shortcash,
        coc=given.coc,
        coo=given.coo,
        int2pnl=given.int2pnl,
        filler=_filler(options),
        **slip.model_dump(),
    )
    for symbol in (None, *symbols):
        scheme = options.scheme(symbol)
        kinds = {None: None, "percent": bt.CommInfoBase.COMM_PERC}
        broker.setcommission(
            commission=scheme.commission,
            margin=scheme.margin,
            mult=scheme.mult,
            commtype=kinds.get(scheme.commtype, bt.CommInfoBase.COMM_FIXED),
            stocklike=scheme.stocklike,
            interest=scheme.interest,
            interest_long=scheme.interest_long,
            leverage=scheme.leverage,
            automargin=scheme.automargin,
            name=symbol,
        )
    return broker


def _filler(options: Options) -> Any:
    filler = options.broker.filler
    if filler.kind == "fixed_size":
        return bt.broker.fillers.FixedSize(size=filler.size)
    if filler.kind == "fixed_bar_perc":
        return bt.broker.fillers.FixedBarPerc(perc=filler.perc)
    if filler.kind == "bar_point_perc":
        return bt.broker.fillers.BarPointPerc(minmov=filler.minmov, perc=filler.perc)
    return None


def sizer_of(options: Options) -> tuple[Any, dict[str, Any]]:
    """Sizer's class and its parameters."""
    sizer = options.broker.sizer
    if sizer.kind == "percent":
        return bt.sizers.PercentSizer, {"percents": sizer.percents, "retint": sizer.retint}
    kind = bt.sizers.FixedSize if sizer.kind == "fixed_size" else bt.sizers.FixedReverser
    return kind, {"stake": sizer.stake}


def session_end_of(options: Options) -> Any:
    """Time of day at which a feed's session ends; None: backtrader's default."""
    clock = options.broker.session_end
    return None if clock is None else datetime.strptime(f"{clock}:00"[:8], "%H:%M:%S").time()

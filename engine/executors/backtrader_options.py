"""From a config to what the backtrader profile's executors read: options, rules, schemes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tradewind.engine.config.backtrader import BacktraderConfig, CommissionConfig, SlippageConfig
from tradewind.engine.config.costs import CostsConfig
from tradewind.engine.config.file import Document
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.sizing import TargetWeightConfig
from tradewind.engine.errors import ConfigError, DataError, UnknownSymbolError
from tradewind.engine.executors import backtrader_state as states
from tradewind.engine.executors.backtrader_terms import StockSettings, stock_settings
from tradewind.engine.records import Panel, Records

SHOWN = 10  # symbols that a message lists
FILLERS = {
    "none": states.NO_FILLER,
    "fixed_size": states.FIXED_FILLER,
    "fixed_bar_perc": states.PERCENT_FILLER,
    "bar_point_perc": states.POINT_FILLER,
}


@dataclass(frozen=True, slots=True)
class Options:
    """Everything plain backtrader is told beside bars and strategy.

    Attributes
    ----------
    broker : BacktraderConfig
    cash : float
        At the start.
    full : float
        Fraction of the account that a TARGET of strength 1 means.
    spread_share : float
        Part of the slippage that stands for half the spread.
    """

    broker: BacktraderConfig = field(default_factory=BacktraderConfig)
    cash: float = 10_000.0
    full: float = 1.0
    spread_share: float = 0.0

    def scheme(self, symbol: str | None = None) -> CommissionConfig:
        """Commission scheme of one symbol, or of those that have none of their own."""
        plain = self.broker.commission or CommissionConfig()
        return self.broker.schemes.get(symbol, plain) if symbol else plain

    @property
    def slippage(self) -> SlippageConfig:
        """Slippage; none where none is given."""
        return self.broker.slippage or SlippageConfig()


def check(config: RunConfig, document: Document | None = None) -> StockSettings:
    """Settings that ``costs`` and ``account`` stand for, where backtrader's broker can have them.

    Raises
    ------
    ConfigError
        One line for every key that the broker cannot express, or that would not be read.
    """
    sizing, given = config.sizing, config.backtrader
    if isinstance(sizing, TargetWeightConfig):  # its weight is the aim of order_target_percent
        sizing = sizing.model_copy(update={"weight": None})
    settings = stock_settings(config.model_copy(update={"sizing": sizing}), document)
    exact = given.commission is not None or given.slippage is not None
    if exact and config.costs != CostsConfig():
        where = f"{document.at(('costs',))}" if document else ""
        raise ConfigError(
            f"{where}costs are not read beside backtrader.commission or backtrader.slippage, "
            "which say them as a script does; leave one of the two out"
        )
    return settings


def options_of(config: RunConfig, panel: Panel) -> Options:
    """Options of a run's config.

    Costs come from ``costs``, as for a strategy of backtrader's own, or from the ``backtrader``
    block as soon as it says a commission or a slippage.

    Raises
    ------
    UnknownSymbolError
        If a commission scheme names a symbol that the data does not have.
    """
    settings, given = check(config), config.backtrader
    for symbol in given.schemes:
        if symbol not in panel.symbols:
            raise UnknownSymbolError(
                f"backtrader.schemes.{symbol}: no such symbol is loaded; add it to data.symbols "
                f"or name one of {', '.join(panel.symbols[:SHOWN])}"
            )
    share = 0.0
    if given.commission is None and given.slippage is None:
        share = settings.half_spread / settings.slippage if settings.slippage else 0.0
        given = given.model_copy(update=_from_costs(settings))
    weight = config.sizing.weight if isinstance(config.sizing, TargetWeightConfig) else None
    return Options(given, config.account.cash, weight or 1.0 / panel.n_symbols, share)


def _from_costs(settings: StockSettings) -> dict[str, Any]:
    """Commission and slippage as a strategy of backtrader's own is given them."""
    fixed = settings.slippage_fixed > 0.0
    return {
        "commission": CommissionConfig(
            commission=settings.per_unit or settings.commission,
            commtype="fixed" if settings.per_unit else "percent",
            stocklike=True,
            interest=settings.interest,
        ),
        "slippage": SlippageConfig(
            slip_perc=0.0 if fixed else settings.slippage,
            slip_fixed=settings.slippage_fixed,
            slip_out=True,
        ),
    }


def rules_of(options: Options, panel: Panel) -> states.Rules:
    """Numbers the kernel reads."""
    given, slip, filler = options.broker, options.slippage, options.broker.filler
    chosen = [options.scheme(symbol) for symbol in panel.symbols]
    sizer, stake, whole = _sizer(given)
    limit = (filler.size or 0.0) if filler.kind == "fixed_size" else filler.perc
    return states.Rules(
        cash=float(options.cash),
        checksubmit=int(given.checksubmit),
        coc=int(given.coc),
        coo=int(given.coo),
        shortcash=int(given.shortcash),
        int2pnl=int(given.int2pnl),
        slip_perc=float(slip.slip_perc),
        slip_fixed=float(slip.slip_fixed),
        slip_open=int(slip.slip_open),
        slip_match=int(slip.slip_match),
        slip_limit=int(slip.slip_limit),
        slip_out=int(slip.slip_out),
        filler=FILLERS[filler.kind],
        filler_size=float(limit),
        filler_step=float(filler.minmov or 0.0),
        sizer=sizer,
        sizer_stake=float(stake),
        sizer_whole=whole,
        full=float(options.full),
        spread_share=float(options.spread_share),
        session_end=session_end_us(given.session_end),
        stale=int(given.stale_bars),
        columns_first=int(given.value_order == "columns"),
        interest=int(any(scheme.interest for scheme in chosen)),
        futures=int(not all(scheme.is_stock for scheme in chosen)),
    )


def _sizer(given: BacktraderConfig) -> tuple[int, float, int]:
    sizer = given.sizer
    if sizer.kind == "percent":
        return states.PERCENT_SIZER, sizer.percents / 100, int(sizer.retint)
    if sizer.kind == "fixed_reverser":
        return states.REVERSER, sizer.stake, 0
    return states.FIXED_SIZER, sizer.stake, 0


def session_end_us(clock: str | None) -> int:
    """Microseconds after midnight at which a session ends; backtrader's default without one."""
    if clock is None:
        return states.SESSION_END_US
    hour, minute, second = (int(part) for part in f"{clock}:00".split(":")[:3])
    return ((hour * 60 + minute) * 60 + second) * 1_000_000


def schemes_of(options: Options, panel: Panel) -> Records:
    """Commission scheme of each column."""
    rows = np.zeros(panel.n_symbols, states.SCHEME)
    for row, symbol in zip(rows, panel.symbols, strict=True):
        given = options.scheme(symbol)
        row["commission"] = given.commission
        row["percent"] = given.is_percent
        row["stocklike"] = given.is_stock
        row["margin"] = given.margin or 1.0
        row["automargin"] = given.automargin
        row["mult"] = given.mult
        row["leverage"] = given.leverage
        row["daily"] = given.interest / 365.0
        row["interest_long"] = given.interest_long
    return rows


def check_volume(panel: Panel, options: Options) -> None:
    """Refuse a filler on bars whose volume is not known; raises DataError."""
    if options.broker.filler.kind == "none":
        return
    gone = np.isnan(panel.volume) & ~np.isnan(panel.close)
    if gone.any():
        t, k = np.argwhere(gone)[0]
        raise DataError(
            f"backtrader.filler {options.broker.filler.kind} fills by volume, and "
            f"{int(gone.sum())} bars have none, the first of {panel.symbols[k]} on "
            f"{panel.dates[t]}; give a volume or leave the filler out"
        )

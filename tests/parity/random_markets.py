"""Random markets and terms: gaps, halts, quotes, currencies, splits, fees, lenders, caps."""

from typing import Any

import numpy as np

from tradewind.engine.costs import Costs, Fees
from tradewind.engine.executors.state import (
    NO_ACTIONS,
    NO_PATH,
    Account,
    Actions,
    Execution,
    Market,
    Path,
    Terms,
    market_of,
)
from tradewind.engine.records import DAY_NS, FIELDS, Floats, Panel
from tradewind.engine.series import Series, constant, series
from tradewind.engine.sizing import (
    KELLY,
    NOTIONAL,
    PARITY,
    RISK,
    UNITS,
    WEIGHT,
    Sizing,
    fixed_weight,
)

HOUR_NS = DAY_NS // 24
FINE = 4  # finer bars in each bar


def random_market(rng: np.random.Generator, n_bars: int, n_symbols: int) -> tuple[Panel, Market]:
    """Bars put together from finer ones, with all that can be missing of them."""
    fine = _fine_bars(rng, n_bars, n_symbols)
    bars = {
        "open": fine["open"][:, 0],
        "high": fine["high"].max(axis=1),
        "low": fine["low"].min(axis=1),
        "close": fine["close"][:, -1],
    }
    shape = (n_bars, n_symbols)
    volume = np.exp(rng.normal(8.0, 1.5, shape)).round()
    volume[rng.random(shape) < 0.06] = 0.0
    volume[rng.random(shape) < 0.06] = np.nan
    gone = _gaps(rng, n_bars, n_symbols)
    bars["volume"] = volume
    for name in FIELDS:
        bars[name] = np.where(gone, np.nan, bars[name])
    for name in fine:
        fine[name][np.repeat(gone[:, None], FINE, axis=1)] = np.nan
    actions = _actions(rng, bars, fine) if rng.random() < 0.35 else NO_ACTIONS
    hourly = rng.random() < 0.5
    step, interval = (HOUR_NS, "1h") if hourly else (DAY_NS, "1d")
    ts = np.cumsum(rng.choice([1, 1, 1, 3, 9], n_bars)) * step + 25 * DAY_NS
    columns = _quotes(rng, bars) if rng.random() < 0.2 else {}
    names = tuple("ABCDEFGH"[:n_symbols])
    panel = Panel(names, ts, **bars, interval=interval, columns=columns)
    fx = _fx(rng, n_bars, n_symbols) if rng.random() < 0.3 else None
    path = _path(rng, fine, n_bars, n_symbols) if rng.random() < 0.6 else NO_PATH
    return panel, market_of(panel, fx=fx, actions=actions, path=path)


def _fine_bars(rng: np.random.Generator, n_bars: int, n_symbols: int) -> dict[str, Floats]:
    shape = (n_bars, FINE, n_symbols)
    steps = rng.normal(0.0, 0.006, shape)
    steps[:, 0] += rng.normal(0.0, 0.01, (n_bars, n_symbols)) * (rng.random() < 0.7)  # gaps
    flat = np.repeat(rng.random((n_bars, 1, n_symbols)) < 0.05, FINE, axis=1)
    steps[flat] = 0.0
    level = np.log(rng.choice([5.0, 50.0, 400.0], n_symbols))
    close = np.exp(level + np.cumsum(steps.reshape(-1, n_symbols), axis=0)).reshape(shape)
    open_ = close * np.exp(-steps * rng.random(shape))
    wide = np.where(flat, 0.0, np.abs(rng.normal(0.0, 0.002, shape)))
    return {
        "open": open_,
        "high": np.maximum(open_, close) * (1.0 + wide),
        "low": np.minimum(open_, close) * (1.0 - wide),
        "close": close,
    }


def _gaps(rng: np.random.Generator, n_bars: int, n_symbols: int) -> Any:
    gone = rng.random((n_bars, n_symbols)) < rng.choice([0.0, 0.05, 0.15])
    for k in range(n_symbols):
        if rng.random() < 0.2:
            gone[: rng.integers(1, n_bars // 2), k] = True
        if rng.random() < 0.25:
            gone[rng.integers(n_bars // 3, n_bars) :, k] = True
        if gone[:, k].all():
            gone[0, k] = False
    return gone


def _actions(rng: np.random.Generator, bars: dict[str, Floats], fine: dict[str, Floats]) -> Actions:
    """Splits and dividends; prices and volume before them are those of their day."""
    shape = bars["close"].shape
    split = np.where(rng.random(shape) < 0.04, rng.choice([2.0, 3.0, 0.5, 0.1], shape), 1.0)
    paid = np.where(rng.random(shape) < 0.05, rng.choice([0.01, 0.03], shape), 0.0)
    factor = np.cumprod(split, axis=0)
    for name in ("open", "high", "low", "close"):
        bars[name] = bars[name] / factor
        fine[name] = fine[name] / factor[:, None]
    bars["volume"] = bars["volume"] * factor
    paid = paid * np.nan_to_num(bars["close"], nan=1.0)
    happens = ((split != 1.0) | (paid != 0.0)).any(axis=1)
    return Actions(
        happens, 1, Series(split, 1, int(shape[1] > 1)), Series(paid, 1, int(shape[1] > 1))
    )


def _quotes(rng: np.random.Generator, bars: dict[str, Floats]) -> dict[str, Floats]:
    """Ask and bid bars around the mids."""
    out = {}
    half = np.abs(rng.normal(0.0, 0.001, bars["close"].shape))
    for name in ("open", "high", "low", "close"):
        own = half * rng.uniform(0.5, 1.0)
        out[f"ask_{name}"] = bars[name] * (1.0 + own)
        out[f"bid_{name}"] = bars[name] * (1.0 - own)
    for side in ("ask", "bid"):
        prices = np.stack([out[f"{side}_{name}"] for name in ("open", "high", "low", "close")])
        out[f"{side}_high"], out[f"{side}_low"] = prices.max(axis=0), prices.min(axis=0)
    return out


def _fx(rng: np.random.Generator, n_bars: int, n_symbols: int) -> tuple[Series, Series]:
    level = rng.choice([1.0, 0.8, 1.3], n_symbols)
    moves = rng.normal(0.0, 0.004, (2 * n_bars, n_symbols)) * (level != 1.0)
    rates = level * np.exp(np.cumsum(moves, axis=0))
    return (
        series(rates[::2], n_bars, n_symbols, "fx"),
        series(rates[1::2], n_bars, n_symbols, "fx"),
    )


def _path(rng: np.random.Generator, fine: dict[str, Floats], n_bars: int, n_symbols: int) -> Path:
    """Finer bars of most bars; some bars have none."""
    has = rng.random(n_bars) < 0.85
    first = np.concatenate([[0], np.cumsum(has * FINE)]).astype(np.int64)
    names = ("open", "high", "low", "close")
    return Path(first, *(fine[name][has].reshape(-1, n_symbols) for name in names))


def random_terms(rng: np.random.Generator, panel: Panel, market: Market) -> Terms:
    """Any mixture of costs, sizings, accounts and ways to execute."""
    tick = constant(rng.choice([0.0, 0.0, 0.01, 0.05]))
    intrabar = int(rng.choice([0, 0, 1, 2]))
    execution = Execution(
        participation=rng.choice([np.inf, np.inf, 0.5, 0.05]),
        carry=bool(rng.random() < 0.6),
        through_ticks=int(rng.choice([0, 0, 1, 3])),
        tick=tick,
        intrabar=intrabar,
    )
    return Terms(_costs(rng, panel), random_sizing(rng, panel), _account(rng, panel), execution)


def _costs(rng: np.random.Generator, panel: Panel) -> Costs:
    n_bars, n_symbols = panel.shape
    half = rng.choice([0.0, 0.0001, 0.001])
    spread: Any = half
    if rng.random() < 0.4:
        spread = half * rng.uniform(0.2, 2.0, n_symbols)
    elif rng.random() < 0.4:
        spread = half * rng.uniform(0.2, 2.0, (n_bars, n_symbols))
    lent: Any = np.inf
    if rng.random() < 0.4:
        lent = rng.choice([0.0, 50.0, 400.0, np.inf], (n_bars, n_symbols), p=[0.1, 0.2, 0.3, 0.4])
    rate = rng.choice([0.0, 0.0003], (n_bars, n_symbols))
    return Costs(
        fees=_fees(rng),
        half_spread=series(spread, n_bars, n_symbols, "spread"),
        spread_scale=rng.choice([1.0, 1.0, 0.5, 3.0]),
        slippage=rng.choice([0.0, 0.0002, 0.002]),
        slippage_fixed=constant(rng.choice([0.0, 0.0, 0.01])),
        impact=rng.choice([0.0, 0.0, 0.02]),
        borrow_daily=series(rate, n_bars, n_symbols, "borrow"),
        borrowable=series(lent, n_bars, n_symbols, "borrowable"),
        debit_daily=rng.choice([0.0, 0.0002]),
        credit_daily=rng.choice([0.0, 0.0001]),
    )


def _fees(rng: np.random.Generator) -> Fees:
    tiers = int(rng.choice([1, 1, 2, 3]))
    taker = np.sort(rng.choice([0.0, 0.0001, 0.0005, 0.002], tiers))[::-1]
    return Fees(
        from_value=np.arange(tiers) * rng.choice([2e4, 2e5]),
        taker=np.ascontiguousarray(taker),
        maker=np.ascontiguousarray(taker * rng.choice([1.0, 0.4])),
        per_unit=np.full(tiers, rng.choice([0.0, 0.0, 0.01])),
        minimum=rng.choice([0.0, 0.0, 1.0, 20.0]),
        maximum=rng.choice([np.inf, np.inf, 0.01]),
    )


def random_sizing(rng: np.random.Generator, panel: Panel) -> Sizing:
    """Any kind and any caps, with volatilities that are sometimes missing."""
    weight = rng.choice([1.0 / panel.n_symbols, 0.5, 1.0, 2.0])
    lot = rng.choice([0.0, 0.0, 1.0, 10.0])
    plain = fixed_weight(weight, panel.n_symbols, max_weight=rng.choice([0.5, 2.0]), lot=lot)
    kind = int(rng.choice([WEIGHT, WEIGHT, UNITS, NOTIONAL, RISK, PARITY, KELLY]))
    full = {UNITS: rng.choice([10.0, 250.0]), NOTIONAL: 2e4, RISK: 0.01, KELLY: -0.3}.get(
        kind, weight
    )
    vol = np.where(rng.random(panel.shape) < 0.1, np.nan, rng.uniform(0.005, 0.03, panel.shape))
    plain = plain._replace(
        kind=kind,
        full=constant(full),
        distance=constant(rng.choice([0.02, np.nan])),
        vol=series(vol, *panel.shape, "vol"),
        min_notional=rng.choice([0.0, 0.0, 1_000.0]),
    )
    if rng.random() < 0.3:
        plain = plain._replace(
            group=rng.integers(-1, 2, panel.n_symbols),
            max_group=rng.choice([0.4, np.inf]),
            max_gross=rng.choice([0.7, np.inf]),
            max_adds=int(rng.choice([0, 1, 2**31])),
        )
    if rng.random() < 0.15:
        plain = plain._replace(throttle_from=0.01, throttle_to=rng.choice([0.03, 0.2]))
    return plain


def _account(rng: np.random.Generator, panel: Panel) -> Account:
    cash_only = bool(rng.random() < 0.2)
    leverage = 1.0 if cash_only else rng.choice([0.5, 1.0, 2.0, 4.0])
    return Account(
        cash=1e5,
        max_leverage=leverage,
        reject=bool(rng.random() < 0.35),
        delisting_return=rng.choice([0.0, -0.3]),
        cash_only=cash_only,
        maintenance=0.0 if cash_only else rng.choice([0.0, 0.25, 0.5, 0.9]),
        shortable=rng.random(panel.n_symbols) < 0.9,
    )

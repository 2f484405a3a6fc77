"""A realistic finished run for tests of the report, made without the runner or the network.

Real prices from the embedded data, forecasts that know a little, a timing rule with hysteresis, and
a small bookkeeper of its own: nothing here is shared with the code under test. As a script it
writes a run folder, so that the page can be looked at::

    python tests/engine/report/make_run.py FOLDER [SYMBOLS]
"""

import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tradewind.engine.ambiguity import FIGURES, Bounds
from tradewind.engine.books.break_even import Outcome, Simulate, break_even
from tradewind.engine.books.spread_paid import spread_numbers
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.spread import ConstantSpreadConfig
from tradewind.engine.protocols import Forecasts, Signals
from tradewind.engine.records import EVENT, FILL, ORDER, TRADE, Floats, Panel, Simulation
from tradewind.engine.report.run import Run
from tradewind.engine.scoring.benchmark import benchmark_returns
from tradewind.engine.scoring.evaluation import score
from tradewind.engine.scoring.metrics import growth, measure
from tradewind.engine.scoring.sharpe import sharpe_ratio
from tradewind.engine.types import Cut, Happening, Reason

SYMBOLS = ("MSFT", "JPM", "KO", "XOM", "HD", "EMC")
CLOSE_NS = 21 * 3_600_000_000_000  # 16:00 in New York, winter time, good enough for a picture
HORIZON = 5
TRAIN = 300
RATES = {"fee": 1e-4, "half_spread": 2e-4, "slippage": 1e-4}


def embedded_panel(symbols: Sequence[str] = SYMBOLS, n_bars: int = 0) -> Panel:
    """Bars of the embedded stocks, the last ``n_bars`` of them (0 = all)."""
    path = resources.files("tradewind.engine.feeds") / "embedded_data/us_daily_2013_2017.parquet"
    with resources.as_file(path) as file:
        table = pq.read_table(file)
    names = np.array(table["symbol"].to_pylist())
    days = table["date"].to_numpy().astype("datetime64[ns]").astype(np.int64)
    if not symbols:
        symbols = sorted(set(names.tolist()))
    clock = np.unique(days)
    grids: dict[str, Any] = {}
    for field in ("open", "high", "low", "close", "volume"):
        grid = np.full((len(clock), len(symbols)), np.nan)
        values = table[field].to_numpy().astype(np.float64)
        for k, symbol in enumerate(symbols):
            own = names == symbol
            grid[np.searchsorted(clock, days[own]), k] = values[own]
        grids[field] = grid[-n_bars:]
    return Panel(tuple(symbols), clock[-n_bars:] + CLOSE_NS, calendar="XNYS", **grids)


def plausible_forecasts(panel: Panel, seed: int = 7) -> Forecasts:
    """Forecasts worth a rank correlation of a few hundredths, with a trailing volatility."""
    rng = np.random.default_rng(seed)
    logs = np.log(panel.close)
    outcome = np.full(panel.shape, np.nan)
    if panel.n_bars > HORIZON:
        outcome[:-HORIZON] = logs[HORIZON:] - logs[:-HORIZON]
    steps = np.vstack([np.full(panel.n_symbols, np.nan), np.diff(logs, axis=0)])
    std = np.full(panel.shape, np.nan)
    for t in range(60, panel.n_bars):
        with np.errstate(invalid="ignore"):
            std[t] = np.std(steps[t - 59 : t + 1], axis=0) * np.sqrt(HORIZON)
    noise = rng.normal(size=(panel.n_bars + 7, panel.n_symbols))
    noise = np.apply_along_axis(lambda x: np.convolve(x, np.ones(8) / 3, "valid"), 0, noise)
    mean = 0.03 * np.nan_to_num(outcome) + 0.25 * std * noise + 0.001
    known = ~np.isnan(std) & ~np.isnan(panel.close) & (np.arange(panel.n_bars) >= TRAIN)[:, None]
    return Forecasts(np.where(known, mean, np.nan), np.where(known, std, np.nan), HORIZON)


def wishes(panel: Panel, forecasts: Forecasts) -> Floats:
    """Weight wanted at each close: long above 0.25 of the forecast's own deviation, short below."""
    weights = np.zeros(panel.shape)
    with np.errstate(invalid="ignore"):
        strength = np.nan_to_num(forecasts.mean / forecasts.std)
    for t in range(1, panel.n_bars):
        held = np.sign(weights[t - 1])
        opened = np.where(strength[t] > 0.3, 1, np.where(strength[t] < -0.45, -1, held))
        flat = np.where(held > 0, strength[t] < -0.05, strength[t] > 0.05)
        sign = np.where((opened == held) & flat, 0, opened)
        weights[t] = sign / panel.n_symbols
    weights[-4:] = weights[max(panel.n_bars - 5, 0)]
    weights[-4:, 0] = 1 / panel.n_symbols  # one trade is still open at the end
    for k in np.flatnonzero(panel.ends > 0):
        weights[panel.ends[k] - 1 :, k] = 0.0  # out of what stops trading, on its last day
    return weights


def book(panel: Panel, weights: Floats, cash: float = 100_000.0) -> tuple[Simulation, Any]:
    """Fold wishes to orders, fills, equity and round trips: at the next open, costs against us."""
    orders: list[tuple[Any, ...]] = []
    fills: list[tuple[Any, ...]] = []
    books: dict[str, list[float]] = {"equity": [], "cash": [], "gross": [], "borrow": []}
    owed: list[tuple[Any, ...]] = []
    qty = np.zeros(panel.n_symbols)
    pending: list[tuple[int, float]] = []
    last = np.where(np.isnan(panel.close[0]), 0.0, panel.close[0])
    for t in range(panel.n_bars):
        for k, wanted in pending:
            cash += _meet(orders, fills, qty, panel, t, k, wanted)
        last = np.where(np.isnan(panel.close[t]), last, panel.close[t])
        borrow = float(np.abs(qty[qty < 0] * last[qty < 0]).sum() * 0.005 / 365 * 1.45)
        cash -= borrow
        if borrow:
            owed.append((t, -1, Happening.BORROW, -borrow))
        equity = cash + float(qty @ last)
        values = (equity, cash, float(np.abs(qty) @ last), borrow)
        for name, value in zip(books, values, strict=True):
            books[name].append(value)
        before = weights[t - 1] if t else np.zeros(panel.n_symbols)
        alive = ~np.isnan(panel.close[t])
        moved = np.flatnonzero((weights[t] != before) & alive)
        asked = [(int(k), weights[t, k] * equity / panel.close[t, k] - qty[k]) for k in moved]
        pending = [(k, wanted) for k, wanted in asked if wanted]
    arrays = {name: np.array(values) for name, values in books.items()}
    made = np.array(fills, FILL)
    sent = np.array(orders, ORDER)
    events = np.concatenate([np.array(owed, EVENT), cuts(sent)])
    events = events[np.argsort(events["bar"], kind="stable")]
    simulation = Simulation.with_curves(**arrays, orders=sent, fills=made, events=events)
    return simulation, round_trips(made, panel)


def cuts(orders: Any) -> Any:
    """Every seventh order was cut: two by the cap per name, the next by that on the gross."""
    rows = [
        (row["bar"], row["symbol"], Happening.CUT, Cut.GROSS if i % 3 == 2 else Cut.NAME)
        for i, row in enumerate(orders[::7])
    ]
    return np.array(rows, EVENT)


def _meet(
    orders: list[Any], fills: list[Any], qty: Floats, panel: Panel, t: int, k: int, wanted: float
) -> float:
    """Send one order and fill it at this open; returns the change of cash."""
    mid, side, number = panel.open[t, k], np.sign(wanted), len(orders)
    if number % 37 == 5 or np.isnan(mid):
        reason = (Reason.REJECTED_LEVERAGE, Reason.REJECTED_CASH, Reason.END_OF_DATA)[number % 3]
        orders.append(order(number, k, t, wanted, reason))
        return 0.0
    quote = mid * (1 + side * RATES["half_spread"])
    price = quote * (1 + side * RATES["slippage"])
    fee = abs(wanted) * price * RATES["fee"]
    value = abs(wanted) * price
    orders.append(order(number, k, t, wanted, Reason.FILLED, filled=wanted, fee=fee, value=value))
    fills.append((number, k, t, wanted, price, mid, quote, fee, 1.0))
    qty[k] += wanted
    if abs(qty[k]) < 1e-9:
        qty[k] = 0.0
    return float(-wanted * price - fee)


def order(
    number: int,
    k: int,
    t: int,
    qty: float,
    reason: Reason,
    *,
    filled: float = 0.0,
    fee: float = 0.0,
    value: float = 0.0,
) -> tuple[Any, ...]:
    """Row of an order at market, decided at the close before bar ``t``."""
    priceless = (np.nan,) * 4
    return number, k, t - 1, qty, 0, reason, filled, *priceless, 0, 0, -1, 0, 0, 0, fee, fee, value


def round_trips(fills: Any, panel: Panel) -> Any:
    """Trades from flat to flat, or to the other side; whatever is open is marked at the end."""
    trades: list[tuple[Any, ...]] = []
    for k in range(panel.n_symbols):
        held = price = fees = pnl = 0.0
        entry = -1
        for fill in fills[fills["symbol"] == k]:
            left, unit_fee = float(fill["qty"]), fill["fee"] / abs(fill["qty"])
            if held * left < 0:
                closed = min(abs(held), abs(left)) * np.sign(held)
                pnl += closed * (fill["price"] - price) - unit_fee * abs(closed)
                fees += unit_fee * abs(closed)
                left += closed
                most, held = held, held - closed
                if abs(held) < 1e-9:
                    trades.append((k, entry, fill["bar"], most, price, fill["price"], pnl, fees))
                    held = price = fees = pnl = 0.0
            if abs(left) > 1e-9:
                entry = int(fill["bar"]) if held == 0.0 else entry
                price = (held * price + left * fill["price"]) / (held + left)
                held += left
                pnl -= unit_fee * abs(left)
                fees += unit_fee * abs(left)
        if held:
            close = panel.close[:, k]
            pnl += held * (float(close[~np.isnan(close)][-1]) - price)
            trades.append((k, entry, -1, held, price, np.nan, pnl, fees))
    return np.array(sorted(trades, key=lambda row: row[1]), TRADE)


def config(**changes: Any) -> RunConfig:
    """Config that such a run would have had."""
    values = {
        "name": "lstm-timing",
        "seed": 7,
        "data": {"source": "embedded", "symbols": SYMBOLS, "start": "2013-03-01"},
        "forecaster": {"kind": "lstm", "horizon": HORIZON, "window": 60},
        "strategy": {"kind": "timing", "entry": 0.25},
        "costs": {"borrow_annual": 0.005},
    }
    return RunConfig.model_validate({**values, **changes})


def plain_rivals(panel: Panel, forecasts: Forecasts) -> dict[str, Forecasts]:
    """Forecasts of nothing, and of what the past returned on average."""
    known = ~np.isnan(forecasts.mean)
    logs = np.log(panel.close)
    ages = np.maximum(np.arange(panel.n_bars), 1)[:, None]
    past = (logs - logs[0]) / ages * HORIZON
    return {
        "naive": Forecasts(np.where(known, 0.0, np.nan), forecasts.std, HORIZON),
        "drift": Forecasts(np.where(known, past, np.nan), forecasts.std, HORIZON),
    }


def at_multiples(simulation: Simulation, first: int) -> Simulate:
    """A run at multiples of its spread as if positions stayed what they were."""
    fills = simulation.fills
    paid = np.abs(fills["qty"]) * np.abs(fills["quote"] - fills["mid"])
    spent = np.cumsum(np.bincount(fills["bar"], paid, len(simulation.equity)))

    def simulate(scales: Floats) -> Outcome:
        equity = simulation.equity - (scales[:, None] - 1.0) * spent
        returns = equity[:, first + 1 :] / equity[:, first:-1] - 1.0
        sharpe = np.array([sharpe_ratio(row) for row in returns])
        return Outcome(sharpe * np.sqrt(252.0), equity[:, -1])

    return simulate


def at_bounds(simulation: Simulation) -> Bounds:
    """The run as its worst, and as its best one that gains 50 more on every 40th bar."""
    more = 50.0 * (np.arange(len(simulation.equity)) // 40)
    return Bounds(simulation.equity, simulation.equity + more)


def make_run(
    symbols: Sequence[str] = SYMBOLS, n_bars: int = 0, seed: int = 7, **changes: Any
) -> Run:
    """Run over the embedded data; ``changes`` replace fields of :class:`Run` or of its config."""
    from dataclasses import fields, replace

    panel = embedded_panel(symbols, n_bars)
    forecasts = plausible_forecasts(panel, seed)
    simulation, trades = book(panel, wishes(panel, forecasts))
    own = {field.name for field in fields(Run)}
    settings = {key: value for key, value in changes.items() if key not in own or key == "config"}
    first = min(TRAIN, panel.n_bars - 1)
    benchmark = benchmark_returns(panel, "equal_weight", first_bar=first)
    rivals = plain_rivals(panel, forecasts)
    metrics = measure(simulation, trades, panel, benchmark, first_bar=first, bars_per_year=252.0)
    metrics["spread"] = spread_numbers(simulation, panel, ConstantSpreadConfig())
    metrics["spread"]["break_even"] = break_even(at_multiples(simulation, first))
    bounds = at_bounds(simulation)
    metrics["ambiguity"] = {
        "bars": 31,
        "trades_decided": 7,
        "trades_changed": 9,
        **{
            name: {key: growth(equity[first:], 252.0)[key] for key in FIGURES}
            for name, equity in bounds._asdict().items()
        },
    }
    run = Run(
        name="lstm-timing-20261124-101500-3f9a1c",
        config=settings.pop("config", None) or config(**settings),
        panel=panel,
        signals=Signals(forecasts),
        first_bar=first,
        simulation=simulation,
        trades=trades,
        benchmark=benchmark,
        metrics=metrics,
        forecast_scores=score(forecasts, panel, first_bar=first, rivals=rivals, name="lstm"),
        notes=("XOM: no bar on 2014-02-03 (XNYS was open)", "all symbols are survivors but EMC"),
        manifest={"seed": 7, "versions": {"python": "3.11.2"}, "seconds": {"simulate": 0.41}},
        bounds=bounds,
        log=({"event": "started", "n_bars": panel.n_bars}, {"event": "finished"}),
    )
    return replace(run, **{key: value for key, value in changes.items() if key in own - {"config"}})


if __name__ == "__main__":
    from tradewind.engine.report import folder

    names = sys.argv[2].split(",") if len(sys.argv) > 2 else SYMBOLS
    wanted: Sequence[str] = () if list(names) == ["all"] else names
    print(folder.write(make_run(wanted), Path(sys.argv[1])))

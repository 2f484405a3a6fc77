"""What a run came to: pure functions of equity, fills, trades and a benchmark.

Every definition stands in docs/metrics.md. Returns are simple returns of one bar from the close of
``first_bar`` on, the risk-free rate is zero, a year has ``bars_per_year`` bars. What is not defined
(a Sharpe ratio of returns that do not vary, a profit factor without a loss) is None.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tradewind.engine.jsonable import jsonable
from tradewind.engine.records import Floats, Panel, Records, Simulation
from tradewind.engine.scoring.sharpe import sharpe_difference, sharpe_ratio
from tradewind.engine.scoring.statistics import automatic_lags, is_flat, sharpe_se, wilson_interval
from tradewind.engine.types import Cut, Happening, Reason


def measure(
    simulation: Simulation,
    trades: Records,
    panel: Panel,
    benchmark: Floats,
    *,
    first_bar: int,
    bars_per_year: float,
) -> dict[str, dict[str, Any]]:
    """Measure a run beside its benchmark.

    Parameters
    ----------
    simulation : Simulation
    trades : ndarray of TRADE
    panel : Panel
    benchmark : ndarray of float64, shape (n_bars,)
        From :func:`tradewind.engine.scoring.benchmark.benchmark_returns`.
    first_bar : int
        Its close is where measuring starts.
    bars_per_year : float

    Returns
    -------
    dict
        ``strategy`` (growth, risk, exposure, trades, and the comparison with the benchmark),
        ``benchmark`` (growth and risk), ``costs``, ``orders`` (how many ended how), ``rejections``
        (of which symbol) and ``cuts`` (how often which cap lowered a wish), each name -> number;
        plain JSON values, None where there is none.
    """
    equity = simulation.equity[first_bar:]
    market = equity[:1] * np.cumprod(np.append(1.0, 1.0 + benchmark[first_bar + 1 :]))
    years = max(len(equity) - 1, 0) / bars_per_year
    result = {
        "strategy": {
            **growth(equity, bars_per_year),
            **against(equity, market, bars_per_year),
            **exposure(simulation, first_bar, years),
            **trade_numbers(trades),
        },
        "benchmark": growth(market, bars_per_year),
        "costs": costs_paid(simulation, first_bar, years),
        "orders": order_counts(simulation),
        "rejections": rejections(simulation.orders, panel.symbols),
        "cuts": cut_counts(simulation),
    }
    return jsonable(result)  # type: ignore[no-any-return]


def growth(equity: Floats, bars_per_year: float) -> dict[str, Any]:
    """Return and risk of an equity curve that starts at its first entry.

    A curve that touches zero is ruined: what is defined by returns is None from there on, because a
    return on nothing is no number; the drawdown and what is left are still stated.
    """
    returns = bar_returns(equity)
    annual = annual_return(equity, bars_per_year)
    fall = drawdown(equity)
    scale = np.sqrt(bars_per_year)
    lags = automatic_lags(len(returns))
    downside = np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)) if len(returns) > 1 else np.nan
    depth = fall["max_drawdown"]
    return {
        "n_returns": max(len(equity) - 1, 0),
        "final_equity": equity[-1] if len(equity) else None,
        "total_return": _ratio(equity[-1], equity[0]) - 1.0 if len(equity) else None,
        "annual_return": annual,
        "annual_volatility": _spread(returns) * scale,
        "sharpe": sharpe_ratio(returns) * scale,
        "sharpe_se": sharpe_se(returns) * scale,
        "sharpe_se_hac": sharpe_se(returns, lags=lags) * scale,
        "sortino": _ratio(_mean(returns) * scale, downside),
        "calmar": _ratio(annual, depth),
        **fall,
        "best_bar": returns.max() if len(returns) else None,
        "worst_bar": returns.min() if len(returns) else None,
        "ruined": bool((equity <= 0).any()),
    }


def bar_returns(equity: Floats) -> Floats:
    """Simple return of each bar; empty where the curve is ruined."""
    if len(equity) < 2 or (equity <= 0).any():
        return np.empty(0)
    returns: Floats = equity[1:] / equity[:-1] - 1.0
    return returns


def drawdown(equity: Floats) -> dict[str, Any]:
    """Deepest and longest fall below an earlier high.

    Returns
    -------
    dict
        ``max_drawdown``: fraction of the high lost at worst, >= 0. ``max_drawdown_bars``: from that
        high to the first close that is not below it, or to the end. ``max_drawdown_recovered``.
        ``longest_drawdown_bars``: the longest stretch of that kind, which may be a shallower one.
    """
    if len(equity) == 0 or equity[0] <= 0:
        names = ("max_drawdown", "max_drawdown_bars", "max_drawdown_recovered")
        return dict.fromkeys((*names, "longest_drawdown_bars"), float("nan"))
    high = np.maximum.accumulate(equity)
    under = equity / high - 1.0
    bars = np.arange(len(equity))
    at_high = equity >= high
    since = np.maximum.accumulate(np.where(at_high, bars, 0))
    back = np.minimum.accumulate(np.where(at_high, bars, len(equity))[::-1])[::-1]
    worst = int(np.argmin(under))
    recovered = bool(back[worst] < len(equity))
    ends = np.minimum(back, len(equity) - 1)
    return {
        "max_drawdown": -float(under[worst]) if under[worst] < 0 else 0.0,
        "max_drawdown_bars": int(ends[worst] - since[worst]),
        "max_drawdown_recovered": recovered,
        "longest_drawdown_bars": int((ends - since).max()),
    }


def against(equity: Floats, market: Floats, bars_per_year: float) -> dict[str, Any]:
    """Strategy beside benchmark: slope, what the slope leaves over, and whether the gap is chance.

    ``alpha`` is annual and arithmetic; ``sharpe_difference_se`` belongs to the difference of the
    two Sharpe ratios on the same bars.
    """
    ours, theirs = bar_returns(equity), bar_returns(market)
    names = ("beta", "alpha", "correlation", "tracking_error", "information_ratio")
    if len(ours) < 2 or len(ours) != len(theirs):
        extra = ("excess_annual_return", "sharpe_difference", "sharpe_difference_se")
        return dict.fromkeys((*names, *extra))
    scale = np.sqrt(bars_per_year)
    covariance = float(np.mean((ours - ours.mean()) * (theirs - theirs.mean())))
    beta = np.nan if is_flat(theirs) else covariance / float(theirs.var())
    flat = is_flat(ours) or is_flat(theirs)
    active = ours - theirs
    difference, difference_se = sharpe_difference(ours, theirs)
    ours_annual = annual_return(equity, bars_per_year)
    return {
        "beta": beta,
        "alpha": (ours.mean() - beta * theirs.mean()) * bars_per_year,
        "correlation": np.nan if flat else covariance / float(ours.std() * theirs.std()),
        "tracking_error": _spread(active) * scale,
        "information_ratio": sharpe_ratio(active) * scale,
        "excess_annual_return": ours_annual - annual_return(market, bars_per_year),
        "sharpe_difference": difference * scale,
        "sharpe_difference_se": difference_se * scale,
    }


def exposure(simulation: Simulation, first_bar: int, years: float) -> dict[str, Any]:
    """How much was held, how often, and how much of it was turned over a year.

    Fractions of equity at the close, averaged over the bars after ``first_bar``. Turnover counts
    both sides: selling all and buying something else for it is 2.
    """
    rows = slice(first_bar + 1, None)
    equity, gross = simulation.equity[rows], simulation.gross[rows]
    fills = simulation.fills
    traded = traded_value(fills)
    solvent = len(equity) > 0 and bool((equity > 0).all())
    return {
        "gross_exposure": _mean(gross / equity) if solvent else None,
        "net_exposure": _mean((equity - simulation.cash[rows]) / equity) if solvent else None,
        "max_gross_exposure": (gross / equity).max() if solvent else None,
        "time_in_market": _mean((gross > 0).astype(np.float64)) if len(equity) else None,
        "turnover_annual": _ratio(traded, _mean(equity) * years) if solvent else None,
    }


def trade_numbers(trades: Records) -> dict[str, Any]:
    """Count and quality of closed round trips; profits after fees, in currency."""
    closed = trades[trades["exit_bar"] >= 0]
    pnl = closed["pnl"]
    wins, losses = pnl[pnl > 0], pnl[pnl < 0]
    low, high = wilson_interval(len(wins), len(pnl)) if len(pnl) else (None, None)
    return {
        "n_trades": len(closed),
        "n_open_trades": len(trades) - len(closed),
        "hit_rate": len(wins) / len(pnl) if len(pnl) else None,
        "hit_rate_low": low,
        "hit_rate_high": high,
        "profit_factor": wins.sum() / -losses.sum() if len(losses) else None,
        "average_trade": pnl.mean() if len(pnl) else None,
        "average_win": wins.mean() if len(wins) else None,
        "average_loss": losses.mean() if len(losses) else None,
        "average_bars_held": _mean(closed["exit_bar"] - closed["entry_bar"]) if len(pnl) else None,
    }


def traded_value(fills: Records) -> float:
    """Value of all fills, bought and sold, account currency."""
    return float(np.sum(np.abs(fills["qty"]) * fills["price"] * fills["fx"]))


def costs_paid(simulation: Simulation, first_bar: int, years: float) -> dict[str, Any]:
    """Where the money went, in account currency and in basis points of mean equity a year.

    From the fills: the spread is the way from mid to the side's own price (below zero where a quote
    was better than the traded price beside it), slippage the way from there to the price paid, both
    at the fill's rate of exchange. From the events: borrow fees, and
    interest, which is below zero where more was earned than paid. Dividends are no cost and not in
    the total: what was received, less what was paid on shorts.
    """
    fills = simulation.fills
    value = np.abs(fills["qty"]) * fills["fx"]
    paid = {
        "fee": float(fills["fee"].sum()),
        "spread": float((np.sign(fills["qty"]) * value * (fills["quote"] - fills["mid"])).sum()),
        "slippage": float((value * np.abs(fills["price"] - fills["quote"])).sum()),
        "borrow": 0.0 - received(simulation, Happening.BORROW),
        "interest": 0.0 - received(simulation, Happening.INTEREST),
    }
    paid["total"] = sum(paid.values())
    base = _mean(simulation.equity[first_bar:]) * years
    annual = {f"{name}_bps_annual": _ratio(1e4 * cost, base) for name, cost in paid.items()}
    return {**paid, **annual, "dividends": received(simulation, Happening.DIVIDEND)}


def received(simulation: Simulation, kind: Happening) -> float:
    """Sum of the events of one kind, account currency; below zero where it was paid."""
    events = simulation.events
    return float(events["amount"][events["kind"] == kind.value].sum())


def order_counts(simulation: Simulation) -> dict[str, Any]:
    """How many orders and fills there were, and how many orders ended for each reason."""
    reasons = simulation.orders["reason"]
    counts = {reason.name.lower(): int((reasons == reason.value).sum()) for reason in Reason}
    return {"orders": len(reasons), "fills": len(simulation.fills), **counts}


def rejections(orders: Records, symbols: Sequence[str]) -> dict[str, Any]:
    """Orders refused: how many in all, and by symbol and reason; what never happened is left out.

    Returns
    -------
    dict
        ``total``; ``by_symbol``: symbol -> reason -> count, symbols in the order of the panel.
    """
    refused = [reason for reason in Reason if reason.name.startswith("REJECTED")]
    found = orders[np.isin(orders["reason"], refused)]
    pairs, counts = np.unique(
        np.stack([found["symbol"], found["reason"]], axis=1), axis=0, return_counts=True
    )
    by_symbol: dict[str, dict[str, int]] = {}
    for (k, code), n in zip(pairs.tolist(), counts.tolist(), strict=True):
        by_symbol.setdefault(symbols[k], {})[Reason(code).name.lower()] = n
    return {"total": len(found), "by_symbol": by_symbol}


def cut_counts(simulation: Simulation) -> dict[str, int]:
    """How often each cap of the sizing lowered a wish; of several caps the tightest counts."""
    events = simulation.events
    caps = events["amount"][events["kind"] == Happening.CUT]
    counts = {cut.name.lower(): int((caps == cut.value).sum()) for cut in Cut if cut != Cut.NONE}
    return {"total": len(caps), **counts}


def annual_return(equity: Floats, bars_per_year: float) -> float:
    """Compound growth per year of an equity curve; NaN where it touches zero."""
    if len(equity) < 2 or (equity <= 0).any():
        return float("nan")
    power = bars_per_year / (len(equity) - 1) * np.log(equity[-1] / equity[0])
    return float(np.expm1(power)) if power < 700 else float("inf")


def _mean(x: Floats) -> float:
    return float(np.mean(x)) if len(x) else float("nan")


def _spread(x: Floats) -> float:
    return float(x.std(ddof=1)) if len(x) > 1 else float("nan")


def _ratio(top: float, bottom: float) -> float:
    """Quotient of what is positive below, else NaN."""
    return float(top / bottom) if bottom > 0 else float("nan")

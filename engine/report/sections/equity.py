"""Account against benchmark: value, drawdown, rolling Sharpe ratio."""

import numpy as np

from tradewind.engine.report import packing
from tradewind.engine.report.section import Chart, Context, Section, render
from tradewind.engine.report.series import drawdown, rolling_sharpe, thin
from tradewind.engine.report.words import moment, money, number, percent

MAX_ROWS = 2_600  # of a line: two to a pixel of a wide screen
SHORTEST_WINDOW = 20  # bars below which a Sharpe ratio is noise and nothing else


def equity(context: Context) -> Section:
    """Three pictures on one clock."""
    charts = [_value(context), _drawdown(context)]
    window = rolling_window(len(context.returns), context.bars_per_year)
    if window:
        charts.append(_rolling(context, window))
    start = moment(context.dates[0]) if len(context.dates) else "no bar"
    cash = context.equity[0] if len(context.dates) else None
    html = render(
        "equity.html", charts=charts, window=window, benchmark=context.benchmark_name,
        start=start, cash=cash, n_bars=len(context.returns),
    )  # fmt: skip
    return Section("equity", "Equity against benchmark", html, "Equity")


def rolling_window(n_bars: int, bars_per_year: float) -> int:
    """Bars of the rolling Sharpe ratio: a year, or a third of what there is; 0 if that is little.

    Parameters
    ----------
    n_bars : int
        Of the evaluation.
    bars_per_year : float
    """
    window = min(round(bars_per_year), n_bars // 3)
    return window if window >= SHORTEST_WINDOW else 0


def _value(context: Context) -> Chart:
    ours, theirs = context.equity, context.benchmark
    end = f"{money(ours[-1])} against {money(theirs[-1])}" if len(ours) else "nothing"
    rows = thin([ours, theirs], MAX_ROWS)
    return Chart(
        "equity-value",
        "lines",
        {
            "time": packing.times(_ts(context)[rows]),
            "lines": [
                {"name": "Strategy", "role": "strategy", "values": packing.floats(ours[rows])},
                {
                    "name": context.benchmark_name,
                    "role": "benchmark",
                    "values": packing.floats(theirs[rows]),
                },
            ],
            "format": "money",
            "mayLog": bool(len(ours) and min(ours.min(), theirs.min()) > 0),
        },
        f"Account value and benchmark over time; at the end {end}.",
        380,
    )


def _drawdown(context: Context) -> Chart:
    ours, theirs = drawdown(context.equity), drawdown(context.benchmark)
    rows = thin([ours, theirs], MAX_ROWS)
    worst = f"{percent(ours.min())} against {percent(theirs.min())}" if len(ours) else "nothing"
    return Chart(
        "equity-drawdown",
        "lines",
        {
            "time": packing.times(_ts(context)[rows]),
            "lines": [
                {
                    "name": "Strategy",
                    "role": "strategy",
                    "area": True,
                    "values": packing.floats(ours[rows]),
                },
                {
                    "name": context.benchmark_name,
                    "role": "benchmark",
                    "values": packing.floats(theirs[rows]),
                },
            ],
            "format": "percent",
        },
        f"Fall from the highest value so far; at worst {worst}.",
        220,
    )


def _rolling(context: Context, window: int) -> Chart:
    ours = rolling_sharpe(context.returns[1:], window, context.bars_per_year)
    theirs = rolling_sharpe(context.benchmark_returns[1:], window, context.bars_per_year)
    # Mertens without skewness and kurtosis: the band is drawn to show its width, not to test.
    error = np.sqrt((context.bars_per_year + ours**2 / 2) / window)
    rows = thin([ours, theirs], MAX_ROWS)
    last = number(ours[-1]) if len(ours) else "nothing"
    return Chart(
        "equity-rolling",
        "lines",
        {
            "time": packing.times(_ts(context)[1:][rows]),
            "lines": [
                {
                    "name": "Strategy",
                    "role": "strategy",
                    "values": packing.floats(ours[rows]),
                    "low": packing.floats((ours - error)[rows]),
                    "high": packing.floats((ours + error)[rows]),
                },
                {
                    "name": context.benchmark_name,
                    "role": "benchmark",
                    "values": packing.floats(theirs[rows]),
                },
            ],
            "format": "number",
            "zero": True,
        },
        f"Annual Sharpe ratio of the last {window} bars, with one standard error; lately {last}.",
        240,
    )


def _ts(context: Context) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Drawing times in UTC nanoseconds: midnight of the day for daily bars, else the close."""
    return context.dates.astype("datetime64[ns]").astype(np.int64)

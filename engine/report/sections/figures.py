"""Key figures, strategy beside benchmark."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tradewind.engine.report.section import Context, Section, render
from tradewind.engine.report.words import (
    TIMES,
    is_number,
    money,
    number,
    percent,
    plus_minus,
    signed,
    signed_percent,
)

Block = Mapping[str, Any]


class Figure(NamedTuple):
    """How one metric is called and written; ``beside`` names metrics that ``show`` reads too."""

    key: str
    label: str
    show: Callable[[Block], str]
    beside: tuple[str, ...] = ()


def _plain(key: str, label: str, write: Callable[[Any], str]) -> Figure:
    return Figure(key, label, lambda block: write(block.get(key)))


def _bars(value: Any) -> str:
    return f"{number(value, 0)} bars" if is_number(value) else number(value)


def _times(value: Any) -> str:
    return f"{number(value, 1)} {TIMES} equity" if is_number(value) else number(value)


def _count(value: Any) -> str:
    return number(value, 0)


def _with_error(key: str, error: str) -> Callable[[Block], str]:
    return lambda block: plus_minus(block.get(key), block.get(error))


def _fall_length(block: Block) -> str:
    """Bars under water; ``over`` where the data ended before the recovery."""
    open_end = block.get("max_drawdown_recovered") is False
    text = _bars(block.get("max_drawdown_bars"))
    return f"over {text}" if open_end else text


def _hits(block: Block) -> str:
    low, high = block.get("hit_rate_low"), block.get("hit_rate_high")
    reach = f" ({percent(low, 0)} to {percent(high, 0)})" if is_number(low) else ""
    return percent(block.get("hit_rate")) + reach


BESIDE_BENCHMARK = (
    _plain("final_equity", "Final value", money),
    _plain("total_return", "Total return", percent),
    _plain("annual_return", "Annual return", percent),
    _plain("annual_volatility", "Annual volatility", percent),
    Figure("sharpe", "Sharpe ratio", _with_error("sharpe", "sharpe_se"), ("sharpe_se",)),
    _plain("sharpe_se_hac", "Its error, returns dependent", number),
    _plain("sortino", "Sortino ratio", number),
    _plain("calmar", "Calmar ratio", number),
    _plain("max_drawdown", "Deepest drawdown", percent),
    Figure("max_drawdown_bars", "Its length", _fall_length, ("max_drawdown_recovered",)),
    _plain("longest_drawdown_bars", "Longest drawdown", _bars),
    _plain("best_bar", "Best bar", signed_percent),
    _plain("worst_bar", "Worst bar", signed_percent),
)
AGAINST = (
    Figure(
        "sharpe_difference",
        "Sharpe above benchmark",
        _with_error("sharpe_difference", "sharpe_difference_se"),
        ("sharpe_difference_se",),
    ),
    _plain("excess_annual_return", "Return above benchmark", signed_percent),
    _plain("alpha", "Alpha, annual", signed_percent),
    _plain("beta", "Beta", number),
    _plain("correlation", "Correlation", number),
    _plain("tracking_error", "Tracking error, annual", percent),
    _plain("information_ratio", "Information ratio", number),
)
OWN = (
    _plain("gross_exposure", "Exposure, gross", percent),
    _plain("net_exposure", "Exposure, net", percent),
    _plain("max_gross_exposure", "Exposure, most", percent),
    _plain("time_in_market", "Time in the market", percent),
    _plain("turnover_annual", "Turnover, annual", _times),
    _plain("n_trades", "Closed trades", _count),
    _plain("n_open_trades", "Open at the end", _count),
    Figure("hit_rate", "Hit rate (95%)", _hits, ("hit_rate_low", "hit_rate_high")),
    _plain("profit_factor", "Profit factor", number),
    _plain("average_trade", "Average trade", lambda value: signed(value, 0)),
    _plain("average_win", "Average gain", lambda value: signed(value, 0)),
    _plain("average_loss", "Average loss", lambda value: signed(value, 0)),
    _plain("average_bars_held", "Average holding", _bars),
)
TILES = ("annual_return", "sharpe", "max_drawdown", "annual_volatility")
SAID_ELSEWHERE = ("n_returns", "ruined")


def figures(context: Context) -> Section:
    """Four large numbers, and all of them; a metric this list does not know is shown by its key."""
    ours, theirs = context.block("strategy"), context.block("benchmark")
    html = render(
        "figures.html",
        tiles=[_tile(figure, ours, theirs) for figure in BESIDE_BENCHMARK if figure.key in TILES],
        compared=[
            (figure.label, figure.show(ours), figure.show(theirs))
            for figure in BESIDE_BENCHMARK
            if figure.key in ours or figure.key in theirs
        ],
        against=[(figure.label, figure.show(ours)) for figure in AGAINST if figure.key in ours],
        own=[
            (figure.label, figure.show(ours))
            for figure in (*OWN, *_unknown(ours))
            if figure.key in ours
        ],
        benchmark=context.benchmark_name,
        ruined=ours.get("ruined") is True,
    )  # fmt: skip
    return Section("figures", "Key figures", html, "Figures")


def _tile(figure: Figure, ours: Block, theirs: Block) -> dict[str, str]:
    write = {"sharpe": number}.get(figure.key, percent)
    error = ours.get("sharpe_se") if figure.key == "sharpe" else None
    return {
        "label": figure.label,
        "value": write(ours.get(figure.key)),
        "error": f"± {number(error)}" if is_number(error) else "",
        "rival": write(theirs.get(figure.key)),
    }


def _unknown(block: Block) -> list[Figure]:
    """Metrics nobody has given a label yet."""
    listed = (*BESIDE_BENCHMARK, *AGAINST, *OWN)
    known = {name for figure in listed for name in (figure.key, *figure.beside)}
    names = [name for name in block if name not in known and name not in SAID_ELSEWHERE]
    return [_plain(name, name.replace("_", " ").capitalize(), number) for name in names]

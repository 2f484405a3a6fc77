"""What one entrant of a comparison comes to beside its accuracy: after costs, and in time."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tradewind.engine import pipeline, trading
from tradewind.engine.errors import TradewindError
from tradewind.engine.feeds.history import History
from tradewind.engine.leaderboard.entrants import Entrant
from tradewind.engine.outlook import Outlook
from tradewind.engine.pipeline import Diary, Parts
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Floats


class Traded(NamedTuple):
    """What a strategy made of one entrant's signals, after costs.

    Attributes
    ----------
    numbers : mapping
        Sharpe ratio, return, drawdown, turnover, costs; or ``error`` alone.
    equity : ndarray of float64, shape (n_bars,), or None
        Account value on the bars compared.
    market : mapping or None
        What the benchmark came to on the same bars.
    """

    numbers: Mapping[str, Any]
    equity: Floats | None = None
    market: Mapping[str, Any] | None = None


def trade(parts: Parts, signals: Signals, history: History, first: int) -> Traded:
    """Trade what was said of the common pairs from bar ``first`` on."""
    try:
        traded = trading.simulate(
            parts, history.panel, Outlook(signals, first), Diary(), finer=history.finer
        )
        numbers, _, _ = pipeline.measured(
            parts.config, history.panel, traded.simulation, traded.start
        )
    except TradewindError as error:
        return Traded({"error": str(error)})
    found = {
        **_growth(numbers["strategy"]),
        "turnover_annual": numbers["strategy"]["turnover_annual"],
        "cost_bps_annual": numbers["costs"]["total_bps_annual"],
    }
    market = {"name": parts.config.benchmark, **_growth(numbers["benchmark"])}
    return Traded(found, traded.simulation.equity[first:], market)


def _growth(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Sharpe ratio with the wider of its two standard errors, return and drawdown."""
    errors = [numbers[key] for key in ("sharpe_se", "sharpe_se_hac") if numbers[key] is not None]
    return {
        "sharpe": numbers["sharpe"],
        "sharpe_se": max(errors) if errors else None,
        "annual_return": numbers["annual_return"],
        "max_drawdown": numbers["max_drawdown"],
    }


def facts(one: Entrant, n_said: int) -> dict[str, Any]:
    """What a row says beside accuracy: kind, times, samples, and how much it said."""
    folds = one.folds
    fits = [fit for report in folds for fit in report.fits]
    bars = sum(report.fold.test_stop - report.fold.test_start for report in folds)
    predicting = _sum([fit.predict_seconds for fit in fits])
    counted = [report.n_samples for report in folds if report.n_samples is not None]
    return {
        "kind": one.kind,
        "network": one.network,
        "train_seconds": _sum([fit.fit_seconds for fit in fits]),
        "ms_per_bar": None if predicting is None or not bars else 1e3 * predicting / bars,
        "n_samples": sum(counted) if counted else None,
        "n_forecasts": n_said,
        "folds": len(folds),
        "folds_from_cache": sum(report.from_cache for report in folds),
    }


def _sum(seconds: list[float | None]) -> float | None:
    """Sum; None where one of them was not noted."""
    known = [value for value in seconds if value is not None]
    return sum(known) if len(known) == len(seconds) else None


def start(one: Entrant) -> int:
    """First bar it spoke about out of sample."""
    return one.outlook.first_bar if one.outlook is not None else 0


def first_bar(entrants: list[Entrant]) -> int:
    """First bar that all of them spoke about."""
    return max(start(one) for one in entrants)

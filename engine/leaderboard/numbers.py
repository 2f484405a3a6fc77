"""What one entrant of a comparison comes to beside its accuracy: after costs, and in time."""

from collections.abc import Mapping
from typing import Any

from tradewind.engine import pipeline, trading
from tradewind.engine.errors import TradewindError
from tradewind.engine.feeds.history import History
from tradewind.engine.leaderboard.entrants import Entrant
from tradewind.engine.outlook import Outlook
from tradewind.engine.pipeline import Diary
from tradewind.engine.protocols import Signals


def trade(
    one: Entrant, signals: Signals, history: History, diary: Diary, first: int
) -> dict[str, Any] | None:
    """Trade what one of them said of the common pairs and note its numbers after costs.

    Returns
    -------
    dict or None
        What the benchmark came to on the same bars; None where nothing could be traded.
    """
    assert one.parts is not None
    quiet = Diary()
    try:
        traded = trading.simulate(
            one.parts, history.panel, Outlook(signals, first), quiet, finer=history.finer
        )
        numbers, _, _ = pipeline.measured(
            one.parts.config, history.panel, traded.simulation, traded.start
        )
    except TradewindError as error:
        diary.note("not traded", name=one.name, error=str(error))
        one.strategy = {"error": str(error)}
        return None
    one.strategy = {
        **_growth(numbers["strategy"]),
        "turnover_annual": numbers["strategy"]["turnover_annual"],
        "cost_bps_annual": numbers["costs"]["total_bps_annual"],
    }
    one.equity = traded.simulation.equity[first:]
    return {"name": one.parts.config.benchmark, **_growth(numbers["benchmark"])}


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

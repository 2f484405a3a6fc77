"""``tradewind train``: fit a config's forecaster walk-forward into the cache."""

from typing import TYPE_CHECKING, Any

from tradewind.engine.cli.console import out, out_json, table
from tradewind.engine.cli.options import (
    DEFAULT_CONFIG,
    ConfigArgument,
    FreshOption,
    JsonOption,
    SetOption,
    WorkersOption,
)
from tradewind.engine.cli.progress import watched

if TYPE_CHECKING:
    from tradewind.engine.runner import Training

FITS_KEPT = "fits that were finished are kept in the cache, so the same command goes on from there"


def train(
    config: ConfigArgument = DEFAULT_CONFIG,
    assignments: SetOption = None,
    fresh: FreshOption = False,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the forecaster walk-forward and keep forecasts and checkpoints in the cache.

    A backtest of the same config then finds them there. Without CONFIG it trains the preset that
    ships with tradewind.
    """
    from tradewind.engine.config_file import load

    settings, document = load(config, assignments or [])
    with watched("train", FITS_KEPT) as bars:
        from tradewind.engine import runner  # after the config: a fault in it is told at once

        training = runner.train(settings, document, progress=bars, fresh=fresh, workers=workers)
    if as_json:
        out_json(_summary(training))
    else:
        _show(training)


def _summary(training: "Training") -> dict[str, Any]:
    folds = [
        {
            "fold": report.fold.number,
            "train": [report.fold.train_start, report.fold.train_stop],
            "test": [report.fold.test_start, report.fold.test_stop],
            "seed": report.seed,
            "seconds": report.seconds,
            "from_cache": report.from_cache,
            "samples": report.n_samples,
            "forecasts": report.n_forecasts,
            "folder": None if report.folder is None else str(report.folder),
            "note": report.note,
        }
        for report in training.folds
    ]
    return {
        "name": training.config.name,
        "cache": str(training.cache),
        "folds": folds,
        "forecast_scores": training.scores,
    }


def _show(training: "Training") -> None:
    rows = [
        (
            str(report.fold.number),
            f"{report.fold.train_start}-{report.fold.train_stop - 1}",
            f"{report.fold.test_start}-{report.fold.test_stop - 1}",
            "" if report.n_samples is None else f"{report.n_samples:,}",
            str(len(report.history) or ""),
            f"{report.n_forecasts:,}",
            "from the cache" if report.from_cache else f"{report.seconds:.1f} s",
            report.note,
        )
        for report in training.folds
    ]
    columns = ("fold", "trained on", "predicts", "samples", "epochs", "forecasts", "took", "")
    table(f"{training.config.name}: bars by number", columns, rows)
    if training.scores.get("verdict"):
        out(f"Forecasts: {training.scores['verdict']}")
    out(f"Cache: {training.cache}")

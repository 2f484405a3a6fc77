"""``tradewind train``: fit a config's forecaster and selector walk-forward into the cache."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tradewind.engine.cli.console import out, out_json, table
from tradewind.engine.cli.executors import ExecutorOption, hands
from tradewind.engine.cli.leaderboard import FITS_KEPT, leaderboard
from tradewind.engine.cli.options import (
    DEFAULT_CONFIG,
    RESULTS,
    ConfigArgument,
    FreshOption,
    JsonOption,
    ResultsOption,
    SetOption,
    WorkersOption,
)
from tradewind.engine.cli.progress import watched

if TYPE_CHECKING:
    from tradewind.engine.runner import Training
    from tradewind.engine.walkforward.report import FoldReport


def train(
    config: ConfigArgument = DEFAULT_CONFIG,
    assignments: SetOption = None,
    fresh: FreshOption = False,
    workers: WorkersOption = None,
    executor: ExecutorOption = None,
    as_json: JsonOption = False,
    results: ResultsOption = RESULTS,
) -> None:
    """Fit forecaster and selector walk-forward and keep forecasts and checkpoints in the cache.

    A backtest of the same config then finds them there. A config with several 'forecasters:' or
    'selectors:' is a comparison: it ends in a leaderboard, whose folder stands among the runs.
    Without CONFIG it trains the preset that ships with tradewind.
    """
    from tradewind.engine.config.bench import is_bench
    from tradewind.engine.config.file import load, override, read_document

    fitting = hands(workers, executor)
    if is_bench(override(read_document(config), assignments or [])):
        leaderboard(
            config, assignments or [], results=results, fresh=fresh, workers=fitting,
            as_json=as_json,
        )  # fmt: skip
        return
    settings, document = load(config, assignments or [])
    with watched("train", FITS_KEPT) as bars:
        from tradewind.engine import runner  # after the config: a fault in it is told at once

        training = runner.train(settings, document, progress=bars, fresh=fresh, workers=fitting)
    if as_json:
        out_json(_summary(training))
    else:
        _show(training)


def _summary(training: "Training") -> dict[str, Any]:
    from tradewind.engine.walkforward.notes import fold_facts

    return {
        "name": training.config.name,
        "cache": str(training.cache),
        "folds": [fold_facts(report, training.days) for report in training.folds],
        "selector_folds": [fold_facts(report, training.days) for report in training.selector_folds],
        "forecast_scores": training.scores,
        "ranked": training.ranked,
        "notes": training.notes,
    }


def _show(training: "Training") -> None:
    from tradewind.engine.report.words import plural

    for what, folds in (("", training.folds), (" of the selector", training.selector_folds)):
        if folds:
            columns, rows = _columns(folds, training.days)
            table(f"{training.config.name}: {plural(len(rows), 'fold')}{what}", columns, rows)
    if training.scores.get("verdict"):
        out(f"Forecasts: {training.scores['verdict']}")
    if training.ranked.get("verdict"):
        out(f"Rankings: {training.ranked['verdict']}")
    for note in training.notes:
        out(f"Note: {note}")
    out(f"Cache: {training.cache}")


def _columns(
    folds: Sequence["FoldReport"], days: Sequence[str]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Names and rows of the table; a column that would be empty all the way down is left out."""
    from tradewind.engine.walkforward.learning_curve import n_epochs
    from tradewind.engine.walkforward.notes import written

    names = (
        "fold", "trained on", "predicts", "chosen", "fits", "samples", "epochs", "forecasts",
        "took", "",
    )  # fmt: skip
    rows = []
    for report in folds:
        fold = report.fold
        several = len(report.fits) > 1
        rows.append(
            (
                str(fold.number),
                f"{days[fold.learned_start]} to {days[fold.train_stop - 1]}",
                f"{days[fold.test_start]} to {days[fold.test_stop - 1]}",
                "" if report.choice is None else written(report.choice.params),
                str(len(report.fits)) if several else "",
                "" if report.n_samples is None else f"{report.n_samples:,}",
                str(n_epochs(report.history) or ""),
                f"{report.n_forecasts:,}",
                "from the cache" if report.from_cache else f"{report.seconds:.1f} s",
                "; ".join(filter(None, ["warm" if report.warm else "", report.note])),
            )
        )
    kept = [k for k, name in enumerate(names) if not name or any(row[k] for row in rows)]
    return tuple(names[k] for k in kept), [tuple(row[k] for k in kept) for row in rows]

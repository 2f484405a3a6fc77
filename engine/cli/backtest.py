"""``tradewind backtest``: one config, one run folder."""

from tradewind.engine.cli.console import out_json
from tradewind.engine.cli.executors import ExecutorsOption, hands, told_apart
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

FITS_KEPT = (
    "no run folder was written; fits that were finished are kept in the cache, so the same command "
    "goes on from there"
)


def backtest(
    config: ConfigArgument = DEFAULT_CONFIG,
    assignments: SetOption = None,
    executors: ExecutorsOption = None,
    results: ResultsOption = RESULTS,
    as_json: JsonOption = False,
    fresh: FreshOption = False,
    workers: WorkersOption = None,
) -> None:
    """Test a strategy on history: one config, one run folder.

    Without CONFIG it runs the preset that ships with tradewind: an LSTM that times 120 US stocks,
    2013 to 2017, walk-forward and after costs.
    """
    from tradewind.engine.config.file import load

    simulator, place = told_apart(executors)
    fitting = hands(workers, place)
    chosen = [*(assignments or []), *([f"executor={simulator}"] if simulator else [])]
    settings, document = load(config, chosen)
    with watched("backtest", FITS_KEPT) as bars:
        from tradewind.engine import runner  # after the config: a fault in it is told at once

        run = runner.backtest(
            settings, document, results=results, progress=bars, fresh=fresh, workers=fitting
        )
    from tradewind.engine.cli import summary

    folder = results / run.name
    if as_json:
        out_json(summary.as_json(run, folder))
    else:
        summary.show(run, folder)

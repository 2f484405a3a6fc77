"""``tradewind reproduce``: the folder's config once more, numbers compared."""

from tradewind.engine.cli.console import out, out_json
from tradewind.engine.cli.executors import ExecutorOption, hands
from tradewind.engine.cli.failures import DONE, NO
from tradewind.engine.cli.options import RESULTS, JsonOption, ResultsOption, RunArgument
from tradewind.engine.cli.progress import watched
from tradewind.engine.cli.results import run_folder
from tradewind.engine.cli.verify import show_differences


def reproduce(
    run: RunArgument,
    results: ResultsOption = RESULTS,
    as_json: JsonOption = False,
    executor: ExecutorOption = None,
) -> int:
    """Run the config of a run folder again and compare metrics and fills.

    Nothing is written. Exit code 1 where anything differs.
    """
    folder = run_folder(run, results)
    with watched("reproduce", "the run folder is as it was") as bars:
        from tradewind.engine import runner
        from tradewind.engine.evolving import again as front
        from tradewind.engine.leaderboard import again as comparison
        from tradewind.engine.report.front_folder import is_front
        from tradewind.engine.report.leaderboard_folder import is_leaderboard

        if is_front(folder):
            found = front.reproduce(folder, progress=bars)  # nothing is fitted for one
        else:
            again = comparison.reproduce if is_leaderboard(folder) else runner.reproduce
            found = again(folder, progress=bars, workers=hands(None, executor))
    if as_json:
        out_json(
            {
                "run": folder.name,
                "folder": str(folder),
                "identical": found.identical,
                "differences": found.differences,
            }
        )
    else:
        out(f"{folder.name}: {'reproduced' if found.identical else 'NOT reproduced'}")
        show_differences(found.differences)
    return DONE if found.identical else NO

"""``tradewind verify``: the same orders on the other executor, fill by fill."""

from tradewind.engine.cli.console import out, out_json
from tradewind.engine.cli.failures import DONE, NO
from tradewind.engine.cli.options import RESULTS, JsonOption, ResultsOption, RunArgument
from tradewind.engine.cli.progress import watched
from tradewind.engine.cli.results import run_folder

SHOWN = 20  # differences printed; the rest are counted


def verify(run: RunArgument, results: ResultsOption = RESULTS, as_json: JsonOption = False) -> int:
    """Replay a run on the other executor and compare fill by fill.

    Bar, quantity, price and fee of every fill must agree to a relative 1e-9. Exit code 1 where
    they do not.
    """
    folder = run_folder(run, results)
    with watched("verify") as bars:
        from tradewind.engine import runner

        found = runner.verify(folder, progress=bars)
    if as_json:
        out_json(
            {
                "run": folder.name,
                "folder": str(folder),
                "identical": found.identical,
                "executor": found.executor,
                "against": found.against,
                "n_fills": found.n_fills,
                "differences": found.differences,
            }
        )
    else:
        verdict = "agree" if found.identical else "DIFFER"
        both = f"{found.executor} and {found.against}"
        out(f"{folder.name}: {found.n_fills:,} fills, {both} {verdict}")
        show_differences(found.differences)
    return DONE if found.identical else NO


def show_differences(differences: tuple[str, ...]) -> None:
    """Print the first differences and how many more there are."""
    for line in differences[:SHOWN]:
        out(f"  {line}")
    if len(differences) > SHOWN:
        out(f"  ... and {len(differences) - SHOWN:,} more; --json lists all of them")

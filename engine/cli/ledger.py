"""``tradewind ledger``: who tried what on the same data, and whether a line is missing."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewind.engine.cli.console import out, out_json, table
from tradewind.engine.cli.options import JsonOption

if TYPE_CHECKING:
    from tradewind.engine.luck.ledger import Ledger

app = typer.Typer(
    help="Trials on the same data, counted whoever started them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
DataArgument = Annotated[
    str, typer.Argument(metavar="[DATA]", help="First digits of the data's digest; all without it.")
]


@app.command("show")
def show(data: DataArgument = "", as_json: JsonOption = False) -> None:
    """List what was tried: a line a run or sweep, newest last."""
    found = [(ledger, list(ledger.entries())) for ledger in _ledgers(data)]
    if as_json:
        out_json({"ledgers": [_summary(ledger) for ledger, _ in found]})
        return
    for ledger, entries in found:
        count = ledger.count()
        out(f"{ledger.data}: {count.trials:,} distinct trials in {count.lines:,} lines")
        rows = [
            (one.at, one.kind, one.name, f"{len(one.trials):,}",
             "" if one.best is None else f"{one.best:.2f}")
            for one in entries[-50:]
        ]  # fmt: skip
        table("", ("when", "kind", "run", "trials", "best Sharpe"), rows)
    if not found:
        out("Nothing was tried yet.")


@app.command("verify")
def verify(data: DataArgument = "", as_json: JsonOption = False) -> int:
    """Check that no line was changed, moved or taken out; exit code 1 where one was."""
    from tradewind.engine.luck.ledger import LedgerError

    found: list[dict[str, Any]] = []
    for ledger in _ledgers(data):
        try:
            found.append({**_summary(ledger), "sound": True, "fault": ""})
        except LedgerError as error:
            found.append({"data": ledger.data, "sound": False, "fault": str(error)})
    if as_json:
        out_json({"ledgers": found})
    else:
        for one in found:
            out(f"{one['data']}: sound, {one['trials']:,} trials" if one["sound"] else one["fault"])
        if not found:
            out("Nothing was tried yet.")
    return 0 if all(one["sound"] for one in found) else 1


def _summary(ledger: "Ledger") -> dict[str, Any]:
    count = ledger.count()
    return {"data": ledger.data, "path": str(ledger.path), "lines": count.lines,
            "trials": count.trials, "repeated": count.repeated}  # fmt: skip


def _ledgers(data: str) -> list["Ledger"]:
    from tradewind.engine.luck.ledger import Ledger, default_folder

    folder = default_folder()
    if folder is None or not Path(folder).is_dir():
        return []
    names = {path.stem for end in ("jsonl", "head") for path in Path(folder).glob(f"*.{end}")}
    return [Ledger(Path(folder), name) for name in sorted(names) if name.startswith(data)]

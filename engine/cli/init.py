"""``tradewind init``: a project to start from."""

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from tradewind.engine.cli.console import out, out_json
from tradewind.engine.cli.options import JsonOption
from tradewind.engine.errors import ConfigError, RunError

TEMPLATES = ("config.yaml", "strategy.py", "test_strategy.py", "README.md")


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to; made if it is not there.")
    ] = Path(),
    as_json: JsonOption = False,
) -> None:
    """Write a config, a strategy to edit, a test for it and a README.

    Nothing that is there already is overwritten.
    """
    paths = [folder / name for name in TEMPLATES]
    there = [str(path) for path in paths if path.exists() or path.is_symlink()]
    if there:
        raise ConfigError(
            f"{', '.join(there)}: there already, and nothing is overwritten; name another folder: "
            "tradewind init DIR"
        )
    source = resources.files("tradewind.engine.cli") / "templates"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            path.write_bytes((source / path.name).read_bytes())
    except OSError as error:
        raise RunError(f"{folder}: cannot be written: {error.strerror or error}") from None
    if as_json:
        out_json({"folder": str(folder), "files": [path.name for path in paths]})
        return
    for path in paths:
        out(f"wrote {path}")
    step = "" if folder == Path() else f"cd {folder} && "
    out(f"\nNext: {step}tradewind backtest config.yaml")

"""Options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tradewind.engine.cli.results import run_names

DEFAULT_CONFIG = "lstm-timing"
RESULTS = Path("results")


class Group(TyperGroup):
    """A group whose flags are off by default and not unset.

    typer checks a flag that is None with pydantic, and loading that takes longer than everything
    else that ``--help`` and the Tab key need.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """Return options and arguments, flags off."""
        parameters = super().get_params(ctx)
        for parameter in parameters:
            if getattr(parameter, "is_flag", False) and parameter.default is None:
                parameter.default = False
        return parameters


def _configs(incomplete: str) -> list[str]:
    """Presets and YAML files that begin with what has been typed."""
    from tradewind.engine.config.file import preset_names

    folder = Path(incomplete).parent if "/" in incomplete else Path()
    files = [str(path) for path in folder.glob("*.y*ml")] if folder.is_dir() else []
    return [name for name in [*preset_names(), *sorted(files)] if name.startswith(incomplete)]


def _runs(incomplete: str) -> list[str]:
    names = ["latest", *run_names(RESULTS)]
    return [name for name in names if name.startswith(incomplete)]


ConfigArgument = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG",
        help="A YAML file, or the name of a preset.",
        autocompletion=_configs,
    ),
]
RunArgument = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run folder, its name below the results folder, the start of one, or 'latest'.",
        autocompletion=_runs,
    ),
]
RunArguments = Annotated[
    list[str],
    typer.Argument(metavar="RUN", help="As for the other commands.", autocompletion=_runs),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a key: --set costs.fee_bps=2. May be repeated."
    ),
]
ResultsOption = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Folder that holds the run folders.")
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=0,
        max=256,
        metavar="N",
        help="Processes that fit forecasters; 0 fits in this one. Default: one per core.",
    ),
]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Fit again, whatever the cache holds; then replace it.")
]

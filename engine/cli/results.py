"""Finding run folders by what a person types."""

import re
from difflib import get_close_matches
from pathlib import Path

from tradewind.engine.errors import RunError

RECORD = "manifest.json"  # every complete run folder holds one
LATEST = "latest"
STAMP = re.compile(r"-(\d{8}-\d{6})-[0-9a-f]{6}(-\d+)?$")  # when a run was made, in its name


def run_names(results: Path) -> list[str]:
    """Names of the complete runs below ``results``, sorted; empty where there is no such folder."""
    try:
        return sorted(path.parent.name for path in results.glob(f"*/{RECORD}"))
    except OSError:
        return []


def run_folder(run: str, results: Path) -> Path:
    """Folder that ``run`` means.

    Parameters
    ----------
    run : str
        A folder, the name of a run below ``results``, the start of exactly one, or ``latest``.
    results : Path

    Raises
    ------
    RunError
        If there is none, or several begin that way.
    """
    names = run_names(results)
    if run in names:
        return results / run
    if run == LATEST and names:
        return results / max(names, key=_made)
    if (Path(run) / RECORD).is_file():
        return Path(run)
    if Path(run).is_dir():
        raise RunError(f"{run}: is no run folder: it has no {RECORD}")
    begun = [name for name in names if name.startswith(run)]
    if len(begun) == 1:
        return results / begun[0]
    raise RunError(_unknown(run, results, names, begun))


def _made(name: str) -> tuple[str, int, str]:
    """Order of making: by the time in the name, a folder's own time changes when it is copied."""
    found = STAMP.search(name)
    again = abs(int(found[2] or 0)) if found else 0
    return (found[1] if found else "", again, name)


def _unknown(run: str, results: Path, names: list[str], begun: list[str]) -> str:
    if begun:
        return f"{run}: {len(begun)} runs begin that way: {', '.join(begun)}; write one of them out"
    if not names:
        return f"{run}: no such run; there are none below {results}: 'tradewind backtest' makes one"
    near = get_close_matches(run, names, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return (
        f"{run}: no such run below {results}{hint}; 'tradewind runs' lists them, 'tradewind paper "
        "status' those of paper trading"
    )

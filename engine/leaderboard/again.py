"""A comparison made again, and what differs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.config.file import read_document
from tradewind.engine.jsonable import jsonable
from tradewind.engine.leaderboard.run import compute
from tradewind.engine.progress import SILENT, Progress
from tradewind.engine.report import leaderboard_folder
from tradewind.engine.runner import Reproduction
from tradewind.engine.walkforward.where import Workers

TIMES = ("train_seconds", "ms_per_bar", "folds_from_cache")  # differ from run to run


def reproduce(
    folder: Path, *, progress: Progress = SILENT, workers: Workers = None
) -> Reproduction:
    """Make a leaderboard again, fits included, and compare every number but the times.

    Raises
    ------
    RunError
        If the folder is damaged.
    """
    old = leaderboard_folder.read(folder)
    document = read_document(folder / "config.yaml")
    new, _ = compute(document, progress=progress, workers=workers, cached=False)
    found = [
        f"{what}: not as it was"
        for what, then, now in (
            ("data", old.manifest.get("data_digest"), new.manifest["data_digest"]),
            ("code", old.manifest.get("code"), jsonable(new.manifest["code"])),
            ("versions", old.manifest.get("versions"), new.manifest["versions"]),
        )
        if then != now
    ]
    found += differences(_timeless(old.table), _timeless(jsonable(new.table)))
    for name, curve in new.equity.items():
        if name not in old.equity or not np.array_equal(old.equity[name], curve):
            found.append(f"equity of {name}: not as it was")
    return Reproduction(not found, tuple(found))


def _timeless(table: Mapping[str, Any]) -> dict[str, Any]:
    rows = {
        name: {key: value for key, value in row.items() if key not in TIMES}
        for name, row in table["rows"].items()
    }
    failed = [one["name"] for one in table["failed"]]  # their messages name the fold that was first
    return {**table, "rows": rows, "failed": failed}


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Leaves that differ, with their dotted place."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in sorted({*old, *new})
            for line in differences(old.get(key), new.get(key), f"{path}.{key}".lstrip("."))
        ]
    return [] if old == new else [f"{path}: {old!r} then, {new!r} now"]

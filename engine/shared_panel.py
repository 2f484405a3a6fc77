"""One panel in the memory of many processes: written once, mapped read-only by each."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tradewind.engine.records import FIELDS, Panel


def write_panel(panel: Panel, folder: Path) -> None:
    """Lay the arrays of ``panel`` below ``folder``, one ``.npy`` file each.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    names = np.array(list(panel.columns), dtype=np.str_)
    words = np.array([panel.interval, panel.calendar or "", *panel.symbols], dtype=np.str_)
    each = np.array([name or "" for name in panel.calendars], dtype=np.str_)
    arrays = {
        "ts": panel.ts, "ends": panel.ends, "words": words, "calendars": each, "columns": names,
    }  # fmt: skip
    arrays |= {name: getattr(panel, name) for name in FIELDS}
    arrays |= {f"column-{i}": array for i, array in enumerate(panel.columns.values())}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def map_panel(folder: Path) -> Panel:
    """Panel whose arrays are files below ``folder``, mapped and read-only."""
    interval, calendar, *symbols = (str(word) for word in np.load(folder / "words.npy"))
    names = np.load(folder / "columns.npy")
    return Panel(
        symbols=tuple(symbols),
        ts=_map(folder, "ts"),
        ends=_map(folder, "ends"),
        interval=interval,
        calendar=calendar or None,
        calendars=tuple(str(name) or None for name in np.load(folder / "calendars.npy")),
        columns={str(name): _map(folder, f"column-{i}") for i, name in enumerate(names)},
        **{name: _map(folder, name) for name in FIELDS},
    )


def _map(folder: Path, name: str) -> Any:
    # asarray drops the memmap subclass, which some libraries treat as an unknown kind of array.
    return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))


def read_only(panel: Panel) -> Panel:
    """Return the same bars through views that cannot be written to."""
    return replace(
        panel,
        ts=_locked(panel.ts),
        ends=_locked(panel.ends),
        columns={name: _locked(array) for name, array in panel.columns.items()},
        **{name: _locked(getattr(panel, name)) for name in FIELDS},
    )


def _locked(array: Any) -> Any:
    view = array.view()
    view.flags.writeable = False
    return view

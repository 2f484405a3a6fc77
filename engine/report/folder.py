"""One run as a folder: written whole or not at all, read back as the :class:`Run` it was.

::

    results/lstm-timing-20261124-101500-3f9a1c/
        config.yaml      resolved: `tradewind backtest` on it gives the run again
        manifest.json    versions, seed, data hash, timings; SHA-256 of every file below
        metrics.json     strategy, benchmark, costs, forecast_scores, ranked
        equity.parquet   orders.parquet   fills.parquet   events.parquet   trades.parquet
        signals.parquet
        prices.parquet   the bars, so that the page can be made again from the folder alone
        log.jsonl        events of the run
        report.html      the page; opens offline
        explanation.json, explanation.html   where the strategy tells the run on pages of its own

The folder is built beside its final place under a name that starts with a dot, synced to disk and
renamed when complete. ``docs/report.md`` describes every column.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import DiskError, RunError, is_of_a_disk
from tradewind.engine.report import page, tables
from tradewind.engine.report.contents import (
    EXPLANATION,
    PARQUETS,
    TEXTS,
    facts,
    file_hash,
    files,
)
from tradewind.engine.report.explained import PAGE, render_explanation
from tradewind.engine.report.reading import Summary, read, summaries
from tradewind.engine.report.run import Run
from tradewind.engine.report.text import config_hash, config_text, json_text

__all__ = [
    "Summary",
    "check_writable",
    "config_hash",
    "config_text",
    "file_hash",
    "new_name",
    "read",
    "rebuild",
    "summaries",
    "write",
]


def new_name(config: RunConfig, now: datetime) -> str:
    """Name a run: ``<name>-<YYYYMMDD-HHMMSS>-<first 6 digits of the config's hash>``."""
    return f"{config.name}-{now:%Y%m%d-%H%M%S}-{config_hash(config)[:6]}"


def check_writable(results: Path) -> None:
    """Make the results folder and prove that a run can be written there, before any long work.

    Raises
    ------
    RunError
        If it cannot be made or written to.
    """
    probe = results / f".probe-{os.getpid()}"
    try:
        results.mkdir(parents=True, exist_ok=True)
        probe.mkdir()
        put(probe / "file", b"tradewind")
    except OSError as error:
        raise (DiskError if is_of_a_disk(error) else RunError)(
            f"{results}: the results folder cannot be written: {error.strerror or error}; "
            "name another with --out"
        ) from None
    finally:
        shutil.rmtree(probe, ignore_errors=True)


def write(run: Run, results: Path) -> Path:
    """Write ``run`` below ``results`` and return its folder, whose name is the run's.

    A name that is taken gets a number behind it (``-2``); nothing is ever overwritten. Where the
    page cannot be made, the folder is kept without it, because the numbers took the time.

    Raises
    ------
    RunError
        If the folder cannot be written, or it was written but its page could not be made.
    """
    return publish(run.name, results, lambda name, folder: _fill(replace(run, name=name), folder))


def publish(
    wanted: str,
    results: Path,
    fill: Callable[[str, Path], Exception | None],
    *,
    numbered: bool = True,
) -> Path:
    """Make a run folder whole or not at all; its name is ``wanted``, or with a number behind it.

    Parameters
    ----------
    wanted : str
    results : Path
    fill : callable
        Writes the files of the run of that name into a folder; gives back what kept the page from
        being made, if anything.
    numbered : bool
        Whether a name that is taken gets a number behind it; else it is refused.

    Raises
    ------
    RunError
        If the folder cannot be written, or it was written but its page could not be made.
    DiskError
        If its disk is full or fails.
    """
    try:
        results.mkdir(parents=True, exist_ok=True)
        name, partial = _reserve(results, wanted, 10_000 if numbered else 2)
        try:
            fault = fill(name, partial)
            sync(partial)
            partial.rename(results / name)
            sync(results)
        except BaseException:  # Ctrl-C too: half a folder is of no use to anybody
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        if isinstance(error, RunError):
            raise
        raise (DiskError if is_of_a_disk(error) else RunError)(
            f"{results}: run {wanted} cannot be written: {error.strerror or error}; "
            "make room or name another folder with --out"
        ) from error
    if fault is not None:
        raise RunError(
            f"{results / name}: the run is saved, but its page could not be made ({fault!r}); "
            f"'tradewind report {name}' tries again"
        ) from fault
    return results / name


def _reserve(results: Path, wanted: str, end: int) -> tuple[str, Path]:
    """First free name like ``wanted``, held against other writers by its partial folder."""
    for number in range(1, end):
        name = wanted if number == 1 else f"{wanted}-{number}"
        partial = results / f".{name}.partial"
        if (results / name).exists():
            continue
        try:
            partial.mkdir()
        except FileExistsError:
            continue
        if not (results / name).exists():
            return name, partial
        partial.rmdir()  # another writer finished between the two looks
    raise RunError(
        f"{results}: {wanted} is taken, or a run of that name is being made (.{wanted}.partial); "
        "give another name, or remove what is there"
    )


def _fill(run: Run, folder: Path) -> Exception | None:
    """Write every file; returns what kept the page from being made, if anything."""
    for name, make in PARQUETS.items():
        tables.write_tables(make(run), folder / name)
        sync(folder / name)
    put(folder / "config.yaml", config_text(run.config).encode())
    metrics = {**run.metrics, "forecast_scores": run.forecast_scores, "ranked": run.ranked}
    put(folder / "metrics.json", f"{json_text(metrics)}\n".encode())
    lines = [f"{json_text(event, indent=None)}\n" for event in run.log]
    put(folder / "log.jsonl", "".join(lines).encode())
    told: tuple[str, ...] = ()
    if run.explanation is not None:
        told = (EXPLANATION,)
        put(folder / EXPLANATION, f"{json_text(run.explanation, indent=None)}\n".encode())
    listed = files(folder, (*PARQUETS, *TEXTS, *told))
    manifest = {**run.manifest, "run": facts(run), "files": listed}
    put(folder / "manifest.json", f"{json_text(manifest)}\n".encode())
    try:
        put(folder / "report.html", page.render(run).encode())
        if run.explanation is not None:
            put(folder / PAGE, render_explanation(run.name, run.explanation).encode())
    except OSError:
        raise
    except Exception as fault:
        return fault
    return None


def rebuild(folder: Path) -> Path:
    """Make the page of a run again from its folder; returns the page.

    Raises
    ------
    RunError
        If the folder is damaged or the page cannot be written.
    """
    run = read(folder)
    if run.explanation is not None:
        replace_page(folder, render_explanation(run.name, run.explanation), PAGE)
    return replace_page(folder, page.render(run))


def replace_page(folder: Path, html: str, name: str = "report.html") -> Path:
    """Put a page in the place of the old one; returns it, raises RunError if that fails."""
    fresh = folder / f".{name}.partial"
    try:
        put(fresh, html.encode())
        fresh.replace(folder / name)
        sync(folder)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise RunError(
            f"{folder}: the page cannot be written: {error.strerror or error}"
        ) from error
    return folder / name


def put(path: Path, content: bytes) -> None:
    """Write bytes through to the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Force a file or a folder's entries to the disk; where the system cannot, it is left out."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return  # Windows opens no folders
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

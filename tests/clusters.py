"""A Dask scheduler and workers of our own for a test: started, lost and thrown away."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tradewind.engine.walkforward.where import Cluster

PATIENCE_SECONDS = 60.0  # how long a process that must start is waited for before the test fails


class DaskCluster:
    """A scheduler in a process of its own, and workers in others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "scheduler.json"
        self._all: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start(
            "dask_scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard",
            "--scheduler-file", str(self._file),
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._written():
            assert self.scheduler.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def _written(self) -> bool:
        try:
            return bool(json.loads(self._file.read_text()))
        except (OSError, ValueError):
            return False

    @property
    def at(self) -> Cluster:
        """Where the scheduler is."""
        host, _, port = (
            json.loads(self._file.read_text())["address"].partition("//")[2].rpartition(":")
        )
        return Cluster(host, int(port))

    def worker(self, *, nanny: bool = False, env: Mapping[str, str] | None = None) -> None:
        """Start a worker of one thread; with a nanny one that is killed is replaced."""
        self._start(
            "dask_worker", "--scheduler-file", str(self._file), "--nthreads", "1",
            "--no-dashboard", "--host", "127.0.0.1", "--local-directory", str(self.folder),
            "--memory-limit", "0", "--nanny" if nanny else "--no-nanny", env=env,
        )  # fmt: skip

    def _start(
        self, program: str, *arguments: str, env: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{program}", *arguments],
                stdout=log, stderr=log, env={**os.environ, **(env or {})}, cwd=self.folder,
                start_new_session=True,
            )  # fmt: skip
        self._all.append(process)
        return process

    def log(self) -> str:
        """What all of them wrote."""
        return (self.folder / "log").read_text()

    def end(self) -> None:
        """End all of them at once, workers first."""
        for process in reversed(self._all):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a nanny with its worker
            process.wait()


@contextmanager
def dask_cluster(folder: Path, workers: int, *, nanny: bool = False) -> Iterator[DaskCluster]:
    """Scheduler with so many workers, which come while the test goes on."""
    made = DaskCluster(folder)
    try:
        for _ in range(workers):
            made.worker(nanny=nanny)
        yield made
    finally:
        made.end()

"""A PostgreSQL of our own for a test: made, started and thrown away."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path | None:
    """Folder of initdb and postgres, None where there is none."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


def _as_nobody_special() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


class Server:
    """A cluster in a folder, on a port of its own."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder, self.bin = folder, bin_folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        user = "postgres" if os.geteuid() == 0 else os.environ.get("USER", "postgres")
        self.url = f"postgresql://{user}@127.0.0.1:{self.port}/postgres"

    def run(self, *command: str) -> None:
        subprocess.run(
            [*_as_nobody_special(), *command], check=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=self.folder,
        )  # fmt: skip

    def make(self) -> None:
        self.run(str(self.bin / "initdb"), "-D", str(self.folder / "data"), "--auth=trust",
                 "--no-sync")  # fmt: skip

    def start(self) -> None:
        self.run(
            str(self.bin / "pg_ctl"), "-D", str(self.folder / "data"), "-w", "-t", "60",
            "-l", str(self.folder / "log"), "-o",
            f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1", "start",
        )  # fmt: skip

    def stop(self, how: str = "immediate") -> None:
        self.run(str(self.bin / "pg_ctl"), "-D", str(self.folder / "data"), "-m", how, "stop")


@contextmanager
def server(bin_folder: Path) -> Iterator[Server]:
    """A running server."""
    folder = Path(tempfile.mkdtemp(prefix="tw-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    made = Server(folder, bin_folder)
    try:
        made.make()
        made.start()
        yield made
    finally:
        try:
            made.stop()
        except subprocess.CalledProcessError:
            time.sleep(0.1)  # a test has stopped it already
        shutil.rmtree(folder, ignore_errors=True)

"""The command line as a user meets it: arguments in; exit code, stdout and stderr out."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tradewind.engine.cli.app import main

SCRIPT = Path(sys.executable).with_name("tradewind")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout; anything beside it is an error."""
        return json.loads(self.out)

    def says(self, *texts: str) -> None:
        """Every text stands in the message, and no traceback does."""
        for text in texts:
            assert text in self.err, f"{text!r} not in: {self.err}"
        assert "Traceback" not in self.err


Command = Callable[..., Ended]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def tradewind(project: Path) -> Command:
    """The installed command in a process of its own, run in ``project``."""

    def run(*arguments: str, **env: str) -> Ended:
        done = subprocess.run(
            [str(SCRIPT), *arguments],
            cwd=project,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=300,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def inside(project: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """The same in this process, where starting another would prove nothing more."""

    def run(*arguments: str) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, captured.out, captured.err)

    return run

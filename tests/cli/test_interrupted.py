"""Ctrl-C in the middle of training: what was fitted is kept, the next run goes on from there."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(sys.executable).with_name("tradewind")
# The LSTM as it is, but once two folds are kept, the next fit presses Ctrl-C: a terminal sends
# SIGINT to the group of the command, which workers are not part of.
FORECASTER = """\
import os, signal
from pathlib import Path

from tradewind.forecasters.recurrent import Lstm


class Interrupting(Lstm):
    def fit(self, past):
        pressed = Path(__file__).with_name("pressed")
        kept = list(Path(os.environ["TRADEWIND_CACHE"]).glob("forecasts/*/[!.]*/entry.json"))
        if len(kept) >= 2 and not pressed.exists():
            pressed.touch()
            command = os.getppid() if "TRADEWIND_WORKER" in os.environ else os.getpid()
            os.killpg(os.getpgid(command), signal.SIGINT)
        return super().fit(past)
"""
CONFIG = """\
strategy: {kind: timing}
data: {symbols: [MSFT, KO], start: 2015-01-02, end: 2016-12-30}
forecaster:
  kind: interrupting.py:Interrupting
  window: 5
  hidden: 2
  epochs: 1
  features: [scaled_return_1]
  vol_lookback: 10
  stride: 1
  walk_forward: {train: 250, refit: 65}
"""


def run(project: Path, *words: str, **env: str) -> tuple[int, Any, str, int]:
    """Exit code, JSON, stderr and process group of a command that leads a group of its own."""
    process = subprocess.Popen(
        [str(SCRIPT), *words, "--json"],
        cwd=project,
        env={**os.environ, "TRADEWIND_CACHE": str(project / "cache"), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    out, err = process.communicate(timeout=300)
    return process.returncode, json.loads(out), err, process.pid


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups of this kind")
@pytest.mark.parametrize("workers", ["0", "2"])
def test_ctrl_c_while_training_keeps_the_fits_and_the_next_run_goes_on(
    project: Path, workers: str
) -> None:
    (project / "config.yaml").write_text(CONFIG)
    (project / "interrupting.py").write_text(FORECASTER)
    command = ("backtest", "config.yaml", "--workers", workers)

    code, answer, err, group = run(project, *command)
    assert code == 130, err
    assert err.startswith("interrupted (")
    assert "the same command goes on from there" in err
    assert "Traceback" not in err
    assert answer["error"]["type"] == "Interrupted"
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)  # no worker is left behind
    results = project / "results"
    assert not results.exists() or not [*results.iterdir()], "no half of a run folder"
    # A worker may have been killed while it wrote: a draft begins with a dot and is not used.
    kept = len([*(project / "cache").glob("forecasts/*/[!.]*/entry.json")])
    assert kept >= 2
    if workers == "0":
        assert kept == 2, "the folds before the one that was interrupted"

    code, answer, err, _ = run(project, *command)
    assert code == 0, err
    note = f"forecasts of {kept} of 4 folds came from the cache, by content"
    assert note in answer["notes"]
    resumed = answer["metrics"]

    if workers == "0":
        code, answer, err, _ = run(project, *command, TRADEWIND_CACHE=str(project / "another"))
        assert code == 0, err
        assert answer["metrics"] == resumed, "as if nobody had pressed anything"

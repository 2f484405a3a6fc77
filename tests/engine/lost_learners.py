"""Learners that take the process they run in, or the Dask worker above it, down with them."""

import os
import signal
import time
from pathlib import Path
from typing import Any, Self

from learners import Slope

from tradewind.engine.records import Panel


class Told(Slope):
    """Says where its code lies."""

    def fit(self, past: Panel) -> Self:
        self.notes = [
            f"code in {Path(__file__).parent}",
            f"bars from {past.close.base is not None}",
        ]
        return super().fit(past)


class Lethal(Slope):
    """Kills ``whom`` the first ``times`` times that it is fitted on ``at`` bars."""

    def __init__(
        self, *, whom: str, at: int, marker: str, times: int = 1, horizon: int = 3,
        window: int = 4, seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(horizon=horizon, window=window, seed=seed)
        self.whom, self.at, self.marker, self.times = whom, at, Path(marker), times

    def fit(self, past: Panel) -> Self:
        if past.n_bars == self.at:
            with self.marker.open("a") as file:
                file.write("x")
            if self.marker.stat().st_size <= self.times:
                victims = {"process": os.getpid(), "worker": os.getppid()}
                os.kill(victims[self.whom], signal.SIGKILL)
                time.sleep(600)
        return super().fit(past)


class Endless(Slope):
    """Leaves the id of its process behind and never comes back from the fold of ``at`` bars."""

    def __init__(self, *, at: int, folder: str, horizon: int = 3, window: int = 4) -> None:
        super().__init__(horizon=horizon, window=window)
        self.at, self.folder = at, Path(folder)

    def fit(self, past: Panel) -> Self:
        if past.n_bars == self.at:
            (self.folder / f"{os.getpid()}.pid").touch()
            time.sleep(600)
        return super().fit(past)


class Foreign(Slope):
    """Fails with an error of nobody's."""

    def fit(self, past: Panel) -> Any:
        raise KeyError("volume")

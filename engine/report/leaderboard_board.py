"""One finished leaderboard, as its folder, its page and its table read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine.records import Floats


@dataclass(frozen=True, slots=True)
class Board:
    """A comparison of forecasters or selectors.

    Attributes
    ----------
    name : str
        Folder name below the results folder.
    values : mapping
        Resolved config as plain values: every default written out.
    table : mapping
        What ``engine/leaderboard`` found, with strategy, times, sentences and
        those that failed; plain JSON values.
    dates : ndarray of datetime64, shape (n_bars,)
        Bars compared on.
    equity : mapping of str to ndarray of float64, shape (n_bars,)
        Account value after costs, of each that was traded.
    notes : tuple of str
    manifest : mapping
        Versions, seed, data hash, code, timings.
    log : tuple of mapping
        Events in order.
    """

    name: str
    values: Mapping[str, Any]
    table: Mapping[str, Any]
    dates: npt.NDArray[np.datetime64]
    equity: Mapping[str, Floats] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)
    log: tuple[Mapping[str, Any], ...] = ()

    @property
    def title(self) -> str:
        """Name in the config."""
        return str(self.values["name"])

    @property
    def one(self) -> str:
        """What is compared: forecaster or selector."""
        return "selector" if self.ranks else "forecaster"

    @property
    def ranks(self) -> bool:
        """Whether rankings are compared, and no forecasts."""
        return self.table.get("of") == "selectors"

"""What a comparison of forecasters and one of selectors each bring of their own."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tradewind.engine.config.bench import BenchConfig
from tradewind.engine.config.run import RunConfig
from tradewind.engine.leaderboard.entrants import Entrant
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Bools, Panel


class Judge(Protocol):
    """How entrants are judged; a module is one."""

    def check(self, bench: BenchConfig) -> None:
        """Refuse what a config names and cannot be used, before any fit; raises DataError."""
        ...

    def common(self, said: Any, first_bar: int) -> tuple[Bools, dict[str, str]]:
        """Pairs of bar and symbol that everybody spoke about, and who is left out and why.

        ``said`` maps names to forecasts or scores; the pairs have shape (n_bars, n_symbols).
        """
        ...

    def compare(
        self,
        entrants: Sequence[Entrant],
        panel: Panel,
        given: Bools,
        first_bar: int,
        config: RunConfig,
        bench: BenchConfig,
    ) -> dict[str, Any]:
        """Board with a row each, best first, as plain JSON values."""
        ...

    def signals(self, one: Entrant, given: Bools) -> Signals:
        """What one of them said about the common pairs, to be traded."""
        ...

    def n_said(self, one: Entrant, first_bar: int) -> int:
        """How many pairs it spoke about out of sample."""
        ...

    def told(self, board: Mapping[str, Any], entrants: Sequence[Entrant]) -> tuple[str, list[str]]:
        """(verdict, further sentences) on a board."""
        ...

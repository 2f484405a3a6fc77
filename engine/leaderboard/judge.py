"""What a comparison of forecasters and one of selectors each bring of their own."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from tradewind.engine.config.bench import BenchConfig
from tradewind.engine.config.run import RunConfig
from tradewind.engine.leaderboard.entrants import Entrant
from tradewind.engine.pipeline import Parts
from tradewind.engine.protocols import Signals
from tradewind.engine.records import Bools, Panel


class Terms(NamedTuple):
    """What all entrants share.

    Attributes
    ----------
    config : RunConfig
        Of any of them, but for its own block.
    bench : BenchConfig
    traders : mapping of str to Parts
        Further strategies by their names.
    """

    config: RunConfig
    bench: BenchConfig
    traders: Mapping[str, Parts]


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
        terms: Terms,
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


def resolved_values(entrants: Sequence[Entrant], terms: Terms) -> dict[str, Any]:
    """Config with every default written out, as plain values that make the same comparison."""
    contest = entrants[0].contest
    values = terms.config.model_dump(exclude={"forecaster", "selector"}) | terms.bench.own()
    if terms.traders:
        values["strategies"] = {
            name: parts.config.strategy.model_dump() for name, parts in terms.traders.items()
        }
    blocks: dict[str, Any] = {}
    for one in entrants:
        block = None if one.parts is None else getattr(one.parts.config, contest.one)
        if block is None:
            blocks[one.name] = dict(one.given)
            continue
        found = block.model_dump()
        values["walk_forward"] = found.pop("walk_forward")
        blocks[one.name] = found
    return {**values, contest.several: blocks}

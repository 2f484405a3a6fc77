"""A compiled strategy as one that only decides, so that its decision runs as plain Python."""

from collections.abc import Sequence
from typing import Any

from tradewind.engine.protocols import Inputs, Signals, Strategy, View
from tradewind.engine.records import Panel
from tradewind.engine.types import Intent

HIDDEN = ("rule", "params")


class Interpreted:
    """A strategy without its rule: the simulator asks ``decide``, and numba is not asked at all."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy

    @property
    def warmup(self) -> int:
        """Closed bars needed before the first decision."""
        return self._strategy.warmup

    def prepare(self, panel: Panel, signals: Signals) -> Inputs:
        """Causal arrays, as the strategy makes them."""
        return self._strategy.prepare(panel, signals)

    def decide(self, view: View) -> Sequence[Intent]:
        """Wishes at the close of ``view.bar``."""
        return self._strategy.decide(view)

    def __getattr__(self, name: str) -> Any:
        """Whatever else the strategy says about itself, except what would have it compiled."""
        if name in HIDDEN or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._strategy, name)


def interpreted(strategy: Strategy) -> Strategy:
    """Return the strategy with its rule out of sight, under its own name."""
    kind = type(type(strategy).__name__, (Interpreted,), {})
    return kind(strategy)  # type: ignore[no-any-return]

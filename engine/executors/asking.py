"""Ask a strategy for its wishes, and say what it gave where that is none."""

from collections.abc import Sequence
from typing import Any

from tradewind.engine.errors import StrategyError
from tradewind.engine.protocols import Strategy, View
from tradewind.engine.types import Intent


def wishes_of(strategy: Strategy, view: View) -> list[Intent]:
    """Wishes at the close of ``view.bar``.

    Raises
    ------
    StrategyError
        If ``decide`` gives anything but a sequence of intents.
    """
    wishes = strategy.decide(view)
    if not isinstance(wishes, Sequence) or not all(isinstance(wish, Intent) for wish in wishes):
        raise no_wishes(type(strategy).__name__, view.bar, wishes)
    return list(wishes)


def no_wishes(name: str, bar: int, found: Any) -> StrategyError:
    """Error for a ``decide`` that gave something else than wishes."""
    text = repr(found)
    shown = text if len(text) <= 100 else f"{text[:97]}..."
    return StrategyError(
        f"{name}: at bar {bar} 'decide' gave {shown}; wanted a list of Intent, empty where nothing "
        "is wished for"
    )

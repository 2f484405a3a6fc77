"""An event loop whose clock skips every wait: hours of reconnecting pass in a moment."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Skipping(selectors.DefaultSelector):
    """Adds a wait to the clock in place of waiting."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """What is ready now."""
        if timeout:
            self.skipped += timeout
        return super().select(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """Time passes only where something waits for it; nothing may wait for a socket."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Seconds that were waited for so far."""
        return self._skipping.skipped


def skipping(scene: Coroutine[Any, Any, None]) -> None:
    """Run a scene in a loop whose clock skips."""
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(scene)

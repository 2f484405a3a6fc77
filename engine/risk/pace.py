"""What was sent lately: how many orders a minute, and which are alike."""

from collections.abc import Mapping
from typing import Any

from tradewind.engine.risk.facts import Asked
from tradewind.engine.types import OrderType

MINUTE_NS = 60_000_000_000
SECOND_NS = 1_000_000_000
Likeness = tuple[int, OrderType, float, float | None, float | None]
FIRST_TRACE = 64  # likenesses kept before the old ones are looked for


class Pace:
    """Orders of the last minute and of the last seconds, by a clock that never goes back.

    A clock that is put back opens no window: the time that counts stands still until it has caught
    up. A person's :meth:`pardon` is what shortens that wait.

    Parameters
    ----------
    most : int or None
        Orders a minute.
    alike_s : float or None
        Seconds within which two orders may not be alike.

    Attributes
    ----------
    latest : int
        UTC nanoseconds.
    highest : int
        Number of an order: it and those below it have been asked for before.
    sent : int
        Orders of the last minute.
    """

    def __init__(self, most: int | None, alike_s: float | None) -> None:
        self.most = most
        self._alike = None if alike_s is None else int(alike_s * SECOND_NS)
        self.latest = 0
        self.highest = -1
        self.sent = 0
        self._sent: list[list[int]] = []  # [UTC ns, how many]
        self._seen: dict[Likeness, int] = {}

    def tick(self, now: int) -> None:
        """Take note of the time, and forget what it has left behind."""
        self.latest = latest = max(self.latest, now)
        self._sent = [
            [min(at, latest), n] for at, n in self._sent if latest - min(at, latest) < MINUTE_NS
        ]
        self.sent = sum(n for _, n in self._sent)
        if self._alike is not None and len(self._seen) > FIRST_TRACE:
            self._seen = {
                key: at for key, at in self._seen.items() if latest - at <= self._alike
            }  # fmt: skip

    def pardon(self) -> None:
        """Count time from the next moment on, whatever a clock said before."""
        self.latest, self._seen = 0, {}

    def sent_at(self, now: int) -> int:
        """Orders of the minute that ends now."""
        latest = max(self.latest, now)
        return sum(n for at, n in self._sent if latest - at < MINUTE_NS)

    @property
    def full(self) -> bool:
        """Whether no further order may be sent now."""
        return self.most is not None and self.sent >= self.most

    def count(self, order: Asked) -> None:
        """Count an order that was let through; what protects comes with the order it protects."""
        if self.most is not None and order.parent < 0:
            self.sent += 1
            if self._sent and self._sent[-1][0] == self.latest:
                self._sent[-1][1] += 1
            else:
                self._sent.append([self.latest, 1])
        if self._alike is not None:
            self._seen[likeness(order)] = self.latest

    def alike(self, order: Asked) -> float | None:
        """Seconds since an order like this one was sent, where that is too recent."""
        if self._alike is None:
            return None
        at = self._seen.get(likeness(order))
        if at is None or self.latest - at > self._alike:
            return None
        return (self.latest - at) / SECOND_NS

    def state(self) -> dict[str, Any]:
        """Everything remembered, in plain values."""
        return {
            "sent": [list(one) for one in self._sent], "latest": self.latest,
            "seen": [[*key, at] for key, at in self._seen.items()], "highest": self.highest,
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what another remembered."""
        self._sent = [[int(at), int(n)] for at, n in state["sent"]]
        self.sent = sum(n for _, n in self._sent)
        self.latest, self.highest = int(state["latest"]), int(state["highest"])
        self._seen = {
            (k, OrderType(kind), qty, limit, stop): int(at)
            for k, kind, qty, limit, stop, at in state["seen"]
        }


def likeness(order: Asked) -> Likeness:
    """What two orders share where symbol, side, units, type and prices are the same."""
    limit, stop = order.limit, order.stop
    return (
        order.symbol, order.order_type, order.qty,
        limit if limit == limit else None, stop if stop == stop else None,
    )  # fmt: skip

"""How long the turns of bars take, counted as Prometheus has it."""

from bisect import bisect_left
from itertools import accumulate
from typing import Any

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)


class StepTimes:
    """Histogram of seconds."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Count one turn."""
        self._counts[bisect_left(BOUNDS_S, seconds)] += 1
        self._sum_s += seconds

    def view(self) -> dict[str, Any]:
        """Turns that took at most so many seconds, for each bound, and the sum of all."""
        bounds = [*map(str, BOUNDS_S), "+Inf"]
        return {
            "buckets": [list(one) for one in zip(bounds, accumulate(self._counts), strict=True)],
            "sum_s": self._sum_s,
        }

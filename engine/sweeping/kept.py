"""Returns of every bar of some trials: a sample of all of them that is not biased, and the best."""

from typing import Any

import numpy as np

from tradewind.engine.records import Floats


class KeptReturns:
    """Room for the returns of ``most`` trials.

    While there is room every trial is kept; afterwards each new one takes the place of a random one
    with the chance that keeps the sample even (Vitter 1985, algorithm R).

    Parameters
    ----------
    most : int
    n_returns : int
    dtype : str
        ``float32`` (7 digits, half the room) or ``float64``.
    seed : int
    """

    def __init__(self, most: int, n_returns: int, dtype: str, seed: int) -> None:
        self._rows = np.empty((0, n_returns), dtype)
        self._numbers: list[int] = []
        self._most, self._seen = most, 0
        self._rng = np.random.default_rng(seed)

    @property
    def rows(self) -> Any:
        """Returns, shape (n_kept, n_returns)."""
        return self._rows[: len(self._numbers)]

    @property
    def numbers(self) -> list[int]:
        """Trial of each row."""
        return list(self._numbers)

    @property
    def seen(self) -> int:
        """Trials that could have been kept."""
        return self._seen

    def add(self, number: int, returns: Floats) -> None:
        """Keep a trial's returns, or not."""
        self._seen += 1
        n = len(self._numbers)
        if n < self._most:
            if n == len(self._rows):
                grown = np.empty(
                    (min(self._most, max(64, 2 * n)), self._rows.shape[1]), self._rows.dtype
                )
                grown[:n] = self._rows
                self._rows = grown
            self._rows[n] = returns
            self._numbers.append(number)
            return
        at = int(self._rng.integers(self._seen))
        if at < self._most:
            self._rows[at] = returns
            self._numbers[at] = number

    def restore(self, rows: Any, numbers: list[int], seen: int) -> None:
        """Go on from an earlier session's."""
        for number, row in zip(numbers, rows, strict=True):
            self.add(number, row)
        self._seen = max(seen, self._seen)

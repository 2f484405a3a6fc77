"""How a search went, without keeping every generation of it."""

from dataclasses import dataclass, field

import numpy as np

from tradewind.engine.evolving.search import Generation, hypervolume
from tradewind.engine.records import Floats

MOST = 400  # generations remembered; when there are more, every second is let go
ROOM = 0.1  # by which the point of reference lies beyond the front's worst, of its width


@dataclass(slots=True)
class Course:
    """Losses of evenly spread generations, and all of the last one."""

    last: Generation | None = None
    losses: dict[int, Floats] = field(default_factory=dict)
    step: int = 1

    def add(self, generation: Generation) -> None:
        """Remember a generation."""
        self.last = generation
        if generation.feasible and (generation.number - 1) % self.step == 0:
            self.losses[generation.number] = generation.losses
        if len(self.losses) > MOST:
            self.step *= 2
            kept = {n: one for n, one in self.losses.items() if (n - 1) % self.step == 0}
            self.losses = kept

    @property
    def feasible(self) -> bool:
        """Whether there is a front that keeps to the limits."""
        return self.last is not None and self.last.feasible

    def grown(self) -> list[dict[str, float]]:
        """Hypervolume by generation, as a share of the last one's.

        Against a point a tenth of the last front's width beyond its worst in each objective.
        """
        assert self.last is not None
        end = self.last.losses
        width = np.maximum(np.ptp(end, axis=0), 1e-9)
        reference = end.max(axis=0) / width + ROOM
        whole = hypervolume(end / width, reference)
        every = {**self.losses, self.last.number: end}
        return [
            {"generation": n, "share": hypervolume(one / width, reference) / whole}
            for n, one in every.items()
        ]

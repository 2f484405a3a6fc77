"""What a sweep has found so far."""

from dataclasses import dataclass, field
from typing import Any

from tradewind.engine.sweeping.evaluating import Outcome
from tradewind.engine.sweeping.kept import KeptReturns
from tradewind.engine.sweeping.preparing import Plan


@dataclass(slots=True)
class Found:
    """What a sweep has found so far.

    Attributes
    ----------
    outcomes : list of Outcome
        In the order they were asked for; their returns are taken out and kept beside.
    kept : KeptReturns
    best_returns : ndarray or None
        Of the best so far.
    earlier : int
        Trials of earlier sessions among them.
    blocks : list
        Of a nested walk-forward optimisation, else empty.
    """

    kept: KeptReturns
    outcomes: Any = field(default_factory=list)
    best: int | None = None
    best_returns: Any = None
    earlier: int = 0
    interrupted: bool = False
    blocks: list[Any] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: {"ask": 0.0, "run": 0.0, "tell": 0.0})

    def add(self, outcome: Outcome, sign: float) -> None:
        """Write down a trial, and whether it is the best in the first objective."""
        outcome.number = len(self.outcomes)
        self.outcomes.append(outcome)
        returns, outcome.returns = outcome.returns, None
        if returns is not None and outcome.state in ("complete", "pruned"):
            self.kept.add(outcome.number, returns)
        if not outcome.feasible:
            return
        ahead = None if self.best is None else self.outcomes[self.best].scores[0]
        if ahead is None or sign * outcome.scores[0] > sign * ahead:
            self.best = outcome.number
            self.best_returns = returns


def new_found(plan: Plan) -> Found:
    """Nothing found yet."""
    n_returns = plan.bars.history.panel.n_bars - 1
    return Found(
        KeptReturns(plan.config.keep_returns, n_returns, plan.config.returns, plan.base.seed)
    )

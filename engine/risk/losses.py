"""Stops on the account's own losses: of a session's day, and from its highest value."""

from collections.abc import Mapping
from math import inf, isfinite
from typing import Any

from tradewind.engine.config.paper import RiskConfig
from tradewind.engine.risk.facts import Breach, Situation

EPS = 1e-9  # relative: 20 % of 1,500 is lost at 1,200, whatever the last bit says
DAILY, DRAWDOWN = "max_daily_loss", "max_drawdown"


class Losses:
    """Equity that losses are measured from, and the stops that have tripped.

    Parameters
    ----------
    config : RiskConfig

    Attributes
    ----------
    tripped : dict of str to str
        Rule -> reason. A new day takes ``max_daily_loss`` out, a person everything.
    day_start, peak : float
        Equity at the last close of the day before, and the highest; 0 before there is any.
    """

    def __init__(self, config: RiskConfig) -> None:
        self.config = config
        self.tripped: dict[str, str] = {}
        self.day, self.last = -1, 0.0
        self.day_start = self.peak = 0.0

    def mark(self, seen: Situation) -> Breach | None:
        """Look at the account at a close; the stop that trips there, if one does."""
        if not isfinite(seen.equity):
            return None  # nobody knows; what adds is refused for it
        if seen.day > self.day:
            self.day = seen.day
            self.day_start = self.last or seen.equity
            self.tripped.pop(DAILY, None)
        self.peak = max(self.peak or seen.equity, seen.equity)
        self.last = seen.equity
        new = {}
        for rule, (lost, most) in self.lost(seen.equity).items():
            if lost >= most * (1.0 - EPS) and rule not in self.tripped:
                base = self.day_start if rule == DAILY else self.peak
                new[rule] = (
                    f"{rule}: equity {seen.equity:,.2f} is {lost:.2%} below {base:,.2f}, and "
                    f"less than {most:.2%} is allowed"
                )
        self.tripped |= new
        if not new:
            return None
        rule = DRAWDOWN if DRAWDOWN in new else DAILY
        return Breach(rule, "; ".join(new.values()), self.config.on_breach == "flatten")

    def lost(self, equity: float) -> dict[str, tuple[float, float]]:
        """Rule -> (fraction lost, fraction at which it trips), of the stops that are set."""
        stops = (
            (DRAWDOWN, self.config.max_drawdown, self.peak),
            (DAILY, self.config.max_daily_loss, self.day_start),
        )
        return {
            rule: (1.0 - equity / base if base > 0.0 else (inf if equity <= 0.0 else 0.0), most)
            for rule, most, base in stops
            if most is not None
        }

    def pardon(self) -> None:
        """Lift every stop; losses count from the next close."""
        self.tripped = {}
        self.day, self.last = -1, 0.0
        self.day_start = self.peak = 0.0

    def state(self) -> dict[str, Any]:
        """Everything remembered, in plain values."""
        return {
            "tripped": dict(self.tripped), "day": self.day, "last": self.last,
            "day_start": self.day_start, "peak": self.peak,
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what another remembered."""
        self.tripped = {str(rule): str(reason) for rule, reason in state["tripped"].items()}
        self.day, self.last = int(state["day"]), float(state["last"])
        self.day_start, self.peak = float(state["day_start"]), float(state["peak"])

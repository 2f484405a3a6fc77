"""What decides which pairs are formed, how they are hedged and what their spreads say."""

from typing import Literal, NamedTuple

from tradewind.engine.bars.formation import Every
from tradewind.engine.errors import StrategyError

Find = Literal["distance", "correlation", "cointegration", "johansen"]
Hedge = Literal["one", "ols", "tls", "kalman", "johansen"]
Kind = Literal["zscore", "ou", "copula"]
Neutral = Literal["hedge", "dollar", "beta"]

# Entry and exit where a config leaves them out: in standard deviations; in optimal thresholds,
# where a trade ends as far on the other side; in cumulated probability (Xie et al. 2016).
LEVELS: dict[Kind, tuple[float, float]] = {
    "zscore": (2.0, 0.0),
    "ou": (1.0, -1.0),
    "copula": (0.6, 0.0),
}


class Search(NamedTuple):
    """Which pairs a formation considers, and which of them it keeps."""

    given: tuple[tuple[str, ...], ...]  # empty: they are looked for
    find: Find
    within_groups: bool
    most: int
    per_name: int  # 0 = any number
    most_gaps: float  # share of a formation's bars that a symbol may lack
    p_value: float  # 1 = any
    false_discoveries: float  # 1 = any
    half_life: tuple[float, float]  # bars
    hurst: float  # 1 = any
    correlation: float  # -1 = any


class Calendar(NamedTuple):
    """When pairs are formed and how long they may trade."""

    formation: int  # bars
    every: Every | None  # None: once, at the first bar that has a formation behind it
    periods: int  # formations that a pair trades for


class Spread(NamedTuple):
    """From the prices of a pair's legs to one series, and what is made of it."""

    log: bool
    hedge: Hedge
    hedge_window: int  # 0: the formation
    delta: float
    noise: float
    rebase: bool
    kind: Kind
    window: int  # bars of mean and deviation; 0: the formation
    round_trip: float  # cost, log price
    neutral: Neutral


class Watch(NamedTuple):
    """What counts as a pair that came apart."""

    level: float  # of the monitoring of its mean; 0 = not watched
    beyond: float  # deviations
    bars: int  # 0 = not watched


class Plan(NamedTuple):
    """Everything that ``prepare`` needs."""

    search: Search
    calendar: Calendar
    spread: Spread
    watch: Watch
    by_forecast: bool  # whether a forecast of the spread decides, too

    @property
    def per_formation(self) -> int:
        """Pairs of one formation."""
        return len(self.search.given) or self.search.most

    @property
    def n_slots(self) -> int:
        """Pairs that may be in their trading period at once."""
        return self.per_formation * self.calendar.periods

    @property
    def n_legs(self) -> int:
        """Legs of the largest basket."""
        return max((len(one) for one in self.search.given), default=2)


def refuse_contradictions(plan: Plan) -> None:
    """Raise StrategyError for settings that exclude each other."""
    search, spread, calendar = plan.search, plan.spread, plan.calendar
    for one in search.given:
        if len(one) < 2 or len(set(one)) < len(one):
            raise StrategyError(
                f"pairs: {list(one)} names {'one symbol' if len(one) < 2 else 'a symbol twice'}; "
                "wanted two or more different ones"
            )
    if len(set(search.given)) < len(search.given):
        raise StrategyError("pairs: the same pair is listed twice; once is enough")
    if plan.n_legs > 2 and spread.hedge not in ("ols", "johansen"):
        raise StrategyError(
            f"pairs: a basket of {plan.n_legs} needs hedge: johansen or ols, found {spread.hedge}"
        )
    if plan.n_legs > 2 and spread.kind == "copula":
        raise StrategyError("pairs: signal copula is for two legs; use zscore or ou for a basket")
    if spread.hedge_window and spread.hedge not in ("ols", "tls"):
        raise StrategyError(
            f"pairs: hedge_window rolls least squares; it means nothing for hedge: {spread.hedge}"
        )
    if spread.hedge_window and plan.n_legs > 2:
        raise StrategyError("pairs: hedge_window is for two legs; leave it out for a basket")
    if calendar.every is None and search.given and calendar.periods > 1:
        raise StrategyError("pairs: periods counts formations, and there is one; set every, too")
    if search.half_life[0] > search.half_life[1]:
        raise StrategyError("pairs: half_life is [least, most] in bars, found the larger one first")

"""Hold a portfolio: choose names, weigh them by a method within limits, trade towards it."""

from collections.abc import Sequence
from difflib import get_close_matches
from inspect import signature
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from tradewind.engine.bars.formation import Every
from tradewind.engine.errors import StrategyError
from tradewind.engine.protocols import Rule, Signals, View
from tradewind.engine.records import Floats, Panel
from tradewind.engine.types import Intent
from tradewind.strategies.allocating import fallback
from tradewind.strategies.allocating.fallback import Outcome
from tradewind.strategies.allocating.forming import Plan, form_all
from tradewind.strategies.allocating.rebalancing import AllocationInputs, AllocationParams, rule
from tradewind.strategies.allocating.settings import (
    Bounds,
    Choice,
    Covariance,
    Ends,
    Estimation,
    Mean,
    RankBy,
    Side,
    bounds_of,
    refuse_around_fixed,
    refuse_contradictions,
)
from tradewind.strategies.allocating.weighing import Weighing
from tradewind.strategies.deciding import decide_by
from tradewind.strategies.weighting.limits import Estimates, Limits
from tradewind.strategies.weighting.methods import METHODS

WITHOUT_RETURNS = frozenset({"equal"})
WITH_MEAN = frozenset({"mean_variance", "kelly", "black_litterman"})
JOINT = frozenset({"mean_variance", "kelly", "black_litterman"})

# Two names that any method can weigh, to try its options on.
PROBE = Estimates(
    np.array([[0.01, -0.01], [-0.01, 0.02], [0.0, 0.01]]), np.diag([1e-4, 2e-4]),
    np.array([1e-4, 2e-4]), np.array([0.0, 1.0]),
)  # fmt: skip
PROBED = Limits(np.zeros(2), np.ones(2), np.full(2, -1), float("inf"), 1.0, 1.0)


class Allocation:
    """A portfolio of chosen names, weighed anew at each formation.

    Parameters
    ----------
    method : str
        How the names are weighed: a key of ``strategies.weighting.methods.METHODS``.
    options : mapping of str to float, optional
        Of the method.
    names : list of str, optional
        The only symbols held; None: every symbol that the universe has at the time.
    weights : mapping of str to float, optional
        Fixed weights, fractions of equity, instead of a method.
    take : mapping of {"top", "bottom"} to int or float, optional
        Ends of the ranking that are held: a whole number of names, or a share of those ranked.
    rank_by : {"scores", "forecasts"}, optional
        The selector's scores or the forecaster's means; None: whichever there is, scores first.
    side : {"long", "long_short", "neutral"}
    count : int, optional
        Most names held.
    cap : float, optional
        Largest weight of a name, fraction of equity.
    sector_cap : float, optional
        Largest share of the gross weight in one group of ``data.groups``.
    gross : float
        Sum of absolute weights.
    net : float, optional
        Sum of the weights under ``long_short``; otherwise the side says it.
    rebalance : str
        When portfolios are formed: a period (:func:`tradewind.engine.bars.formation.formations`)
        or ``signals``, whenever something is ranked.
    lookback : int
        Returns that risks are estimated from.
    max_gaps : float
        Share of the lookback's bars that a name may lack.
    covariance : {"sample", "ewma", "ledoit_wolf", "factor"}
    halflife : float
        Of ``ewma``, bars.
    n_factors : int
        Of ``factor``.
    mean : {"forecasts", "scores", "history"}, optional
        Where expected returns come from; None: forecasts, else scores, else history.
    ic : float
        Information coefficient of one bar, for ``mean: scores``.
    band : float
        Distance from its target within which a weight is left alone.
    band_of : {"equity", "target"}
        What the band is a fraction of.
    trade_to : {"target", "edge"}
        How far a weight outside its band is traded.
    cost_bps : float
        What one side of a trade costs, basis points; > 0 makes a band of its own.
    risk_aversion : float
        Of that band.
    speed : float
        Fraction of the way made at a formation.
    turnover : float, optional
        Most that is bought and sold at a formation, fraction of equity.

    Notes
    -----
    What each key does, the fallbacks and their sources are told in ``docs/allocation.md``. The
    strengths are the weights, so the sizing's full position is the whole account:
    ``target_weight`` with ``weight: 1``.
    """

    def __init__(
        self,
        *,
        method: str = "equal",
        options: dict[str, float] | None = None,
        names: list[str] | None = None,
        weights: dict[str, float] | None = None,
        take: Ends | None = None,
        rank_by: RankBy | None = None,
        side: Side = "long",
        count: Annotated[int, Ge(1)] | None = None,
        cap: Annotated[float, Gt(0)] | None = None,
        sector_cap: Annotated[float, Gt(0), Le(1)] | None = None,
        gross: Annotated[float, Gt(0)] = 1.0,
        net: float | None = None,
        rebalance: Every | Literal["signals"] = "month",
        lookback: Annotated[int, Ge(3)] = 252,
        max_gaps: Annotated[float, Ge(0), Lt(1)] = 0.1,
        covariance: Covariance = "ledoit_wolf",
        halflife: Annotated[float, Gt(0)] = 63.0,
        n_factors: Annotated[int, Ge(1)] = 3,
        mean: Mean | None = None,
        ic: Annotated[float, Gt(0), Le(1)] = 0.02,
        band: Annotated[float, Ge(0)] = 0.0,
        band_of: Literal["equity", "target"] = "equity",
        trade_to: Literal["target", "edge"] = "target",
        cost_bps: Annotated[float, Ge(0)] = 0.0,
        risk_aversion: Annotated[float, Gt(0)] = 5.0,
        speed: Annotated[float, Gt(0), Le(1)] = 1.0,
        turnover: Annotated[float, Gt(0)] | None = None,
    ) -> None:
        choice = Choice(
            side,
            {str(end): n for end, n in (take or {}).items()},
            rank_by,
            tuple(names or ()),
            count or 0,
            rebalance,
        )
        estimation = Estimation(lookback, max_gaps, covariance, halflife, n_factors, mean, ic)
        _refuse_empty(names, weights, take)
        if weights is None:
            limits = bounds_of(side, gross, net, gross if cap is None else cap, sector_cap)
            refuse_contradictions(choice, limits)
        else:
            given = {"method": method != "equal", "names": names, "take": take, "count": count,
                     "rank_by": rank_by, "sector_cap": sector_cap, "net": net is not None,
                     "gross": gross != 1.0}  # fmt: skip
            _refuse_beside_fixed([key for key, value in given.items() if value])
            refuse_around_fixed(weights, side, cap)
            limits = Bounds(gross, gross, gross, float("inf"))  # which the weights are beyond
        self.plan = Plan(
            choice, estimation, limits, _ways(method, options or {}), weights or {},
            needs_returns=weights is None and method not in WITHOUT_RETURNS,
            needs_mean=weights is None and method in WITH_MEAN,
        )  # fmt: skip
        self.params = AllocationParams(
            float(band), band_of == "target", trade_to == "edge", cost_bps * 1e-4,
            float(risk_aversion), float(speed), float("inf") if turnover is None else turnover,
        )  # fmt: skip

    @property
    def warmup(self) -> int:
        """Closed bars needed: those of the lookback, where something is estimated."""
        return self.plan.estimation.lookback + 1 if self.plan.needs_returns else 1

    @property
    def rule(self) -> Rule:
        """The compiled decision."""
        return rule

    def prepare(self, panel: Panel, signals: Signals) -> AllocationInputs:
        """Target weights of every formation."""
        return form_all(self.plan, panel, signals)

    def remarks(self, inputs: AllocationInputs, panel: Panel) -> Sequence[str]:
        """How often weights fell back on what, when first, and why."""
        return fallback.remarks(inputs, panel)

    def beyond_reach(
        self, inputs: AllocationInputs, panel: Panel, equity: Floats, start: int
    ) -> Sequence[str]:
        """Which weights whole units could not meet."""
        return fallback.beyond_reach(inputs, panel, equity, start)

    def decide(self, view: View) -> Sequence[Intent]:
        """Wishes at the close of ``view.bar``."""
        return decide_by(self.rule, self.params, view)


def _refuse_empty(names: Any, weights: Any, take: Any) -> None:
    """Raise StrategyError for a list that is there and names nothing, or something twice."""
    for key, given in (("names", names), ("weights", weights), ("take", take)):
        if given is not None and not given:
            raise StrategyError(f"allocation: {key} is empty; leave it out, or name something")
    twice = sorted({name for name in names or () if names.count(name) > 1})
    if twice:
        raise StrategyError(f"allocation: names lists {', '.join(twice)} twice; once is enough")


def _refuse_beside_fixed(keys: Sequence[str]) -> None:
    if keys:
        raise StrategyError(
            f"allocation: weights say what is held, so {keys[0]} has nothing to say; leave one of "
            "the two out"
        )


def _ways(method: str, options: dict[str, float]) -> list[tuple[Outcome, Weighing]]:
    """Return the method and what replaces it, in order; StrategyError for an unknown one."""
    if method not in METHODS:
        near = get_close_matches(method, METHODS, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise StrategyError(
            f"allocation: unknown method {method!r}{hint}; known: {', '.join(sorted(METHODS))}"
        )
    known = list(signature(METHODS[method]).parameters)[2:]
    for key in options:
        if key not in known:
            said = f"it has {', '.join(known)}" if known else "it has none"
            raise StrategyError(f"allocation: method {method} has no option {key!r}; {said}")
    if options:  # one that is out of range would fall back at every formation
        METHODS[method](PROBE, PROBED, **options)
    ways = [(Outcome.MEANT, Weighing(METHODS[method], options, method in JOINT))]
    for outcome, name in (
        (Outcome.INVERSE_VOLATILITY, "inverse_volatility"), (Outcome.EQUAL, "equal"),
    ):  # fmt: skip
        if method not in (name, "equal"):
            ways.append((outcome, Weighing(METHODS[name], {}, joint=False)))
    return ways

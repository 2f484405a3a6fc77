"""Target weights of every formation, each from bars up to its own."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np

from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.errors import StrategyError
from tradewind.engine.protocols import Signals
from tradewind.engine.records import GROUP, Bools, Floats, Ints, Panel
from tradewind.strategies.allocating import choice as choosing
from tradewind.strategies.allocating.choice import Chosen, Ranking
from tradewind.strategies.allocating.estimating import (
    History,
    Outlooks,
    covariance_at,
    history_of,
    known_enough,
    mean_at,
    outlooks_of,
    returns_at,
)
from tradewind.strategies.allocating.fallback import Formed, Outcome, with_fallbacks, written
from tradewind.strategies.allocating.rebalancing import AllocationInputs
from tradewind.strategies.allocating.settings import Bounds, Choice, Estimation
from tradewind.strategies.allocating.weighing import Weighing, heaviest
from tradewind.strategies.weighting.limits import Estimates

FX = "fx.close"  # column of a panel: account currency per unit of the symbol's


class Plan(NamedTuple):
    """Everything that decides target weights."""

    choice: Choice
    estimation: Estimation
    bounds: Bounds
    ways: Sequence[tuple[Outcome, Weighing]]  # the method and what replaces it, in order
    fixed: Mapping[str, float]  # empty: weights are found
    needs_returns: bool
    needs_mean: bool

    @property
    def joint(self) -> bool:
        """Whether the method finds the sides of the names itself."""
        return self.ways[0][1].joint


class Material(NamedTuple):
    """What all formations of a panel are made from."""

    history: History
    may: Bools  # (n_bars, n_symbols)
    ranking: Ranking
    outlooks: Outlooks | None
    group: Floats | None  # (n_bars, n_symbols)


def form_all(plan: Plan, panel: Panel, signals: Signals) -> AllocationInputs:
    """Target weights at each formation of a panel.

    Raises
    ------
    StrategyError
        If a name is not in the panel, or something the plan needs is missing from the config.
    """
    refuse_unknown((*plan.choice.names, *plan.fixed), panel)
    ranking = choosing.ranking_of(plan.choice, signals, panel)
    material = _material(plan, panel, signals, ranking)
    bars, formed = [], []
    before = -1
    for bar in choosing.due_bars(plan.choice, ranking, panel):
        bar = int(bar)
        ready = not plan.needs_returns or bar >= plan.estimation.lookback
        if ready and (plan.fixed or ranking.values is None or ranking.newest[bar] >= 0):
            bars.append(bar)
            formed.append(_formed(plan, material, panel, bar, before))
        before = bar
    return _as_inputs(bars, formed, panel)


def refuse_unknown(names: Sequence[str], panel: Panel) -> None:
    """Raise StrategyError, with the nearest symbol, for a name that the panel does not have."""
    for name in names:
        if name not in panel.symbols:
            near = get_close_matches(name, panel.symbols, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise StrategyError(
                f"allocation: the data has no symbol {name!r}{hint}; remove it from names or "
                "weights, or add it to data.symbols"
            )


def _material(plan: Plan, panel: Panel, signals: Signals, ranking: Ranking) -> Material:
    """Read out of panel and signals what formations need; refuse what is missing."""
    if plan.choice.side != "long" and ranking.values is None and not (plan.joint or plan.fixed):
        raise StrategyError(
            f"allocation: side {plan.choice.side} needs a ranking that says what is held long and "
            "what short; add a 'selector:' or a 'forecaster:' block"
        )
    capped = plan.bounds.sector_cap != float("inf")
    if capped and GROUP not in panel.columns:
        raise StrategyError(
            "allocation: sector_cap needs to know the sectors; add them under data.groups, for "
            "example 'groups: {energy: [CVX, XOM]}'"
        )
    return Material(
        history_of(forward_adjusted(panel)),
        choosing.permitted(plan.choice, panel),
        ranking,
        outlooks_of(plan.estimation, signals) if plan.needs_mean else None,
        panel.columns[GROUP] if capped else None,
    )


def _formed(plan: Plan, material: Material, panel: Panel, bar: int, before: int) -> Formed:
    """Weights of one formation over all symbols."""
    if plan.fixed:
        return _fixed(plan, panel, bar)
    ranking, score = material.ranking, None
    if ranking.values is not None:
        if ranking.newest[bar] <= before:
            return Formed(None, Outcome.KEPT, "nothing was ranked since the formation before")
        score = ranking.values[ranking.newest[bar]]
    may = material.may[bar]
    if plan.needs_returns:
        may = may & known_enough(material.history, bar, plan.estimation)
    if material.outlooks is not None:
        may = may & _spoken_of(material.outlooks, bar, len(may))
    try:
        chosen = choosing.choose(plan.choice, may, score, joint=plan.joint)
    except StrategyError as error:
        return Formed(None, Outcome.KEPT, str(error))
    formed = _weighed(plan, material, bar, chosen)
    count = plan.choice.n_most
    if formed.weights is not None and 0 < count < np.count_nonzero(formed.weights):
        # The names that matter least go, and the others are weighed again without them.
        kept = heaviest(formed.weights, chosen, count, plan.bounds)
        chosen = Chosen(chosen.columns[kept], chosen.side[kept], chosen.score[kept])
        formed = _weighed(plan, material, bar, chosen)
    if formed.weights is None:
        return formed
    whole = np.zeros(panel.n_symbols)
    whole[chosen.columns] = formed.weights
    return formed._replace(weights=whole)


def _spoken_of(outlooks: Outlooks, bar: int, n_symbols: int) -> Bools:
    """Names of which something is expected."""
    said = outlooks.mean if outlooks.mean is not None else outlooks.scores
    if said is None:
        return np.ones(n_symbols, np.bool_)
    row = outlooks.newest[bar]
    return np.isfinite(said[row]) if row >= 0 else np.zeros(n_symbols, np.bool_)


def _weighed(plan: Plan, material: Material, bar: int, chosen: Chosen) -> Formed:
    """Weights of chosen names, by the method or by what replaces it."""
    columns, told = chosen.columns, plan.estimation
    n = len(columns)
    estimates = Estimates(np.empty((0, n)), np.empty((0, 0)), np.zeros(n), chosen.score)
    if plan.needs_returns:
        returns = returns_at(material.history, bar, columns, told)
        estimates = estimates._replace(returns=returns, covariance=covariance_at(returns, told))
        if material.outlooks is not None:
            mean = mean_at(material.outlooks, bar, columns, returns, told)
            estimates = estimates._replace(mean=mean)
    return with_fallbacks(
        plan.ways, chosen, estimates, _groups(material, bar, columns), plan.bounds
    )


def _groups(material: Material, bar: int, columns: Ints) -> Ints:
    if material.group is None:
        return np.full(len(columns), -1, np.int64)
    own = material.group[bar, columns]
    return np.where(np.isnan(own), -1, own).astype(np.int64)


def _fixed(plan: Plan, panel: Panel, bar: int) -> Formed:
    """Weights as given; what has no bar stays in cash."""
    weights = np.zeros(panel.n_symbols)
    gone = []
    for name, weight in plan.fixed.items():
        k = panel.column(name)
        if np.isnan(panel.close[bar, k]):
            gone.append(name)
        else:
            weights[k] = weight
    if not gone:
        return Formed(weights, Outcome.MEANT)
    return Formed(weights, Outcome.EMPTY, f"{', '.join(gone)} had no bar")


def _as_inputs(bars: Sequence[int], formed: Sequence[Formed], panel: Panel) -> AllocationInputs:
    """Arrays that a rule reads."""
    row = np.full(panel.n_bars, -1, np.int64)
    made = [(bar, one.weights) for bar, one in zip(bars, formed, strict=True)]
    rows = [(bar, weights) for bar, weights in made if weights is not None]
    row[[bar for bar, _ in rows]] = np.arange(len(rows))
    weights = np.array([weights for _, weights in rows]).reshape(len(rows), panel.n_symbols)
    price = panel.close * panel.columns[FX] if FX in panel.columns else panel.close
    return AllocationInputs(
        row,
        weights,
        np.asarray(price),
        np.array(bars, np.int64),
        np.array([one.outcome for one in formed], np.int64),
        written([one.reason for one in formed]),
    )

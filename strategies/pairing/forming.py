"""Pairs of every formation on the calendar, each from bars up to its own, laid out in slots."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np

from tradewind.engine.bars.adjusting import forward_adjusted, has_actions, units_grown
from tradewind.engine.bars.formation import formations
from tradewind.engine.errors import StrategyError
from tradewind.engine.protocols import Signals
from tradewind.engine.records import GROUP, MEMBER, Floats, Ints, Panel
from tradewind.strategies.pairing import searching
from tradewind.strategies.pairing.breaks import HORIZONS
from tradewind.strategies.pairing.cointegration import engle_granger
from tradewind.strategies.pairing.scanning import Fault
from tradewind.strategies.pairing.searching import Candidates, Window
from tradewind.strategies.pairing.settings import Plan
from tradewind.strategies.pairing.spreads import Legs, Series, series, shares
from tradewind.strategies.pairing.trading import PairInputs

REMARKED = 10  # pairs that are named in notes
FX = "fx.close"  # column of a panel: account currency per unit of the symbol's


class Formed(NamedTuple):
    """One formation: the pairs that it keeps, and their series while they may trade."""

    number: int
    bar: int  # at whose close it is known
    first: int  # first bar of its window
    stop: int  # first bar after the trading period
    pairs: tuple[tuple[int, ...], ...]  # columns
    legs: Legs
    told: Series
    share: Floats  # (stop - first, n_pairs, n_legs)
    volatility: Floats  # (n_pairs,) annual, of one unit of gross value
    found: Candidates | None  # None where the pairs are given
    refused: tuple[str, ...]  # given pairs that do not trade, and why

    @property
    def n_formation(self) -> int:
        """Bars of the window."""
        return self.bar - self.first + 1


class Shop(NamedTuple):
    """What all formations of a panel are made from."""

    close: Floats  # forward-adjusted, NaN where there is no bar
    per_year: float
    given: tuple[tuple[int, ...], ...]
    group: Floats | None  # (n_bars, n_symbols)
    member: Floats | None


def due_bars(plan: Plan, panel: Panel) -> Ints:
    """Bars at whose close pairs are formed."""
    first = plan.calendar.formation - 1
    if plan.calendar.every is None and plan.search.given:
        return _once(plan, panel)
    due = np.flatnonzero(formations(panel, plan.calendar.every or "month"))
    return np.asarray(due[due >= first])


def _once(plan: Plan, panel: Panel) -> Ints:
    """First bar at which every leg of the pairs that are named has a formation behind it."""
    legs = sorted({_column(name, panel) for one in plan.search.given for name in one})
    begins = max(int(np.argmax(~np.isnan(panel.close[:, k]))) for k in legs)
    nobody = [panel.symbols[k] for k in legs if np.isnan(panel.close[:, k]).all()]
    bar = begins + plan.calendar.formation - 1
    if nobody or bar >= panel.n_bars:
        raise StrategyError(
            f"pairs: the legs have {panel.n_bars - begins} bars in common, a formation needs "
            f"{plan.calendar.formation}; shorten formation, or give more data"
        )
    return np.array([bar])


def walk(plan: Plan, panel: Panel) -> Iterator[Formed]:
    """Every formation, one after the other."""
    shop = _shop(plan, panel)
    due = due_bars(plan, panel)
    for number, bar in enumerate(due):
        after = number + plan.calendar.periods
        stop = int(due[after]) if after < len(due) else panel.n_bars
        # how long a trading period lasts is known from the ones before
        apart = int(bar - due[number - 1]) if number else plan.calendar.formation
        horizon = max(apart * plan.calendar.periods if number else apart, 1)
        # a fitted line is not known for longer: behind it the alarm is cautious, not exact
        horizon = min(horizon, int(HORIZONS[-1] * plan.calendar.formation))
        yield _formed(plan, shop, number, (int(bar), stop), horizon)


def form(plan: Plan, panel: Panel, signals: Signals) -> PairInputs:
    """Arrays that the rule reads.

    Raises
    ------
    StrategyError
        If a name is not in the panel, groups are asked for that the data does not have, or no
        forecasts are there that are asked for.
    """
    per, periods = plan.per_formation, plan.calendar.periods
    n_bars = panel.n_bars
    n_episodes = per * max(len(due_bars(plan, panel)), 1)
    row = np.full((n_bars, plan.n_slots), -1, np.int64)
    leg = np.full((n_episodes, plan.n_legs), -1, np.int64)
    signal = np.full(row.shape, np.nan)
    share = np.full((*row.shape, plan.n_legs), np.nan)
    due = np.zeros(row.shape)
    broken = np.zeros(row.shape, np.bool_)
    volatility = np.zeros(n_episodes)
    said = _forecast(signals, n_episodes, panel) if plan.by_forecast else None
    for formed in walk(plan, panel):
        n, at = formed.n_formation - 1, (formed.number % periods) * per
        rows = slice(formed.bar, formed.stop)
        for i, pair in enumerate(formed.pairs):
            e, s = formed.number * per + i, at + i
            row[rows, s] = e
            leg[e, : len(pair)] = pair
            signal[rows, s] = formed.told.signal[n:, i]
            share[rows, s] = formed.share[n:, i]
            broken[rows, s] = formed.told.broken[n:, i]
            volatility[e] = formed.volatility[i]
            if said is not None:
                due[rows, s] = said[rows, e]
    price = panel.close * panel.columns[FX] if FX in panel.columns else panel.close
    grown = units_grown(panel) if has_actions(panel) else np.ones(panel.shape)
    return PairInputs(
        row, leg, signal, share, due, broken, volatility, np.ascontiguousarray(price), grown
    )


def _forecast(signals: Signals, n_episodes: int, panel: Panel) -> Floats:
    """Forecast of each episode's spread over its own uncertainty.

    A bar without a forecast is NaN, which satisfies no threshold.
    """
    forecasts = signals.forecasts
    if forecasts is None or signals.series is None or forecasts.mean.shape[1] < n_episodes:
        raise StrategyError(
            "pairs: due asks what a forecaster says of the spreads, and there is no forecast of "
            "them; add a 'forecaster:' block, or leave due out"
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(forecasts.mean / forecasts.std)


def remarks(plan: Plan, panel: Panel) -> list[str]:
    """Which pairs did not trade after which formations, and why, a line for each reason."""
    found: dict[tuple[str, str], int] = {}
    n_formations = n_pairs = 0
    for formed in walk(plan, panel):
        n_formations += 1
        n_pairs += len(formed.pairs)
        for pair, why in zip(formed.pairs, formed.refused, strict=True):
            if why:
                name = " / ".join(panel.symbols[k] for k in pair)
                key = (name, why.partition(" (")[0])
                found[key] = found.get(key, 0) + 1
    if not n_formations:
        return ["No pair was formed: no formation lies inside the data."]
    times = "once" if n_formations == 1 else f"{n_formations} times"
    lines = [f"Pairs were formed {times}, {n_pairs:,} in all."]
    for (name, why), n in list(found.items())[:REMARKED]:
        lines.append(f"{name} did not trade after {n} of {n_formations} formations: {why}.")
    if len(found) > REMARKED:
        lines.append(f"{len(found) - REMARKED} more pairs did not trade, for such reasons.")
    return lines


def _shop(plan: Plan, panel: Panel) -> Shop:
    from tradewind.engine.bars.sessions import bars_per_year

    given = tuple(tuple(_column(name, panel) for name in one) for one in plan.search.given)
    if plan.search.within_groups and GROUP not in panel.columns:
        raise StrategyError(
            "pairs: within: group needs to know the groups; add them under data.groups, for "
            "example 'groups: {banks: [JPM, GS, MS]}', or look among all"
        )
    close = forward_adjusted(panel).close
    if plan.spread.log and (close <= 0.0).any():
        name = panel.symbols[int(np.flatnonzero((close <= 0.0).any(axis=0))[0])]
        raise StrategyError(
            f"pairs: {name} has prices at or below zero, which have no logarithm; set prices: plain"
        )
    return Shop(
        close, bars_per_year(panel), given,
        panel.columns.get(GROUP) if plan.search.within_groups else None,
        panel.columns.get(MEMBER),
    )  # fmt: skip


def _column(name: str, panel: Panel) -> int:
    if name not in panel.symbols:
        near = get_close_matches(name, panel.symbols, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise StrategyError(
            f"pairs: the data has no symbol {name!r}{hint}; take it out of pairs, or add it to "
            "data.symbols"
        )
    return panel.column(name)


def _formed(plan: Plan, shop: Shop, number: int, span: tuple[int, int], horizon: int) -> Formed:
    """Pairs of one formation and their series up to the end of their trading period."""
    bar, stop = span
    first = bar - plan.calendar.formation + 1
    window = _window(plan, shop, first, bar)
    found: Candidates | None = None
    pairs: Sequence[tuple[int, ...]]
    refused: list[str] = []
    if shop.given:
        pairs = shop.given
    else:
        found = searching.look(window, plan.search)
        kept = searching.chosen(found, plan.search)
        pairs = [(int(y), int(x)) for y, x in found.pairs[kept]]
    legs = _legs(plan, shop, window, pairs, (first, bar, stop), horizon)
    told = series(legs, plan)
    told = _retested(told, legs, plan, shop, window, pairs, refused)
    beta = _betas(window, pairs, plan.n_legs)
    share = shares(told.coefficient, legs, plan.spread, beta)
    return Formed(
        number, bar, first, stop, tuple(pairs), legs, told, share,
        _volatility(legs, share, shop.per_year), found, tuple(refused),
    )  # fmt: skip


def _window(plan: Plan, shop: Shop, first: int, bar: int) -> Window:
    close = searching.usable(shop.close[first : bar + 1], plan.search.most_gaps)
    if shop.member is not None:
        close[:, ~(shop.member[bar] == 1.0)] = np.nan
    prices = np.log(close) if plan.spread.log else close
    group = shop.group[bar] if shop.group is not None else np.full(close.shape[1], np.nan)
    return Window(close, prices, group)


def _legs(
    plan: Plan,
    shop: Shop,
    window: Window,
    pairs: Sequence[tuple[int, ...]],
    span: tuple[int, int, int],
    horizon: int,
) -> Legs:
    first, bar, stop = span
    shape = (stop - first, len(pairs), plan.n_legs)
    close = np.full(shape, np.nan)
    there = np.zeros(shape[1:], np.bool_)
    for i, pair in enumerate(pairs):
        own = list(pair)
        close[: bar - first + 1, i, : len(own)] = window.close[:, own]
        close[bar - first + 1 :, i, : len(own)] = shop.close[bar + 1 : stop, own]
        there[i, : len(own)] = True
    prices = np.log(close) if plan.spread.log else close.copy()
    return Legs(close, prices, there, bar - first + 1, horizon)


def _retested(
    told: Series,
    legs: Legs,
    plan: Plan,
    shop: Shop,
    window: Window,
    pairs: Sequence[tuple[int, ...]],
    refused: list[str],
) -> Series:
    """Return the series with given pairs that the filters refuse struck off, and why."""
    del window, shop
    search, signal = plan.search, told.signal.copy()
    n = legs.n_formation
    for i, pair in enumerate(pairs):
        why = told.fault[i]
        gaps = np.isnan(legs.close[:n, i, legs.there[i]]).any()
        if gaps:
            why = "a leg has too few bars in the formation"
        elif not why and plan.search.given and search.p_value < 1.0 and len(pair) == 2:
            tested = engle_granger(legs.prices[:n, i, :2], [(0, 1)])
            p = float(tested.p_value[0])
            if tested.fault[0]:
                why = Fault(int(tested.fault[0])).name.lower().replace("_", " ")
            elif p > search.p_value:
                why = f"not cointegrated (p = {p:.2f})"
        if why:
            signal[:, i] = np.nan
        refused.append(why)
    return told._replace(signal=signal)


def _betas(window: Window, pairs: Sequence[tuple[int, ...]], n_legs: int) -> Floats:
    """Slope of each leg's returns on the mean return of all symbols, over the formation."""
    found = np.full((len(pairs), n_legs), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = window.close[1:] / window.close[:-1] - 1.0
    known = ~np.isnan(step[0]) if len(step) else np.zeros(step.shape[1], np.bool_)
    if not known.any():
        return found
    market = step[:, known].mean(axis=1)
    moved = market - market.mean()
    square = float(moved @ moved)
    for i, pair in enumerate(pairs):
        for j, k in enumerate(pair):
            if square > 0.0 and known[k]:
                found[i, j] = float(moved @ step[:, k]) / square
    return found


def _volatility(legs: Legs, share: Floats, per_year: float) -> Floats:
    """Annual volatility of one unit of gross value held as at the end of the formation."""
    n = legs.n_formation
    step = np.diff(legs.close[:n], axis=0) / legs.close[: n - 1]
    earned = np.nansum(share[n - 1] * step, axis=2)
    return np.asarray(earned.std(axis=0) * np.sqrt(per_year))

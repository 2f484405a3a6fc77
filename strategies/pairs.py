"""Pairs and baskets: legs that move together, bought and sold against each other when they part."""

from collections.abc import Sequence
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le, Lt

from tradewind.engine.bars.formation import Every
from tradewind.engine.errors import StrategyError
from tradewind.engine.explanation import Explanation
from tradewind.engine.protocols import Rule, Signals, View
from tradewind.engine.records import Panel, Simulation
from tradewind.engine.types import Intent
from tradewind.strategies.deciding import decide_by
from tradewind.strategies.pairing.breaks import CRITICAL
from tradewind.strategies.pairing.deriving import derive
from tradewind.strategies.pairing.forming import form, remarks
from tradewind.strategies.pairing.settings import (
    LEVELS,
    Calendar,
    Find,
    Hedge,
    Kind,
    Neutral,
    Plan,
    Search,
    Spread,
    Watch,
    refuse_contradictions,
)
from tradewind.strategies.pairing.trading import FIXED, PairInputs, PairParams, rule

INFINITE = float("inf")


class Pairs:
    """Trade the spreads of pairs that are named, or found anew on a calendar.

    Parameters
    ----------
    pairs : list of lists of str, optional
        Names of the legs, two or more each; without it pairs are looked for.
    find : {"distance", "correlation", "cointegration", "johansen"}
        What the best pairs are best at.
    within : {"all", "group"}
        Among which symbols.
    count, per_name : int
        Pairs of a formation; in how many of them a name may be (0: any number).
    formation : int
        Bars that pairs are formed on.
    every : str, optional
        When they are formed anew; left out: once where they are named, else each month.
    periods : int
        Formations that a pair may trade for: with ``every: month`` and 6, half a year.

    Notes
    -----
    Every key, its rule and its source are told in ``docs/pairs.md``.
    """

    sells_short = True

    def __init__(
        self,
        *,
        pairs: list[list[str]] | None = None,
        find: Find = "cointegration",
        within: Literal["all", "group"] = "all",
        count: Annotated[int, Ge(1), Le(1000)] = 20,
        per_name: Annotated[int, Ge(0)] = 0,
        formation: Annotated[int, Ge(30)] = 252,
        every: Every | None = None,
        periods: Annotated[int, Ge(1), Le(60)] = 1,
        max_gaps: Annotated[float, Ge(0), Lt(0.5)] = 0.02,
        p_value: Annotated[float, Gt(0), Le(1)] = 1.0,
        false_discoveries: Annotated[float, Gt(0), Le(1)] = 1.0,
        half_life: tuple[float, float] | None = None,
        hurst: Annotated[float, Gt(0), Le(1)] = 1.0,
        correlation: Annotated[float, Ge(-1), Lt(1)] = -1.0,
        prices: Literal["log", "plain"] = "log",
        hedge: Hedge = "ols",
        hedge_window: Annotated[int, Ge(0)] = 0,
        delta: Annotated[float, Gt(0), Lt(1)] = 1e-4,
        noise: Annotated[float, Gt(0)] = 1e-3,
        rebase: bool = True,
        neutral: Neutral = "hedge",
        signal: Kind = "zscore",
        window: Annotated[int, Ge(0)] = 0,
        round_trip_bps: Annotated[float, Gt(0)] = 20.0,
        entry: Annotated[float, Gt(0)] | None = None,
        exit: float | None = None,
        stop: Annotated[float, Gt(0)] | None = None,
        time_stop: Annotated[int, Ge(1)] | None = None,
        due: float | None = None,
        break_level: Annotated[float, Gt(0), Lt(1)] | None = None,
        break_beyond: Annotated[float, Gt(0)] = 3.0,
        break_bars: Annotated[int, Ge(0)] = 0,
        gross: Annotated[float, Gt(0)] = 1.0,
        open_at_most: Annotated[int, Ge(1)] | None = None,
        risk: Annotated[float, Gt(0)] | None = None,
        name_cap: Annotated[float, Gt(0)] | None = None,
        lot: Annotated[float, Ge(0)] = 1.0,
        patience: Annotated[int, Ge(1)] = 3,
        fill: Literal["open", "close"] = "open",
    ) -> None:
        if pairs is not None and not pairs:
            raise StrategyError("pairs: the list is empty; leave it out, or name a pair")
        self.plan = Plan(
            Search(
                tuple(tuple(one) for one in pairs or ()), find, within == "group", count, per_name,
                max_gaps, p_value, false_discoveries, half_life or (0.0, INFINITE), hurst,
                correlation,
            ),
            Calendar(formation, every, periods),
            Spread(
                prices == "log", hedge, hedge_window, delta, noise, rebase, signal, window,
                round_trip_bps * 1e-4, neutral,
            ),
            Watch(break_level or 0.0, break_beyond, break_bars),
            due is not None,
        )  # fmt: skip
        refuse_contradictions(self.plan)
        if break_level is not None and break_level not in CRITICAL:
            raise StrategyError(f"pairs: break_level {break_level:g}; wanted 0.01, 0.05 or 0.1")
        entry, exit = (
            usual if given is None else given
            for given, usual in zip((entry, exit), LEVELS[signal], strict=True)
        )
        if exit >= entry or (stop is not None and stop <= entry):
            raise StrategyError(
                f"pairs: exit {exit:g}, entry {entry:g} and stop {stop} must rise in this order: a "
                "pair opens beyond entry, closes inside exit and is given up beyond stop"
            )
        self.params = PairParams(
            float(entry), float(exit), INFINITE if stop is None else float(stop),
            INFINITE if time_stop is None else float(time_stop),
            -INFINITE if due is None else float(due), float(gross),
            min(open_at_most or self.plan.n_slots, self.plan.n_slots),
            INFINITE if risk is None else float(risk),
            INFINITE if name_cap is None else float(name_cap), float(lot), float(patience),
            fill == "close",
        )  # fmt: skip

    @property
    def warmup(self) -> int:
        """Closed bars needed: a formation."""
        return self.plan.calendar.formation

    @property
    def memory(self) -> int:
        """Numbers remembered: those of each slot, and what is wanted of each symbol."""
        return (FIXED + self.plan.n_legs) * self.plan.n_slots + 1

    @property
    def lot(self) -> float:
        """Units that a leg is rounded to, 0 = fractions."""
        return self.params.lot

    @property
    def rule(self) -> Rule:
        """The compiled decision."""
        return rule

    def prepare(self, panel: Panel, signals: Signals) -> PairInputs:
        """Form pairs on the calendar and make their signals."""
        return form(self.plan, panel, signals)

    def derived(self, panel: Panel) -> Panel | None:
        """Spreads that a forecaster is to forecast; None where none is asked."""
        return derive(self.plan, panel) if self.plan.by_forecast else None

    def remarks(self, inputs: PairInputs, panel: Panel) -> Sequence[str]:
        """Which pairs that are named do not trade, and why."""
        return remarks(self.plan, panel)

    def explain(
        self, inputs: PairInputs, panel: Panel, simulation: Simulation, start: int
    ) -> Explanation:
        """Sheets of pairs, candidates and trades."""
        from tradewind.strategies.pairing.explaining import explain

        return explain(self.plan, self.params, inputs, panel, simulation, start)

    def decide(self, view: View) -> Sequence[Intent]:
        """Wishes at the close of ``view.bar``."""
        return decide_by(self.rule, self.params, view)

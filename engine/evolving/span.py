"""One span of history on which any portfolio can be held, by the engine's own loop."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tradewind.engine import spreads
from tradewind.engine.bars.formation import Every, formations
from tradewind.engine.bars.sessions import bars_per_year
from tradewind.engine.config.run import RunConfig
from tradewind.engine.evolving.holding import Held, Holding
from tradewind.engine.evolving.objectives import Outcomes, outcomes
from tradewind.engine.records import Bools, Floats, Panel

FEW = 3  # bars: a deviation needs two returns


class Kept(NamedTuple):
    """What a population came to on a span."""

    outcomes: Outcomes
    equity: Floats  # (n_portfolios, n_bars) account currency


@dataclass(frozen=True, slots=True)
class Span:
    """Bars, costs and a calendar, ready for any number of portfolios.

    Attributes
    ----------
    panel : Panel
    forms : ndarray of bool, shape (n_bars,)
        Whether the weights are restored at the close of a bar.
    """

    panel: Panel
    forms: Bools
    cvar_level: float
    per_year: float
    traded_on: Panel
    terms: Any
    market: Any

    @property
    def first(self) -> int:
        """Bar at whose close the portfolio is formed for the first time."""
        return int(np.argmax(self.forms))

    def held(self, weights: Floats, equity: Floats) -> Held:
        """What the rule reads, and writes its curves to, for a population."""
        close = np.ascontiguousarray(self.panel.close)
        return Held(self.forms, close, np.ascontiguousarray(weights), equity)

    def hold(self, weights: Floats, *, threads: int = 1) -> Kept:
        """Hold each of the portfolios from the first formation on, after costs.

        Parameters
        ----------
        weights : ndarray of float64, shape (n_portfolios, n_symbols)
            Fractions of equity.
        threads : int
            Results do not depend on it.
        """
        from tradewind.engine.executors.batch import simulate_many

        n = len(weights)
        equity = np.empty((n, self.panel.n_bars))
        held = self.held(weights, equity)
        batch = simulate_many(
            [Holding(held, i) for i in range(n)], held, self.traded_on, self.terms, start=0,
            threads=threads, market=self.market,
        )  # fmt: skip
        found = outcomes(
            equity, batch.traded, bars_per_year=self.per_year, cvar_level=self.cvar_level
        )
        return Kept(found, equity)


def span_of(config: RunConfig, panel: Panel, rebalance: Every, cvar_level: float) -> Span:
    """Make a span of a config's costs, account and execution.

    Parameters
    ----------
    config : RunConfig
    panel : Panel
        The bars of the span alone.
    rebalance : str
        A period of :func:`tradewind.engine.bars.formation.formations`.
    cvar_level : float
    """
    from tradewind.engine.executors.terms import market, terms

    forms = formations(panel, rebalance)
    traded_on = spreads.traded_on(config.costs.spread, panel)
    per_year = bars_per_year(panel)
    return Span(
        panel, forms, cvar_level, per_year, traded_on, terms(config, panel, per_year),
        market(config, traded_on),
    )  # fmt: skip

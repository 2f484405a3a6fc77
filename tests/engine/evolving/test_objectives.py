"""Numbers of a population are those that a run's report states, one by one and by hand."""

import numpy as np
import pytest

from tradewind.engine.evolving.holding import Holding
from tradewind.engine.evolving.objectives import HOPELESS, outcomes, to_minimise
from tradewind.engine.evolving.span import Span
from tradewind.engine.executors.reference import simulate
from tradewind.engine.records import Panel
from tradewind.engine.scoring.metrics import exposure, growth


def test_numbers_by_hand() -> None:
    equity = np.array([[100.0, 110.0, 99.0, 99.0, 118.8]])
    found = outcomes(equity, np.array([213.4]), bars_per_year=4.0, cvar_level=0.7)
    returns = np.array([0.1, -0.1, 0.0, 0.2])
    assert found.annual_return[0] == pytest.approx(0.188)  # four bars are the year
    assert found.volatility[0] == pytest.approx(returns.std(ddof=1) * 2.0)
    assert found.max_drawdown[0] == pytest.approx(0.1)
    assert found.cvar[0] == pytest.approx(0.05)  # the worst two of four, ceil(0.3 x 4)
    assert found.turnover[0] == pytest.approx(213.4 / np.mean([110, 99, 99, 118.8]))
    assert found.sharpe[0] == pytest.approx(returns.mean() / returns.std(ddof=1) * 2.0)
    assert found.final_equity[0] == 118.8


def test_a_ruined_portfolio_is_behind_every_other() -> None:
    equity = np.array([[100.0, 0.0, 0.0], [100.0, 50.0, 40.0]])
    found = outcomes(equity, np.ones(2), bars_per_year=2.0, cvar_level=0.95)
    losses = to_minimise(found, ("annual_return", "volatility"))
    assert (losses[0] == HOPELESS).all() and np.isfinite(losses[1]).all()
    assert losses[1, 0] == pytest.approx(0.6)  # what is lost a year, as something to make small


def test_a_population_gets_the_numbers_that_each_gets_from_a_run_of_its_own(twelve: Span) -> None:
    weights = np.random.default_rng(0).dirichlet(np.full(12, 0.4), 5)
    weights[weights < 0.05] = 0.0
    kept = twelve.hold(weights)
    panel: Panel = twelve.panel
    for i in range(len(weights)):
        held = twelve.held(weights, np.empty((5, panel.n_bars)))
        run = simulate(
            Holding(held, i), held, twelve.traded_on, twelve.terms, start=0, market=twelve.market
        )
        assert np.array_equal(run.equity, kept.equity[i]), "to the last bit"
        assert len(run.fills) > 50
        said = growth(run.equity, twelve.per_year)
        years = (panel.n_bars - 1) / twelve.per_year
        turnover = exposure(run, 0, years)["turnover_annual"]
        for name, wanted in (
            ("annual_return", said["annual_return"]),
            ("volatility", said["annual_volatility"]),
            ("max_drawdown", said["max_drawdown"]),
            ("sharpe", said["sharpe"]),
            ("final_equity", said["final_equity"]),
            ("turnover", turnover),
        ):
            assert getattr(kept.outcomes, name)[i] == pytest.approx(wanted, rel=1e-12), name


def test_threads_do_not_change_a_bit(twelve: Span) -> None:
    weights = np.random.default_rng(1).dirichlet(np.ones(12), 20)
    one, several = twelve.hold(weights), twelve.hold(weights, threads=3)
    assert np.array_equal(one.equity, several.equity)
    assert all(np.array_equal(a, b) for a, b in zip(one.outcomes, several.outcomes, strict=True))


def test_costs_are_paid(twelve: Span, two: Span) -> None:
    equal = np.full((1, 12), 1 / 12)
    free = twelve.terms._replace(costs=two.terms.costs)
    import dataclasses

    dear = twelve.hold(equal).outcomes.final_equity[0]
    cheap = dataclasses.replace(twelve, terms=free).hold(equal).outcomes.final_equity[0]
    assert dear < cheap * (1 - 0.001), "at least the first purchase at 10 bps"

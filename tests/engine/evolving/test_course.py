"""What is remembered of a search, of a portfolio's rule, and drawn of a large front."""

import re
from typing import Any

import numpy as np
import pytest

from tradewind.engine.evolving.course import MOST, Course
from tradewind.engine.evolving.front import optimism, rank_correlation
from tradewind.engine.evolving.holding import Holding
from tradewind.engine.evolving.objectives import Outcomes
from tradewind.engine.evolving.search import Generation
from tradewind.engine.evolving.span import Span
from tradewind.engine.executors.interpreted import interpreted
from tradewind.engine.executors.reference import simulate
from tradewind.engine.records import Floats
from tradewind.engine.report.front import Front
from tradewind.engine.report.front_page import MAX_SHOWN, render_front


def generation(number: int, losses: Any, feasible: bool = True) -> Generation:
    rows = np.array(losses, float)
    return Generation(number, 10 * number, np.zeros((len(rows), 2)), rows, feasible)


def test_growth_is_the_share_of_the_last_hypervolume() -> None:
    course = Course()
    course.add(generation(1, [[9.0, 9.0]], feasible=False))
    course.add(generation(2, [[1.0, 1.0]]))
    course.add(generation(3, [[0.0, 1.0], [1.0, 0.0]]))
    # Widths are 1, so the point of reference is (1.1, 1.1): 0.01 of 0.11 + 0.11 - 0.01.
    grown = course.grown()
    assert [one["generation"] for one in grown] == [2, 3]
    assert [one["share"] for one in grown] == pytest.approx([0.01 / 0.21, 1.0])


def test_a_long_search_is_remembered_evenly_and_to_its_end() -> None:
    course = Course()
    for number in range(1, 5_001):
        course.add(generation(number, [[0.0, 1.0], [1.0, 0.0]]))
    numbers = [one["generation"] for one in course.grown()]
    assert len(numbers) <= MOST + 1 and numbers[0] == 1 and numbers[-1] == 5_000
    assert len(set(np.diff(numbers[:-1]))) == 1
    assert course.last is not None and course.last.evaluated == 50_000


def test_a_portfolio_does_the_same_as_plain_python(twelve: Span) -> None:
    weights = np.zeros((2, 12))
    weights[1, [0, 3, 7]] = [0.5, 0.3, 0.2]
    held = twelve.held(weights, np.empty((2, twelve.panel.n_bars)))
    runs = [
        simulate(one, held, twelve.traded_on, twelve.terms, start=0, market=twelve.market)
        for one in (Holding(held, 1), interpreted(Holding(held, 1)))
    ]
    assert np.array_equal(runs[0].equity, runs[1].equity)
    assert len(runs[0].fills) == len(runs[1].fills) > 30


def outcomes_of(returns: Floats, risks: Floats) -> Outcomes:
    sharpe = returns / risks
    return Outcomes(returns, risks, risks, risks, risks, sharpe, returns)


def test_optimism_is_in_sample_less_out_of_sample() -> None:
    train = outcomes_of(np.array([0.1, 0.2, 0.4]), np.array([0.1, 0.1, 0.2]))
    test = outcomes_of(np.array([0.1, 0.0, -0.1]), np.array([0.1, 0.2, 0.2]))
    found = optimism(train, test, {"knee": 1})
    assert found["mean"]["annual_return"] == pytest.approx((0.0 + 0.2 + 0.5) / 3)
    assert found["mean"]["sharpe"] == pytest.approx((0.0 + 2.0 + 2.5) / 3)
    assert found["knee"]["volatility"] == pytest.approx(-0.1)
    assert found["rank_correlation"]["annual_return"] == pytest.approx(-1.0)
    assert rank_correlation(np.zeros(5), np.arange(5.0)) is None


def front_of(n: int) -> Front:
    risk = np.linspace(0.1, 0.2, n)
    numbers = {
        name: dict.fromkeys(Outcomes._fields, risk) | {"annual_return": np.sqrt(risk)}
        for name in ("train", "test")
    }
    plain = dict.fromkeys(Outcomes._fields, 0.1)
    span = {"first_date": "2015-01-02", "last_date": "2015-12-31", "n_bars": 3}
    table = {
        "objectives": ["annual_return", "volatility"],
        "spans": {"train": span, "test": span},
        "evaluated": 9_000, "generations": 90, "population": 100, "n_symbols": 2,
        "chosen": {"knee": n // 2, "min_risk": 1, "max_return": n},
        "reference": {"train": plain, "test": plain},
        "hypervolume": [{"generation": 90, "share": 1.0}],
        "verdict": "The knee.", "sentences": ["One.", "Two."],
    }  # fmt: skip
    values = {
        "name": "<b>large</b>", "seed": 1, "data": {"source": "csv"}, "costs": {},
        "evolve": {
            "count": {"least": 1, "most": 2}, "weight": {"least": 0.0, "most": 1.0},
            "rebalance": "month",
        },
    }  # fmt: skip
    weights = np.column_stack([1.0 - risk, risk])
    dates = np.arange("2015-01-01", "2015-01-04", dtype="datetime64[D]")
    equity = np.ones((n + 1, 3))
    return Front("large-1", values, table, ("A&B", "C"), weights, numbers, dates, equity)


@pytest.mark.parametrize("n", [1, 2, 950])
def test_a_front_of_any_size_fits_onto_a_page(n: int) -> None:
    front = front_of(n) if n > 1 else front_of(2)
    if n == 1:
        numbers = {s: {k: v[:1] for k, v in named.items()} for s, named in front.numbers.items()}
        table = {**front.table, "chosen": {"knee": 1, "min_risk": 1, "max_return": 1}}
        front = Front(
            "one", front.values, table, front.symbols, front.weights[:1], numbers, front.dates,
            front.equity[:2],
        )  # fmt: skip
    html = render_front(front)
    assert len(html) < 2_000_000
    rows = re.findall(r'<tr id="p(\d+)">', html)
    assert len(rows) == min(n, len(rows)) and len(rows) <= MAX_SHOWN + 3
    assert html.count("<circle") == 2 * len(rows)
    assert ("more portfolios lie between these" in html) == (n > MAX_SHOWN)
    assert "A&amp;B" in html and "<b>" not in html

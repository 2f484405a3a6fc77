"""The spread's part of the page."""

from dataclasses import replace
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from tradewind.engine.config.spread import EstimatedSpreadConfig
from tradewind.engine.report.run import Run
from tradewind.engine.report.section import Context
from tradewind.engine.report.sections.spread import sentence, spread

RUN: Run = run_path(str(Path(__file__).with_name("make_run.py")))["make_run"]()


def curve(multiple: float | None) -> dict[str, Any]:
    return {"multiple": multiple, "sharpe": [1.0, 0.2], "scale": [0.0, 5.0]}


@pytest.mark.parametrize(
    ("multiple", "says"),
    [
        (2.345, "falls to zero at 2.35 times the spread: that is the room it has."),
        (0.5, "falls to zero at 0.50 times the spread: less than it pays now."),
        (0.0, "earns nothing even without any spread"),
        (None, "still earns something at 5 times its spread: its Sharpe ratio is then 0.20."),
    ],
)
def test_the_break_even_is_one_sentence(multiple: float | None, says: str) -> None:
    found = sentence(curve(multiple))
    assert says in found
    assert found.count(". ") == 0


def test_the_table_holds_what_was_paid_and_what_was_estimated() -> None:
    section = spread(Context(RUN))
    assert section is not None
    html = " ".join(section.html.split())
    assert '<td class="num">4.00</td>' in html, "half-spread of 2 bps in the run's own books"
    for name in ("EDGE", "Corwin-Schultz", "Abdi-Ranaldo"):
        assert name in html
    assert "Quotes" not in html, "the embedded data has none"
    assert 'data-kind="multiples"' in html
    assert "MSFT" in html


def test_an_estimated_spread_says_how_often_it_was_none() -> None:
    rule = EstimatedSpreadConfig(kind="estimated")
    costs = RUN.config.costs.model_copy(update={"spread": rule})
    told = {"event": "spread", "n_bars": 200, "n_fallback": 50, "n_floor": 20}
    run = replace(RUN, config=RUN.config.model_copy(update={"costs": costs}), log=(told,))
    section = spread(Context(run))
    assert section is not None
    assert (
        "the fallback of 10 bps on 25.0% of all bars, the floor of 1 bps on 10.0%" in section.html
    )


def test_a_run_of_an_older_folder_has_no_such_section() -> None:
    metrics = {key: value for key, value in RUN.metrics.items() if key != "spread"}
    assert spread(Context(replace(RUN, metrics=metrics))) is None

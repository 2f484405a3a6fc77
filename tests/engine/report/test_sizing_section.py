"""What the report says of the sizing: the sentence of each kind, and the table of cuts."""

from dataclasses import replace
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest

from tradewind.engine.config.sizing import SizingBlock
from tradewind.engine.records import EVENT
from tradewind.engine.report.run import Run
from tradewind.engine.report.section import Context
from tradewind.engine.report.sections.sizing import sentence, sizing
from tradewind.engine.types import Cut, Happening

BUILDER = run_path(str(Path(__file__).with_name("make_run.py")))
SENTENCES = [
    ({"kind": "target_weight"}, "A full position was 25.0% of equity."),
    ({"kind": "fixed_units", "units": 12.5}, "12.5 units, whatever they cost."),
    ({"kind": "fixed_notional", "notional": 25_000.0}, "worth 25,000, whatever the account"),
    ({"kind": "volatility_target"}, "25.0% of the capital, scaled to a volatility of 15.0% a year"),
    ({"kind": "atr_risk"}, "lost 1.0% of equity at its stop, or 2 average true ranges of 14 bars"),
    ({"kind": "atr_risk", "multiple": None}, "a wish without a stop was refused."),
    ({"kind": "kelly"}, "0.5 times the forecast's mean over its variance"),
    ({"kind": "risk_parity"}, "shared a gross weight of 100.0% in inverse proportion"),
]


def rule_of(**keys: Any) -> SizingBlock:
    rule: SizingBlock = BUILDER["config"](sizing=keys).sizing
    return rule


@pytest.mark.parametrize(("keys", "words"), SENTENCES)
def test_each_kind_has_its_sentence(keys: dict[str, Any], words: str) -> None:
    assert words in sentence(rule_of(**keys), 4)


def test_cuts_stand_in_the_table_by_cap_with_the_symbols_cut_most() -> None:
    run: Run = BUILDER["make_run"](n_bars=420)
    cut = int(Happening.CUT)
    rows: list[tuple[int, int, int, float]] = [
        (400, 0, cut, Cut.NAME),
        (401, 0, cut, Cut.NAME),
        (402, 2, cut, Cut.NAME),
    ]
    rows += [(403, 1, cut, Cut.GROSS), (404, -1, int(Happening.INTEREST), 1.0)]
    run = replace(run, simulation=replace(run.simulation, events=np.array(rows, EVENT)))
    section = sizing(Context(run))
    assert section is not None
    html = " ".join(str(section.html).split())
    assert "Caps lowered a wish 4 times;" in html
    assert '<td>100.0% of equity</td><td class="num">3</td><td>MSFT 2, KO 1</td>' in html
    assert '<th scope="row">gross</th><td>none</td><td class="num">1</td><td>JPM 1</td>' in html
    assert "per group" not in html, "neither set nor cut"

"""What the page says of orders: how they ended, what they asked for, which bars were in doubt."""

from dataclasses import replace
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest

from tradewind.engine.records import ORDER
from tradewind.engine.report import folder
from tradewind.engine.report.run import Run
from tradewind.engine.report.section import Context, SectionMaker
from tradewind.engine.report.sections.ambiguity import ambiguity, sentence
from tradewind.engine.report.sections.orders import LISTED, orders
from tradewind.engine.report.words import MINUS, MISSING
from tradewind.engine.types import OrderType, Reason, TimeInForce

BUILDER = run_path(str(Path(__file__).with_name("make_run.py")))
RUN: Run = BUILDER["make_run"](n_bars=420)
DAY_NS = 86_400_000_000_000


def sent(*rows: dict[str, Any]) -> np.ndarray:
    """Orders, plain market ones but for what a row says."""
    found = np.zeros(len(rows), ORDER)
    for name in ("limit", "stop", "trail", "trail_fraction"):
        found[name] = np.nan
    found["id"], found["parent"], found["qty"] = np.arange(len(rows)), -1, 5.0
    found["bar"], found["reason"] = 400, Reason.FILLED
    for row, given in zip(found, rows, strict=True):
        for name, value in given.items():
            row[name] = value
    return found


def html_of(maker: SectionMaker, run: Run) -> str:
    section = maker(Context(run))
    assert section is not None
    return " ".join(str(section.html).split())


def page_of(*rows: dict[str, Any]) -> str:
    return html_of(orders, replace(RUN, simulation=replace(RUN.simulation, orders=sent(*rows))))


def cell_texts(html: str, number: int) -> list[str]:
    """Cells of the row of an order."""
    row = html.split(f'<th scope="row">{number}</th>')[1].split("</tr>")[0]
    return [part.split(">", 1)[1].removesuffix("</td>") for part in row.split("<td")[1:]]


def test_reasons_name_the_symbols_they_concern_most() -> None:
    refused = {"reason": Reason.REJECTED_CASH}
    html = page_of({}, refused, {**refused, "symbol": 2}, {**refused, "symbol": 2})
    assert "1 of 4 orders were filled in full; the others:" in html
    assert '<th scope="row">no cash</th><td class="num">3</td><td class="num">75.0%</td>' in html
    assert "<td>KO 2, MSFT 1</td>" in html


def test_an_order_that_is_not_plain_is_listed_with_all_that_makes_it_so() -> None:
    entry = {"order_type": OrderType.STOP_LIMIT, "limit": 51.25, "stop": 50.5, "oco": 3}
    child = {"order_type": OrderType.LIMIT, "limit": 60.0, "parent": 1, "reduce_only": 1}
    child |= {"qty": -5.0, "reason": Reason.CANCELLED_BRACKET}
    html = page_of({}, entry, child)
    assert "Orders that were not plain market orders, 2" in html
    assert '<th scope="row">0</th>' not in html, "a plain one is not listed"
    assert cell_texts(html, 1)[1:] == [
        "MSFT", "stop limit", "5.000", "51.250", "50.500", "", "3", "until cancelled", "filled",
    ]  # fmt: skip
    assert cell_texts(html, 2)[1:] == [
        "MSFT", "limit", f"{MINUS}5.000", "60.000", MISSING, "1", "",
        "until cancelled, reduce-only", "bracket over",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tif", "until", "says"),
    [
        (TimeInForce.DAY, 0, "day"),
        (TimeInForce.BARS, 12, "12 bars"),
        (TimeInForce.GTD, 17_000 * DAY_NS, "to 2016-07-18 00:00"),
        (TimeInForce.IOC, 0, "immediate or cancel"),
    ],
)
def test_time_in_force_is_told_in_words(tif: TimeInForce, until: int, says: str) -> None:
    html = page_of({"tif": tif, "until": until, "order_type": OrderType.LIMIT, "limit": 9.0})
    assert cell_texts(html, 0)[8] == says


def test_long_lists_keep_the_last_and_say_so() -> None:
    html = page_of(*[{"reason": Reason.REJECTED_PRICE}] * (LISTED + 3))
    assert f"Orders refused, the last {LISTED} of {LISTED + 3}; all are in" in html
    assert '<th scope="row">2</th>' not in html
    assert '<th scope="row">3</th>' in html


def test_bounds_stand_in_a_table_and_in_a_sentence() -> None:
    html = html_of(ambiguity, RUN)
    assert RUN.bounds is not None
    assert "In 31 bars the path between the prices decides what is filled; this run" in html
    assert "7 closed trades begin alike and end otherwise at worst and at best, and 2" in html
    for name, equity in RUN.bounds._asdict().items():
        assert f'<th scope="row">At {name}</th><td class="num">{equity[-1]:,.0f}</td>' in html


@pytest.mark.parametrize(
    ("intrabar", "says"),
    [
        ("worst", "this run took it the worst way. 1 closed trade begins alike and ends otherwise"),
        ("best", "this run took it the best way."),
        ("path", "finer bars had decided others before; this run took what they left open the"),
    ],
)
def test_the_sentence_knows_which_way_the_run_went(intrabar: str, says: str) -> None:
    block = {"bars": 1, "trades_decided": 1, "trades_changed": 1, "worst": {}, "best": {}}
    assert says in sentence(block, intrabar)


def test_a_run_without_ambiguity_says_so_only_where_orders_could_have_met_it() -> None:
    block = {**RUN.metrics["ambiguity"], "bars": 0}
    run = replace(RUN, bounds=None, metrics={**RUN.metrics, "ambiguity": block})
    assert ambiguity(Context(run)) is None
    pair = sent({"oco": 1}, {"oco": 1})
    run = replace(run, simulation=replace(run.simulation, orders=pair))
    assert html_of(ambiguity, run) == (
        "<p>In no bar did the path between its prices decide what was filled.</p>"
    )
    rules = {name: block for name, block in RUN.metrics.items() if name != "ambiguity"}
    assert ambiguity(Context(replace(run, metrics=rules))) is None


def test_bounds_survive_the_folder(tmp_path: Path) -> None:
    assert RUN.bounds is not None
    back = folder.read(folder.write(RUN, tmp_path))
    assert back.bounds is not None
    np.testing.assert_array_equal(back.bounds.worst, RUN.bounds.worst)
    np.testing.assert_array_equal(back.bounds.best, RUN.bounds.best)
    none = folder.read(folder.write(replace(RUN, bounds=None, name="none"), tmp_path))
    assert none.bounds is None

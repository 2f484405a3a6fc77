"""The candle tables of docs/broker-rules/ happen as told, on both executors, and lack nothing."""

import re
from functools import cache

import numpy as np
import pytest

from tests.golden.page_coverage import Ran, entries, phases, settings_used, wish_fields
from tests.golden.page_tables import (
    CONTRACT,
    DOCS,
    PAGES,
    Shown,
    shown,
    told_ends,
    told_events,
    told_fills,
)
from tests.golden.tables import on_both
from tradewind.engine.config.account import AccountConfig, ExecutionConfig
from tradewind.engine.types import LIVE_ALONE, Action, Happening, OrderType, Reason, TimeInForce

SHOWN = shown()
ROUNDED = 1e-8  # relative; the pages show ten digits
ELSEWHERE = {
    "account.cash",  # the plain 1,000
    "account.currency",  # a table has rates of exchange in columns of its own
    "account.fx",
    "account.initial_margin",  # 1 / max_leverage
}
by_table = pytest.mark.parametrize("table", SHOWN, ids=str)


@cache
def ran() -> list[Ran]:
    """Every table with what the compiled simulator makes of it."""
    return [(table, table.run("kernel")) for table in SHOWN]


@on_both
@by_table
def test_it_happens_as_the_page_says(table: Shown, executor: str) -> None:
    found = table.run(executor)
    # rows of a table are in order of time, the fills in a cell in the order of the phases
    fills, told = (sorted(f, key=lambda fill: fill[:2]) for f in (told_fills(found), table.fills))
    assert [fill[:2] for fill in fills] == [fill[:2] for fill in told]
    np.testing.assert_allclose(
        np.array(fills).reshape(-1, 5), np.array(told).reshape(-1, 5), rtol=ROUNDED
    )
    assert told_ends(found) == table.ends
    events = told_events(found)
    assert [event[:2] for event in events] == [event[:2] for event in table.events]
    amounts = [event[2] for event in table.events]
    assert [event[2] for event in events] == pytest.approx(amounts, rel=ROUNDED)
    assert found.equity[-1] == pytest.approx(table.equity, rel=ROUNDED)


def test_a_wrong_number_on_a_page_would_be_noticed() -> None:
    table = SHOWN[0]
    wrong = Shown(**{**vars(table), "equity": table.equity * 1.0001})
    with pytest.raises(AssertionError):
        test_it_happens_as_the_page_says(wrong, "kernel")


def test_numbers_and_titles_of_the_tables_stand_once() -> None:
    assert len({table.number for table in SHOWN}) == len(SHOWN)
    assert len({table.title for table in SHOWN}) == len(SHOWN)


def test_every_page_of_tables_is_linked_from_the_contract() -> None:
    linked = set(re.findall(r"\]\((broker-rules/[\w-]+\.md)\)", CONTRACT.read_text("utf-8")))
    assert linked == {str(page.relative_to(DOCS)) for page in PAGES}


def test_every_reason_for_an_end_is_shown() -> None:
    wanted = {reason.name.lower() for reason in set(Reason) - LIVE_ALONE} - {"working"}
    assert wanted == {end for table in SHOWN for end in table.ends}


def test_every_reason_is_explained_on_the_page() -> None:
    section = CONTRACT.read_text("utf-8").partition("## 10.")[2].partition("## 11.")[0]
    told = set(re.findall(r"`(\w+)`", section))
    assert told >= {reason.name.lower() for reason in set(Reason) - LIVE_ALONE} - {"working"}


def test_every_event_is_shown() -> None:
    wanted = {kind.name.lower() for kind in Happening}
    assert wanted == {name for table in SHOWN for _, name, _ in table.events}


def test_every_action_order_type_and_time_in_force_is_shown() -> None:
    asked = [wish for table in SHOWN for wishes in table.asks.values() for wish in wishes]
    assert {wish.action for wish in asked} == set(Action)
    assert {wish.tif for wish in asked} == set(TimeInForce)
    filled = {
        OrderType(int(run.orders[fill["order"]]["order_type"]))
        for _, run in ran()
        for fill in run.fills
    }
    assert filled == set(OrderType)


def test_every_price_and_distance_of_a_wish_is_shown() -> None:
    assert wish_fields(ran()) >= {
        "limit", "stop", "trail", "trail_fraction", "stop_loss", "take_profit", "stop_trail",
        "stop_trail_fraction",
    }  # fmt: skip
    asked = [wish for table in SHOWN for wishes in table.asks.values() for wish in wishes]
    assert any(wish.oco for wish in asked)
    assert any(wish.reduce_only for wish in asked)


def test_every_key_of_account_and_execution_is_shown() -> None:
    wanted = {f"account.{name}" for name in AccountConfig.model_fields}
    wanted |= {f"execution.{name}" for name in ExecutionConfig.model_fields}
    assert wanted - ELSEWHERE <= settings_used(ran())


def test_every_cost_is_shown() -> None:
    fees = ("taker_bps", "maker_bps", "per_unit", "minimum", "maximum", "tiers")
    slips = ("fixed", "ticks", "impact")
    wanted = {f"costs.fees.{name}" for name in fees} | {f"costs.slippage.{name}" for name in slips}
    wanted |= {"costs.slippage_bps", "costs.borrow_annual", "costs.spread.bps", "costs.spread.kind"}
    assert wanted <= settings_used(ran())


def test_every_phase_of_a_bar_fills_something() -> None:
    wanted = {"forced", "open", "against", "favour", "children", "close", "leaves"}
    assert phases(ran()) == wanted


def test_markets_of_all_kinds_are_shown() -> None:
    panels = [table.panel for table in SHOWN]
    assert any(np.isnan(panel.close).any() for panel in panels), "halts"
    assert any((panel.volume == 0).any() for panel in panels), "bars without trade"
    assert any(np.isnan(panel.volume[~np.isnan(panel.close)]).any() for panel in panels), "unknown"
    assert any((panel.ends >= 0).any() for panel in panels), "delistings"
    columns = {name for panel in panels for name in panel.columns}
    assert columns >= {
        "ask_open", "bid_low", "action.split", "action.dividend", "fx.open", "fx.close",
        "borrow.available",
    }  # fmt: skip


SURE, DOUBT = False, True
ROWS = {
    "worst": [
        ("open", "stop", SURE), ("open", "target", SURE), ("open", "both", DOUBT),
        ("limit", "stop", SURE), ("limit", "target", SURE), ("limit", "target", DOUBT),
        ("stop", "stop", SURE), ("stop", "stop", DOUBT), ("stop", "target", SURE),
        ("return", "stop", SURE), ("return", "stop", DOUBT), ("return", "target", DOUBT),
        ("close", "stop", SURE),
    ],
    "best": [
        ("open", "both", DOUBT), ("limit", "target", DOUBT), ("stop", "stop", DOUBT),
        ("return", "stop", DOUBT), ("return", "target", DOUBT),
    ],
    "path": [
        ("open", "both", SURE), ("open", "both", DOUBT), ("limit", "target", SURE),
        ("limit", "target", DOUBT), ("stop", "stop", SURE), ("stop", "stop", DOUBT),
        ("return", "stop", DOUBT), ("return", "target", DOUBT),
    ],
}  # fmt: skip


@pytest.mark.parametrize("way", ROWS)
def test_every_row_of_protection_in_the_bar_of_the_entry_is_shown(way: str) -> None:
    shown_ = {(entry, touched, doubt) for entry, touched, of, doubt in entries(ran()) if of == way}
    assert set(ROWS[way]) <= shown_

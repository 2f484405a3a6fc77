"""The worked examples of docs/costs.md, from the config through both executors."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.flat_panel import MONDAY
from tests.golden.tables import Asks, buy, flat, on_both, sell
from tests.markets import EXECUTORS, Candle, candles
from tradewind.engine import feeds
from tradewind.engine.bars.adjusting import DIVIDEND, SPLIT
from tradewind.engine.config.run import DataConfig, RunConfig
from tradewind.engine.executors.terms import market, terms
from tradewind.engine.records import DAY_NS, Panel, Simulation
from tradewind.engine.types import Happening, Intent, Reason

FREE = {"fee_bps": 0, "slippage_bps": 0, "borrow_annual": 0, "spread": {"bps": 0}}


def free(**costs: Any) -> dict[str, Any]:
    """Costs of nothing but what is named."""
    shorts = {"fees": "fee_bps", "slippage": "slippage_bps", "borrow": "borrow_annual"}
    gone = {short for block, short in shorts.items() if block in costs}
    return {**{key: value for key, value in FREE.items() if key not in gone}, **costs}


def run(
    executor: str,
    bars: Panel | Sequence[Candle],
    asks: Mapping[int, Sequence[Intent]],
    volume: float = 1e6,
    **blocks: Any,
) -> Simulation:
    """Trade what is asked at the costs and on the account of a config."""
    panel = bars if isinstance(bars, Panel) else candles(list(bars), volume=volume)
    given = RunConfig.model_validate({"strategy": {"kind": "x"}, "costs": FREE, **blocks})
    simulate = EXECUTORS[executor]
    return simulate(
        Asks(asks),
        None,
        panel,
        terms(given, panel, 252),
        start=0,
        market=market(given, panel),
    )


def dated(panel: Panel, *days: int) -> Panel:
    """The bars on these days of January 2017, counted from Monday, the 2nd."""
    return replace(panel, ts=MONDAY + (np.array(days, np.int64) + 1) * DAY_NS)


def amounts(found: Simulation, kind: Happening) -> dict[int, float]:
    """What happened, by bar."""
    events = found.events[found.events["kind"] == kind.value]
    return {int(event["bar"]): float(event["amount"]) for event in events}


@on_both
@pytest.mark.parametrize(
    ("units", "price", "fee"),
    [(100, 25.0, 1.00), (1_000, 25.0, 5.00), (1_000, 0.25, 2.50), (10, 5.0, 0.50)],
)
def test_fees_per_share(executor: str, units: float, price: float, fee: float) -> None:
    fees = {"kind": "per_share", "per_unit": 0.005, "minimum": 1, "maximum": 0.01}
    found = run(executor, [flat(price)] * 2, {0: [buy(units)]}, costs=free(fees=fees))
    assert found.fills["fee"] == pytest.approx([fee])


@on_both
def test_tiers_go_by_the_value_traded_before_in_the_month(executor: str) -> None:
    tiers = [
        {"from_value": 0, "taker_bps": 10, "maker_bps": 8},
        {"from_value": 10_000, "taker_bps": 6, "maker_bps": 4},
    ]
    found = run(
        executor,
        dated(candles([flat(90.0)] * 5), 0, 1, 2, 3, 31),
        {bar: [buy(100)] for bar in range(4)},
        costs=free(fees={"kind": "tiered", "tiers": tiers}),
    )
    assert found.fills["fee"] == pytest.approx([9.0, 9.0, 5.4, 9.0])


@on_both
@pytest.mark.parametrize(
    ("units", "volume", "price"),
    [(100, 10_000.0, 101.13), (400, 10_000.0, 102.13), (100, np.nan, 100.13)],
)
def test_the_parts_of_slippage_add_up(
    executor: str, units: float, volume: float, price: float
) -> None:
    found = run(
        executor,
        [flat(100.0)] * 2,
        {0: [buy(units)]},
        volume,
        costs=free(slippage={"bps": 10, "fixed": 0.02, "ticks": 1, "impact": 0.1}),
        execution={"tick": 0.01},
    )
    assert found.fills["price"] == pytest.approx([price])


@on_both
def test_borrowing_is_paid_for_every_day_of_the_calendar(executor: str) -> None:
    """Decided on Thursday, sold on Friday; Monday and Tuesday follow."""
    found = run(
        executor,
        dated(candles([flat(50.0)] * 4), 3, 4, 7, 8),
        {0: [sell(100)]},
        costs=free(borrow={"annual": 0.0365}),
    )
    assert amounts(found, Happening.BORROW) == pytest.approx({2: -1.5, 3: -0.5})


@on_both
def test_what_can_no_longer_be_borrowed_is_recalled(executor: str, tmp_path: Path) -> None:
    path = tmp_path / "borrow.csv"
    path.write_text(
        "date,symbol,rate,available\n2017-01-02,A,0.0365,100\n2017-01-04,A,0.365,40\n"
        "2017-01-09,A,,1000\n"
    )
    found = run(
        executor,
        dated(candles([flat(10.0)] * 4), 0, 1, 2, 3),
        {0: [sell(150)]},
        costs=free(borrow={"path": str(path)}),
    )
    assert found.fills[["bar", "qty"]].tolist() == [(1, -100.0), (2, 60.0)]
    assert found.orders["reason"].tolist() == [Reason.PARTLY_FILLED, Reason.RECALLED]
    # 1,000 short at the new rate of the 4th, then 400
    assert amounts(found, Happening.BORROW) == pytest.approx({2: -1.0, 3: -0.4})


@on_both
def test_splits_and_dividends_give_a_holder_what_a_holder_gets(executor: str) -> None:
    panel = candles([flat(90.0), flat(90.0), flat(31.0), flat(30.0), flat(15.0)])
    columns = {
        SPLIT: np.array([[1.0, 1.0, 3.0, 1.0, 2.0]]).T,
        DIVIDEND: np.array([[0.0, 0.0, 0.0, 0.5, 0.25]]).T,
    }
    account = {"cash": 10_000}
    found = run(executor, replace(panel, columns=columns), {0: [buy(100)]}, account=account)
    assert found.equity == pytest.approx([10_000, 10_000, 10_300, 10_150, 10_300])
    assert found.cash == pytest.approx([10_000, 1_000, 1_000, 1_150, 1_300])
    assert amounts(found, Happening.DIVIDEND) == pytest.approx({3: 150.0, 4: 150.0})
    assert amounts(found, Happening.SPLIT) == {2: 3.0, 4: 2.0}


@on_both
def test_below_its_maintenance_margin_a_position_is_closed_at_the_next_open(executor: str) -> None:
    found = run(
        executor,
        [flat(price) for price in (100.0, 100.0, 75.0, 70.0, 69.0)],
        {0: [buy(200)]},
        account={"cash": 10_000, "max_leverage": 2, "maintenance_margin": 0.3},
        sizing={"kind": "target_weight", "max_weight": 2},
    )
    assert found.equity[:4] == pytest.approx([10_000, 10_000, 5_000, 4_000])
    assert found.fills[["bar", "qty", "price"]].tolist() == [(1, 200.0, 100.0), (4, -200.0, 69.0)]
    assert found.orders["reason"].tolist() == [Reason.FILLED, Reason.LIQUIDATED]


@on_both
def test_a_foreign_symbol_is_paid_and_marked_at_the_rates_known_then(
    executor: str, tmp_path: Path
) -> None:
    path = tmp_path / "eurusd.csv"
    path.write_text(
        "date,rate\n2017-01-01,1.04\n2017-01-02,1.05\n2017-01-03,1.10\n2017-01-04,1.20\n"
    )
    bars = [flat(80.0), (80.0, 82.0, 80.0, 82.0), flat(82.0)]
    found = run(
        executor,
        dated(candles(bars), 0, 1, 2),
        {0: [buy(100)]},
        data={"currencies": {"A": "EUR"}},
        account={"fx": {"EUR": {"path": str(path)}}},
    )
    assert found.fills[["price", "fx"]].tolist() == [(80.0, 1.05)]
    assert found.equity == pytest.approx(
        [100_000, 100_000 - 8_400 + 9_020, 100_000 - 8_400 + 9_840]
    )


@on_both
def test_lots_are_whole(executor: str) -> None:
    account = {"fractional": False, "lot": {"A": 100}}
    found = run(executor, [flat(10.0)] * 2, {0: [buy(257)]}, account=account)
    assert found.fills["qty"].tolist() == [200.0]


WIKI = Path(__file__).parents[1] / "engine" / "feeds" / "wiki_raw_hcbk_lltc_tif.parquet"
REINVESTED_LATE = 5e-4  # at the open after an ex-date in place of its close, over 20 dividends


@on_both
@pytest.mark.parametrize("symbol", ["HCBK", "LLTC", "TIF"])
def test_all_money_in_one_raw_stock_makes_the_total_return_of_its_adjusted_close(
    executor: str, symbol: str
) -> None:
    """Five real years with two or three splits and some twenty dividends each."""
    data = {
        "source": "parquet",
        "path": WIKI,
        "prices": "raw",
        "actions": {"kind": "columns"},
        "columns": {"total_return": "adj_close"},
        "symbols": (symbol,),
    }
    panel = feeds.load(DataConfig.model_validate(data)).panel
    hold = {bar: [Intent(0, 1.0)] for bar in range(panel.n_bars)}
    found = run(executor, panel, hold, data=data)
    adjusted = panel.columns["total_return"][:, 0]
    bought = adjusted[1] * panel.open[1, 0] / panel.close[1, 0]
    assert found.equity[-1] / found.equity[0] == pytest.approx(
        adjusted[-1] / bought, rel=REINVESTED_LATE
    )
    assert len(amounts(found, Happening.DIVIDEND)) >= 20

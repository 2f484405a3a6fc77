"""What the simulators read of a config, by hand."""

from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.flat_panel import flat_panel
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import UnknownSymbolError
from tradewind.engine.executors.state import NO_ACTIONS
from tradewind.engine.executors.terms import market, terms
from tradewind.engine.feeds.beside import COLUMNS, with_rates
from tradewind.engine.records import Panel
from tradewind.engine.series import Series, at

T, AAA, BBB = 1, 0, 1


def config(**blocks: Any) -> RunConfig:
    return RunConfig.model_validate({"strategy": {"kind": "x"}, **blocks})


def both(series: Series) -> tuple[float, float]:
    """Value for AAA and BBB at one bar."""
    return float(at(series, T, AAA)), float(at(series, T, BBB))


def test_fees_of_every_kind_are_one_table() -> None:
    fees = terms(config(costs={"fee_bps": 5}), flat_panel(), 252).costs.fees
    assert (fees.taker.tolist(), fees.maker.tolist(), fees.per_unit.tolist()) == (
        [5e-4],
        [5e-4],
        [0.0],
    )
    assert (fees.minimum, fees.maximum) == (0.0, inf)
    given = {"kind": "per_share", "per_unit": 0.005, "minimum": 1, "maximum": 0.01}
    fees = terms(config(costs={"fees": given}), flat_panel(), 252).costs.fees
    assert (fees.taker.tolist(), fees.per_unit.tolist(), fees.minimum, fees.maximum) == (
        [0.0],
        [0.005],
        1.0,
        0.01,
    )


def test_slippage_adds_up_from_its_parts_and_ticks_are_each_symbols_own() -> None:
    given = {"bps": 2, "fixed": 0.05, "ticks": 2, "impact": 0.1}
    tick = {"AAA": 0.01, "BBB": 0.25}
    found = terms(config(costs={"slippage": given}, execution={"tick": tick}), flat_panel(), 252)
    assert (found.costs.slippage, found.costs.impact) == (2e-4, 0.1)
    assert both(found.costs.slippage_fixed) == pytest.approx((0.07, 0.55))
    assert both(found.execution.tick) == (0.01, 0.25)


def test_what_is_not_named_has_no_tick_a_lot_of_one_and_any_number_to_borrow() -> None:
    found = terms(
        config(
            execution={"tick": {"BBB": 0.5}},
            account={"fractional": False, "lot": {"BBB": 100}, "not_shortable": ["AAA"]},
            costs={"borrow": {"annual": 0.365, "symbols": {"BBB": 3.65}, "available": {"BBB": 7}}},
        ),
        flat_panel(),
        252,
    )
    assert both(found.execution.tick) == (0.0, 0.5)
    assert both(found.sizing.lot) == (1.0, 100.0)
    assert both(found.costs.borrow_daily) == pytest.approx((0.001, 0.01))
    assert both(found.costs.borrowable) == (inf, 7.0)
    assert found.account.shortable.tolist() == [False, True]


def test_interest_is_a_rate_a_day_and_an_initial_margin_a_leverage() -> None:
    account = {"debit_annual": 0.0365, "credit_annual": 0.00365, "initial_margin": 0.25}
    found = terms(config(account=account), flat_panel(), 252)
    assert (found.costs.debit_daily, found.costs.credit_daily) == pytest.approx((1e-4, 1e-5))
    assert found.account.max_leverage == 4.0


@pytest.mark.parametrize(
    ("blocks", "key"),
    [
        ({"account": {"fractional": False, "lot": {"CCC": 5}}}, "account.lot"),
        ({"account": {"not_shortable": ["CCC"]}}, "account.not_shortable"),
        ({"execution": {"tick": {"CCC": 5}}}, "execution.tick"),
        ({"costs": {"borrow": {"available": {"CCC": 5}}}}, "costs.borrow.available"),
    ],
)
def test_a_symbol_the_data_does_not_have_is_named_with_its_key(
    blocks: dict[str, Any], key: str
) -> None:
    with pytest.raises(UnknownSymbolError, match=rf"{key}: no symbol 'CCC' in the data"):
        terms(config(**blocks), flat_panel(), 252)


def foreign(folder: Path) -> RunConfig:
    (folder / "eur.csv").write_text("date,rate\n2017-01-01,1.0\n2017-01-02,1.1\n2017-01-03,1.2\n")
    (folder / "borrow.csv").write_text("date,symbol,rate,available\n2017-01-03,BBB,0.73,40\n")
    return config(
        account={"fx": {"EUR": {"path": folder / "eur.csv"}}},
        data={"currencies": {"BBB": "EUR"}},
        costs={"borrow": {"annual": 0.365, "path": folder / "borrow.csv"}},
    )


def test_a_market_has_rates_of_exchange_where_a_symbol_is_foreign(tmp_path: Path) -> None:
    found = market(foreign(tmp_path), flat_panel())
    assert found.foreign == 1
    assert both(found.fx_open) == (1.0, 1.1)
    assert both(found.fx_close) == (1.0, 1.2)
    assert found.actions is NO_ACTIONS
    assert market(config(), flat_panel()).foreign == 0


def test_what_does_not_trade_has_a_rate_that_does_no_harm() -> None:
    late = np.full((4, 2), 10.0)
    late[:2, BBB] = np.nan
    panel = Panel(("AAA", "BBB"), flat_panel().ts, late, late, late, late, late)
    given = config(account={"fx": {"EUR": 1.25}}, data={"currencies": {"BBB": "EUR"}})
    found = market(given, panel)
    assert [at(found.fx_close, t, BBB) for t in range(4)] == [1.0, 1.0, 1.25, 1.25]


def test_borrowing_follows_its_file_from_the_day_of_the_row(tmp_path: Path) -> None:
    costs = terms(foreign(tmp_path), flat_panel(), 252).costs
    assert [at(costs.borrow_daily, t, BBB) for t in range(3)] == pytest.approx([1e-3, 2e-3, 2e-3])
    assert [at(costs.borrowable, t, BBB) for t in range(3)] == [inf, 40, 40]
    assert both(costs.borrowable)[AAA] == inf


def test_what_was_read_once_travels_with_the_panel(tmp_path: Path) -> None:
    """A run can be verified from its folder after the files are gone."""
    given = foreign(tmp_path)
    panel = with_rates(given, flat_panel())
    assert set(panel.columns) == set(COLUMNS)
    for name in ("eur.csv", "borrow.csv"):
        (tmp_path / name).unlink()
    assert with_rates(given, panel) is panel
    assert both(market(given, panel).fx_close) == (1.0, 1.2)
    assert at(terms(given, panel, 252).costs.borrowable, 2, BBB) == 40
    assert np.isfinite(panel.columns["fx.close"]).all()

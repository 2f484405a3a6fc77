"""Rates of exchange by hand: which one a bar sees, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.flat_panel import MONDAY
from tests.flat_panel import flat_panel as panel
from tradewind.engine.config.account import AccountConfig
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import ConfigError, DataError, UnknownSymbolError
from tradewind.engine.feeds.exchange_rates import CLOSE, OPEN, exchange_columns
from tradewind.engine.records import DAY_NS, Panel

NAN = float("nan")
HOUR_NS = DAY_NS // 24


def rates(fx: Any, on: Panel, currencies: dict[str, str] | None = None) -> dict[str, np.ndarray]:
    account = AccountConfig(currency="USD", fx={"EUR": fx})
    data = DataConfig(currencies=currencies or {"BBB": "EUR"}, interval=on.interval)
    return exchange_columns(account, data, on)


def file(folder: Path, text: str) -> Path:
    (folder / "eur.csv").write_text(text)
    return folder / "eur.csv"


DAILY = "date,rate\n2017-01-01,1.00\n2017-01-02,1.10\n2017-01-03,1.20\n2017-01-05,1.40\n"


def test_a_rate_of_a_day_counts_at_its_close_and_at_the_open_of_the_next(tmp_path: Path) -> None:
    #          Monday  Tuesday  Wednesday (no rate)  Thursday
    # open      1.00    1.10     1.20                 1.20
    # close     1.10    1.20     1.20                 1.40
    found = rates({"path": file(tmp_path, DAILY)}, panel())
    assert found[OPEN][:, 1] == pytest.approx([1.00, 1.10, 1.20, 1.20])
    assert found[CLOSE][:, 1] == pytest.approx([1.10, 1.20, 1.20, 1.40])
    assert (found[OPEN][:, 0] == 1.0).all() and (found[CLOSE][:, 0] == 1.0).all()


def test_a_file_may_have_the_rate_at_the_open_of_the_day(tmp_path: Path) -> None:
    text = "date,first,last\n2017-01-02,1.05,1.1\n2017-01-03,1.15,1.2\n"
    fx = {"path": file(tmp_path, text), "column": "last", "open": "first"}
    found = rates(fx, panel(2))
    assert found[OPEN][:, 1] == pytest.approx([1.05, 1.15])
    assert found[CLOSE][:, 1] == pytest.approx([1.1, 1.2])


def test_a_rate_with_a_time_counts_from_that_moment(tmp_path: Path) -> None:
    text = "time,rate\n2017-01-02 09:00,1.0\n2017-01-02 10:30,1.1\n2017-01-02 12:00,1.2\n"
    bars = panel(3, interval="1h", first=(MONDAY + 11 * HOUR_NS), step=HOUR_NS)
    found = rates({"path": file(tmp_path, text)}, bars)
    # bars 10 to 11, 11 to 12 and 12 to 13
    assert found[OPEN][:, 1] == pytest.approx([1.0, 1.1, 1.2])
    assert found[CLOSE][:, 1] == pytest.approx([1.1, 1.2, 1.2])


def test_within_a_day_its_own_rate_is_not_known_yet(tmp_path: Path) -> None:
    bars = panel(3, interval="1h", first=(MONDAY + DAY_NS + 11 * HOUR_NS), step=HOUR_NS)
    found = rates({"path": file(tmp_path, DAILY)}, bars)
    assert found[OPEN][:, 1] == pytest.approx([1.1, 1.1, 1.1])
    assert found[CLOSE][:, 1] == pytest.approx([1.1, 1.1, 1.1])


def test_a_week_opens_at_the_rate_of_the_week_before(tmp_path: Path) -> None:
    text = "date,rate\n2017-01-01,1.0\n2017-01-05,1.1\n2017-01-08,1.2\n2017-01-12,1.3\n"
    bars = panel(2, interval="1wk", first=(MONDAY + 7 * DAY_NS), step=7 * DAY_NS)
    found = rates({"path": file(tmp_path, text)}, bars)
    assert found[OPEN][:, 1] == pytest.approx([1.0, 1.2])
    assert found[CLOSE][:, 1] == pytest.approx([1.2, 1.3])


def test_a_constant_and_a_file_the_other_way_round(tmp_path: Path) -> None:
    assert (rates(1.25, panel())[CLOSE][:, 1] == 1.25).all()
    fx = {"path": file(tmp_path, DAILY), "inverse": True}
    assert rates(fx, panel())[CLOSE][:, 1] == pytest.approx(1 / np.array([1.1, 1.2, 1.2, 1.4]))


def test_nothing_is_read_where_all_is_in_the_accounts_currency() -> None:
    assert rates({"path": Path("no such file")}, panel(), {"AAA": "USD"}) == {}


def test_a_rate_that_is_missing_is_an_error_that_says_from_when(tmp_path: Path) -> None:
    text = "date,rate\n2017-01-03,1.1\n"
    wanted = (
        r"account\.fx\.EUR: .*eur\.csv: no rate that was known by 2017-01-03 00:00:00 UTC .* "
        r"BBB trades then \(2 bars lack one\)"
    )
    with pytest.raises(DataError, match=wanted):
        rates({"path": file(tmp_path, text)}, panel())


def test_a_rate_that_is_too_old_is_missing(tmp_path: Path) -> None:
    fx = {"path": file(tmp_path, DAILY), "max_age_days": 2}
    assert rates(fx, panel(6))[CLOSE][-1, 1] == 1.4
    with pytest.raises(DataError, match="at most 2 days old"):
        rates(fx, panel(7))


def test_a_symbol_that_does_not_trade_needs_no_rate(tmp_path: Path) -> None:
    bars = panel(5)
    for name in ("open", "high", "low", "close", "volume"):
        array = getattr(bars, name).copy()
        array[0, 1] = array[3:, 1] = NAN
        object.__setattr__(bars, name, array)
    late = Panel(bars.symbols, bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
    text = "date,rate\n2017-01-02,1.1\n2017-01-03,1.1\n"
    found = rates({"path": file(tmp_path, text)}, late)
    assert np.isnan(found[OPEN][:, 1]).tolist() == [True, False, False, True, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,rate\n2017-01-02,0\n", r"eur.csv:2: a rate of 0; wanted above zero"),
        ("date,rate\n2017-01-02,-1.5\n", r"eur.csv:2: a rate of -1.5"),
        ("date,price\n2017-01-02,1\n", r"account.fx.EUR: .*no column 'rate' among 'date', 'price'"),
        ("rate,x\n1,2\n", r"account.fx.EUR: .*no column 'date' among 'rate', 'x'"),
        ("date,rate\n2017-01-02,1\n2017-01-02,2\n", r"eur.csv:3: says again what row 2 says"),
        ("date,rate\n2017-01-02,one\n", r"eur.csv:2: column 'rate' holds 'one', wanted a number"),
        ("date,rate\n", r"account.fx.EUR: .*has a header and no rows"),
        ("", r"account.fx.EUR: .*is empty"),
    ],
)
def test_a_file_that_holds_no_rates_is_refused_by_row(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        rates({"path": file(tmp_path, text)}, panel())


def test_a_file_that_is_not_there_is_named_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"account.fx.EUR: .*nowhere.csv: no such file"):
        rates({"path": tmp_path / "nowhere.csv"}, panel())


def test_a_symbol_nobody_has_is_named() -> None:
    with pytest.raises(UnknownSymbolError, match=r"data.currencies: no symbol 'CCC' in the data"):
        rates(1.1, panel(), {"CCC": "EUR"})


def test_the_rate_at_the_open_of_a_day_means_nothing_to_hours(tmp_path: Path) -> None:
    fx = {"path": file(tmp_path, DAILY), "open": "rate"}
    with pytest.raises(ConfigError, match=r"account.fx.EUR.open: .* means nothing to bars of 1h"):
        rates(fx, panel(3, interval="1h", step=HOUR_NS))


@given(
    days=st.lists(st.integers(-9, 20), min_size=1, max_size=12, unique=True),
    cut=st.integers(1, 11),
)
@settings(max_examples=25, deadline=None)
def test_no_bar_sees_a_rate_of_a_later_day(
    days: list[int], cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fx")
    base = np.datetime64("2017-01-02")
    known = [-20, *sorted(days)]
    rows = [f"{base + day},{1 + (day + 20) / 100}" for day in known]
    fx = {"path": file(folder, "\n".join(["date,rate", *rows])), "max_age_days": 99}
    whole = rates(fx, panel(12))
    past = [row for day, row in zip(known, rows, strict=True) if day < cut]
    fx = {"path": file(folder, "\n".join(["date,rate", *past])), "max_age_days": 99}
    short = rates(fx, panel(12))
    for name in (OPEN, CLOSE):
        assert np.array_equal(whole[name][:cut], short[name][:cut])
    assert np.array_equal(whole[OPEN][cut], short[OPEN][cut])

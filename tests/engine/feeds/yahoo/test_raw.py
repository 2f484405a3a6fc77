"""Prices as they were traded, with Yahoo's own splits and dividends beside them."""

from datetime import date

import numpy as np
import pytest

from tests.yahoo_listings import march
from tests.yahoo_loopback import FakeYahoo, Reader, days_of
from tradewind.engine.bars.adjusting import DIVIDEND, SPLIT
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError
from tradewind.engine.feeds.actions import actions_of, placed

SPLIT_DAY, PAID_DAY = date(2024, 3, 12), date(2024, 3, 7)


@pytest.fixture
def traded(fake: FakeYahoo) -> dict[str, float]:
    """MSFT pays 2 a share and is then split 4 for 1; closes as they were traded, by day."""
    listing = march()
    listing.split(SPLIT_DAY, 4.0)
    listing.dividends[PAID_DAY] = 2.0
    listing.dividends[SPLIT_DAY] = 0.25
    fake.listings["MSFT"] = listing
    return {day.isoformat(): bar[3] for day, bar in listing.bars.items()}


def test_raw_prices_are_those_that_were_traded(get: Reader, traded: dict[str, float]) -> None:
    (bars,), _ = get(prices="raw")
    assert bars.close.tolist() == pytest.approx([traded[day] for day in days_of(bars)])
    assert (traded["2024-03-11"], traded["2024-03-12"]) == (106.0, 107.0 / 4)
    (adjusted,), _ = get()
    assert adjusted.close[0] < bars.close[0] / 4
    assert adjusted.close[-1] == bars.close[-1]


def test_splits_and_dividends_stand_on_their_days_in_new_units(
    get: Reader, traded: dict[str, float]
) -> None:
    (bars,), _ = get(prices="raw")
    days = days_of(bars)
    split = {day: v for day, v in zip(days, bars.columns["split_ratio"], strict=True) if v != 1}
    paid = {day: v for day, v in zip(days, bars.columns["ex_dividend"], strict=True) if v != 0}
    assert split == {"2024-03-12": 4.0}
    assert paid == pytest.approx({"2024-03-07": 2.0, "2024-03-12": 0.25})


def test_they_become_the_actions_of_the_panel(get: Reader, traded: dict[str, float]) -> None:
    config = DataConfig(source="yahoo", symbols=("MSFT",), prices="raw")
    (bars,), _ = get(prices="raw")
    actions = actions_of([bars], config)
    assert actions is not None
    (one,) = placed([bars], actions, {"MSFT": bars.ts}, config)
    assert set(one.columns) == {SPLIT, DIVIDEND}
    assert np.prod(one.columns[SPLIT]) == 4.0
    assert one.columns[DIVIDEND].sum() == pytest.approx(2.25)


def test_a_currency_that_yahoo_does_not_quote_in_is_refused(fake: FakeYahoo, get: Reader) -> None:
    fake.listings["VOD.L"] = march(currency="GBp")
    with pytest.raises(DataError, match=r"data.currencies: VOD.L is quoted in GBp at Yahoo, not "
                       r"in GBP; write VOD.L: GBp and its rate as account.fx"):  # fmt: skip
        get(symbols=("VOD.L",), currencies={"VOD.L": "GBP"})
    bars, _ = get(symbols=("VOD.L",), currencies={"VOD.L": "GBp"})
    assert len(bars) == 1


def test_currencies_that_the_config_names_need_no_warning(fake: FakeYahoo, get: Reader) -> None:
    fake.listings.update({"MSFT": march(), "SAP": march(currency="EUR")})
    _, notes = get(symbols=("MSFT", "SAP"))
    assert notes == (
        "Quoted in several currencies, and none is converted unless data.currencies names it: "
        "MSFT USD, SAP EUR",
    )
    _, notes = get(symbols=("MSFT", "SAP"), currencies={"SAP": "EUR"})
    assert notes == ()

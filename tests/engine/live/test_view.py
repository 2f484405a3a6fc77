"""What a view says of an account: when, since when, and by which prices."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.scripted_account import MONDAY, account, took
from tradewind.engine.bars.adjusting import DIVIDEND, SPLIT, factor_between, forward_adjusted
from tradewind.engine.bars.sessions import session_closes
from tradewind.engine.live.facts import Command
from tradewind.engine.live.fill_times import open_of, time_of
from tradewind.engine.live.view import _told, day_start, risk_view, state_of
from tradewind.engine.protocols import Forecasts
from tradewind.engine.records import DAY_NS, Panel
from tradewind.engine.types import Action, Intent, OrderType

BUY = Intent(0, action=Action.ORDER, qty=10.0)
HOUR = 3_600_000_000_000


def test_todays_change_is_measured_from_the_last_close_of_the_day_before_thawed_or_not() -> None:
    one = account({0: [BUY]}, max_drawdown=0.01)
    assert day_start(one) is None
    took(one, 100.0)
    assert day_start(one) == 10_000.0
    took(one, 100.0)
    took(one, 130.0)  # 10 units are worth 300 more
    took(one, 90.0)
    assert day_start(one) == 10_300.0
    one.obey(Command("c", "thaw", "page", 0))
    assert day_start(one) == 10_300.0
    assert day_start(one, now=int(one.book.panel.ts[-1]) + HOUR) == 9_900.0


@pytest.mark.parametrize(
    ("n_bars", "hours_later", "calendar", "want"),
    [
        (0, 0, "XNYS", None),
        (7, 0, "XNYS", 1_000.0),  # still the first day: the cash that was begun with
        (8, 0, "XNYS", 6.0),  # the first hour of the second day; bar 6 was the last of the first
        (14, 0, "XNYS", 6.0),
        (14, 18, "XNYS", 13.0),  # a trade of the third day
        (700, 0, "XNYS", 692.0),
        (900, 0, None, 887.0),  # without a calendar days end at midnight UTC
    ],
)
def test_days_are_those_of_the_exchange(
    n_bars: int, hours_later: int, calendar: str | None, want: float | None
) -> None:
    """Bars of an hour, seven a day, whose equity is their number."""
    if calendar:
        sessions = session_closes(calendar, "2017-01-03", "2017-12-31")
        hours = [
            min(opened + (k + 1) * HOUR, closed)
            for opened, closed in zip(sessions.opens, sessions.closes, strict=True)
            for k in range(7)
            if opened + k * HOUR < closed
        ]
    else:
        hours = [MONDAY + (k + 1) * HOUR for k in range(900)]
    ts = np.array(hours[:n_bars], np.int64)
    one: Any = SimpleNamespace(
        first_row=0,
        book=SimpleNamespace(
            panel=SimpleNamespace(ts=ts, interval="1h", calendar=calendar),
            equity=np.arange(float(n_bars)),
            config=SimpleNamespace(account=SimpleNamespace(cash=1_000.0)),
        ),
    )
    now = int(ts[-1]) + hours_later * HOUR if hours_later else 0
    assert day_start(one, now) == want


def test_a_killed_run_is_not_called_stopped() -> None:
    one = account({})
    one.obey(Command("c", "kill", "page", 0, {"reason": "it looks wrong"}))
    assert state_of(one, stopping=False) == ("killed", "it looks wrong")
    assert state_of(one, stopping=True)[0] == "stopping"


def test_limits_that_are_set_are_shown_before_the_first_bar() -> None:
    one = account({}, max_weight=0.3, max_orders_per_minute=5, max_daily_loss=0.02)
    rows = {row["limit"]: (row["of"], row["measured"]) for row in risk_view(one, None)}
    assert rows == {
        "max_weight": (0.3, False), "orders_per_minute": (5, False),
        "max_daily_loss": (0.02, False),
    }  # fmt: skip
    assert risk_view(account({}), None) == []


LIMIT = Intent(0, action=Action.ORDER, qty=10.0, order_type=OrderType.LIMIT, limit=95.0)
ON_CLOSE = Intent(0, action=Action.ORDER, qty=10.0, order_type=OrderType.MARKET_ON_CLOSE)


@pytest.mark.parametrize(
    ("wish", "when", "hour"), [(BUY, "open", 0), (LIMIT, "inside", 24), (ON_CLOSE, "close", 24)]
)
def test_a_fill_has_the_time_that_is_known_of_it(wish: Intent, when: str, hour: int) -> None:
    one = account({0: [wish]})
    took(one, 100.0)
    took(one, (100.0, 101.0, 94.0, 100.0))
    day = MONDAY + DAY_NS  # the second candle closes a day later
    assert time_of(one, one.book.fills[0]) == {"ts": day + hour * HOUR, "when": when}


def test_a_bar_opens_by_the_sessions_of_its_exchange() -> None:
    close = int(np.datetime64("2017-01-03T21:00", "ns").astype(np.int64))
    assert open_of("XNYS", "1d", close) == close - 6.5 * HOUR
    assert open_of("XNYS", "1h", close) == close - 0.5 * HOUR
    assert open_of("XNYS", "5min", close - HOUR) == close - HOUR - HOUR // 12
    assert open_of("XNYS", "1wk", close) is None
    assert open_of("XNYS", "5min", close + 5 * HOUR) is None


def test_a_split_and_a_dividend_are_no_error_of_a_forecast() -> None:
    close = np.array([[100.0], [102.0], [51.0], [50.0], [52.0]])
    split = np.array([[1.0], [1.0], [2.0], [1.0], [1.0]])
    paid = np.array([[0.0], [0.0], [0.0], [1.0], [0.0]])
    raw = Panel(
        ("A",), np.arange(1, 6), close, close, close, close, np.ones((5, 1)),
        columns={SPLIT: split, DIVIDEND: paid},
    )  # fmt: skip
    said = Forecasts(np.zeros((5, 1)), np.ones((5, 1)), 3)
    seen = forward_adjusted(raw).close
    for t in (0, 1):
        found = _told(said, raw, t, 0)
        assert found is not None
        assert found["came"] == pytest.approx(np.log(seen[t + 3, 0] / seen[t, 0]))
    later = _told(said, raw, 2, 0)
    assert later is not None
    assert later["came"] is None
    assert later["factor"] == factor_between(raw, 2, 4, 0) == pytest.approx(1.0 + 1.0 / 50.0)

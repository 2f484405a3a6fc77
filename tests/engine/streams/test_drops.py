"""What was not used is counted, and a log is told which and why, though not of each."""

from math import nan

import pytest

from tests.minutes import bars_at, ns
from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.streams import reasons
from tradewind.engine.streams.drops import Drops, shown
from tradewind.engine.streams.facts import Tick
from tradewind.engine.streams.intake import Intake

OPEN, SECOND = ns("2018-01-05T14:30"), 1_000_000_000


def tick(s: float, price: float, number: str = "", came_s: float = 0.0) -> Tick:
    """A trade so many seconds behind the open, received then or later."""
    at, came = (OPEN + int(x * SECOND) for x in (s, max(came_s, s)))
    return Tick("A", at, price, 1.0, received=came, id=number)


def intake(confirm: int = 2) -> Intake:
    history = bars_at([ns("2018-01-04T21:00")], "A", interval="1m", calendar="XNYS")
    return Intake(history, TicksConfig(confirm=confirm))


# ticks as (stamped, received, price), the clock being that of the last one received
LATE = [
    ("on time", [(59, 61, 100)], {}),
    ("behind the close of its bar", [(30, 30, 100), (59, 63, 100)], {reasons.LATE: 1}),
    ("a jump, confirmed in time", [(50, 50, 200), (51, 51, 201), (52, 52, 200)], {}),
    (
        "a jump, confirmed when its bar had closed",
        [(30, 30, 100), (58, 58, 200), (59, 59, 201), (64, 64, 200)],
        {reasons.CONFIRMED_LATE: 2},
    ),
    (
        "a jump that came late itself, and one that was held",
        [(30, 30, 100), (58, 58, 200), (59, 63, 201), (64, 64, 200)],
        {reasons.CONFIRMED_LATE: 1, reasons.LATE: 1},
    ),
    (
        "a jump that nobody confirms",
        [(30, 30, 100), (58, 58, 200), (64, 64, 100)],
        {reasons.SPIKE: 1},
    ),
]


@pytest.mark.parametrize(("what", "ticks", "want"), LATE, ids=[case[0] for case in LATE])
def test_a_late_tick_is_counted_and_one_that_was_doubted_too_long_by_its_own_reason(
    what: str, ticks: list[tuple[float, float, float]], want: dict[str, int]
) -> None:
    made = intake()
    for number, (s, came_s, price) in enumerate(ticks):
        made.advance(OPEN + int(came_s * SECOND))
        made.take([tick(s, price, str(number), came_s)])
    assert made.drops == want


def test_the_log_is_told_which_tick_was_late_and_which_bar_it_missed() -> None:
    made = intake()
    made.take([tick(30, 100.0)])
    made.advance(OPEN + 62 * SECOND)
    made.take([tick(59.25, 101.5, "7", 63)])
    assert made.drops.news(OPEN) == [
        "late: 1 not used (1 in all); the last: A at 101.5 (number 7), stamped 2018-01-05 "
        "14:30:59.250, received 2018-01-05 14:31:03.000; its bar closed at 2018-01-05 14:31:00 UTC"
    ]


def test_of_a_flood_there_is_a_line_a_minute_for_each_reason_and_the_rest_at_the_end() -> None:
    drops, lines = Drops(), []
    for s in range(180):
        drops.note(reasons.MALFORMED, f"message {s}")
        lines += drops.news(OPEN + s * SECOND)
    drops.note(reasons.CROSSED, "another")
    lines += drops.news(OPEN + 180 * SECOND - 1)
    assert [line.split(";")[0] for line in lines] == [
        "malformed: 1 not used (1 in all)", "malformed: 60 not used (61 in all)",
        "malformed: 60 not used (121 in all)", "crossed: 1 not used (1 in all)",
    ]  # fmt: skip
    assert drops.news() == ["malformed: 59 not used (180 in all); the last: message 179"]
    assert drops.news() == []


@pytest.mark.parametrize(
    ("one", "want"),
    [
        (Tick("A", 0, nan, bid=9.0, ask=8.0), "A bid 9 ask 8, stamped 0"),
        (Tick("", 1 << 70, 1.0), " at 1, stamped 1180591620717411303424"),
        (Tick("A", -5, 1.0, received=OPEN), "A at 1, stamped -5, received 2018-01-05 14:30:00.000"),
    ],
)
def test_no_tick_is_too_broken_to_be_shown(one: Tick, want: str) -> None:
    assert shown(one) == want

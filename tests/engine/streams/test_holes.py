"""A bar that traded while nobody listened is never made of the ticks that happened to come."""

from typing import NamedTuple

import numpy as np
import pytest

from tests.minutes import MINUTE_NS, bars_at, ns
from tradewind.engine.config.paper import TicksConfig
from tradewind.engine.features.stream import Row
from tradewind.engine.streams import reasons
from tradewind.engine.streams.facts import FeedNotice, FeedState, Tick
from tradewind.engine.streams.grid import Grid
from tradewind.engine.streams.intake import Intake

OPEN, SECOND = ns("2018-01-05T14:30"), 1_000_000_000
HISTORY = 50.0  # what every bar of the history closes at


class Scene(NamedTuple):
    """What happens, in minutes and seconds since the open, and the bars that come of it.

    ``start``: the run begins, behind a history that ends with the minute before it unless another
    is named. ``A 10``: a tick of A at 10. ``told 1 2``: the history is asked and has these bars of
    both symbols (``told 1A``: of A alone); ``told`` alone: it has none. Other words are states of
    the feed. In ``bars``, ``1: 50 12`` is the bar that closes with the first minute, 50 of A and 12
    of B; ``-`` is none. ``skipped`` are (first, last) minutes, and whose.
    """

    what: str
    events: str
    bars: str
    skipped: str = ""


SCENES = [
    Scene(
        "a start in the middle of a bar: the bar is the history's",
        "0:20 start | 0:25 live | 0:30 A 10 | 1:03 told 1 | 1:10 A 12 | 2:10 A 13",
        "1: 50 50 | 2: 12 - | 3: 13 -",
    ),
    Scene(
        "a start in the middle of a bar that the history never has: it is skipped",
        "0:20 start | 0:25 live | 0:30 A 10 | 1:03 told | 1:10 A 12 | 2:10 A 13",
        "2: 12 - | 3: 13 -",
        "1-1 all",
    ),
    Scene(
        "a start at the very open: its first instants are missing too",
        "0:00 start | 0:01 live | 0:02 A 10 | 1:10 A 12",
        "2: 12 -",
        "1-1 all",
    ),
    Scene(
        "a start before the open: every bar is whole",
        "-5:00 start | -4:00 live | -4:00 told | 0:30 A 10 | 1:10 A 12",
        "1: 10 - | 2: 12 -",
    ),
    Scene(
        "a history that ended three bars ago is caught up with first",
        "3:20 start 0 | 3:21 told 1 2 3 | 3:30 live | 3:31 A 10 | 4:10 A 12 | 4:20 told 4",
        "1: 50 50 | 2: 50 50 | 3: 50 50 | 4: 50 50 | 5: 12 -",
    ),
    Scene(
        "a break inside of a bar: ticks before and behind it are not all",
        "-5:00 start | -4:00 live | 0:10 A 10 | 0:20 down | 0:25 gap | 0:26 live | 0:40 A 11"
        " | 1:03 told 1 | 1:10 A 12",
        "1: 50 50 | 2: 12 -",
    ),
    Scene(
        "a break over the end of a bar tears both, and only those",
        "-5:00 start | -4:00 live | 0:10 A 10 | 1:50 A 11 | 1:55 down | 2:05 gap | 2:06 live"
        " | 2:10 A 12 | 2:20 told 2 | 3:10 A 13 | 3:20 told 3",
        "1: 10 - | 2: 50 50 | 3: 50 50 | 4: 13 -",
    ),
    Scene(
        "a long break: its first bar waits for what comes behind it",
        "-5:00 start | -4:00 live | 0:10 A 10 | 0:20 down | 9:40 gap | 9:41 live | 9:45 A 11"
        " | 9:50 told 1 2 5 9 | 10:05 told 10 | 10:10 A 12",
        "1: 50 50 | 2: 50 50 | 5: 50 50 | 9: 50 50 | 10: 50 50 | 11: 12 -",
    ),
    Scene(
        "a long break that the history does not tell of",
        "-5:00 start | -4:00 live | 0:10 A 10 | 0:20 down | 9:40 gap | 9:41 live | 9:45 A 11"
        " | 10:10 A 12",
        "11: 12 -",
        "1-10 all",
    ),
    Scene(
        "what the history tells too late is not taken any more",
        "-5:00 start | -4:00 live | 0:10 A 10 | 0:20 down | 1:40 gap | 1:41 live | 2:10 A 12"
        " | 3:10 A 13 | 3:10 told 1 2",
        "3: 12 - | 4: 13 -",
        "1-2 all",
    ),
    Scene(
        "what it tells of one symbol in time is taken, and nothing of the other",
        "-5:00 start | -4:00 live | 0:10 A 10 | 0:10 B 20 | 0:20 down | 0:25 gap | 0:26 live"
        " | 1:03 told 1A | 1:10 B 21",
        "1: 50 - | 2: - 21",
        "1-1 B",
    ),
    Scene(
        "silence that was taken for a broken line is a hole from the last tick on",
        "-5:00 start | -4:00 live | 0:10 A 10 | 0:50 A 11 | 1:20 stale | 1:22 gap | 1:23 live"
        " | 1:30 A 12 | 2:10 A 13 | 2:20 told 1 2",
        "1: 50 50 | 2: 50 50 | 3: 13 -",
    ),
    Scene(
        "a market in which nobody trades closes its bars too, when its silence is no bad sign",
        "-5:00 start | -4:00 live | 0:10 A 10 | 9:10 A 11",
        "1: 10 - | 10: 11 -",
    ),
    Scene(
        "ticks that come late by their own stamps: bars are the history's until they are on time",
        "-5:00 start | -4:00 live | 0:10 A 10 | 1:10 A 11 | 1:30 delayed | 2:10 A 12 | 2:20 told 2"
        " | 3:10 live | 3:11 A 13 | 3:20 told 3 | 4:05 told 4 | 4:10 A 14",
        "1: 10 - | 2: 50 50 | 3: 50 50 | 4: 50 50 | 5: 14 -",
    ),
    Scene(
        "ticks that were lost because they came too fast",
        "-5:00 start | -4:00 live | 0:10 A 10 | 0:30 gap 0:15 | 1:03 told 1 | 1:10 A 12",
        "1: 50 50 | 2: 12 -",
    ),
    Scene(
        "a break while the exchange is closed takes nothing",
        "-5:00 start | -4:00 live | -3:00 down | -2:00 gap -3:00 | 0:10 A 10 | 1:10 A 12",
        "1: 10 - | 2: 12 -",
    ),
    Scene(
        "bars that the feed makes itself are whole, those missing before them are waited for",
        "-5:00 start | -4:00 live | 0:20 down | 1:10 gap | 2:00 bar 2 | 2:20 told 1 2",
        "1: 50 50 | 2: 50 50",
    ),
]


def moment(text: str) -> int:
    """UTC nanoseconds of minutes and seconds since the open."""
    minutes, seconds = text.lstrip("-").split(":")
    since = (int(minutes) * 60 + int(seconds)) * SECOND
    return OPEN + (-since if text.startswith("-") else since)


def told(words: list[str]) -> list[Row]:
    """Bars of the history."""
    rows = []
    for word in words:
        a = np.array([HISTORY, np.nan if word.endswith("A") else HISTORY])
        rows.append(Row(OPEN + int(word.rstrip("A")) * MINUTE_NS, a, a, a, a, a))
    return rows


def played(scene: Scene) -> tuple[str, str]:
    """Bars and what was skipped, as the table writes them."""
    rows: list[Row] = []
    history = bars_at([ns("2018-01-04T21:00")], "AB", interval="1m", calendar="XNYS")
    made = Intake(history, TicksConfig(spike=1e9))
    for event in scene.events.split(" | "):
        at, word, *rest = event.split()
        now = moment(at)
        rows += made.advance(now)
        if word == "start":
            last = int(rest[0]) if rest else (now - OPEN) // MINUTE_NS
            made.maker.last_ts = max(made.maker.last_ts, OPEN + last * MINUTE_NS if last > 0 else 0)
            made.begin(now)
        elif word == "told":
            made.maker.fill(told(rest), now=now)
        elif word == "bar":
            made.maker.put(told(rest))
        elif word in "AB":
            made.take([Tick(word, now, float(rest[0]), 1.0, received=now)])
        else:
            since = moment(rest[0]) if rest else 0
            made.heard(FeedNotice(FeedState(word), now, word, since=since))
    for s in range(3600):
        rows += made.advance(now + s * SECOND)
    shown = (
        f"{(row.ts - OPEN) // MINUTE_NS}: "
        + " ".join("-" if x != x else f"{x:g}" for x in row.close)
        for row in rows
    )
    skipped = (
        f"{-((OPEN - one.first) // MINUTE_NS)}-{(one.last - OPEN) // MINUTE_NS} "
        + ("".join("AB"[k] for k in one.columns) or "all")
        for one in made.maker.skipped
    )
    return " | ".join(shown), " | ".join(skipped)


@pytest.mark.parametrize("scene", SCENES, ids=[scene.what for scene in SCENES])
def test_a_torn_bar_is_the_historys_or_none(scene: Scene) -> None:
    assert played(scene) == (scene.bars, scene.skipped)


def test_a_hole_that_nobody_fills_keeps_no_ticks() -> None:
    history = bars_at([ns("2018-01-04T21:00")], "AB", interval="1m", calendar="XNYS")
    made = Intake(history, TicksConfig())
    made.begin(OPEN)
    for minute in range(200):
        now = OPEN + minute * MINUTE_NS + 30 * SECOND
        made.take([Tick("A", now, 10.0, 1.0, received=now, id=str(minute))] * 2)
        assert made.advance(now) == []
    assert len(made.maker._open) < 5
    assert made.drops[reasons.DUPLICATE] == 200
    end = OPEN + 200 * MINUTE_NS
    made.maker.fill(told([str(m) for m in range(1, 201)]), now=end)
    assert len(made.advance(end + 2 * SECOND)) == 200


# calendar, interval, from, to (UTC), closes of the first and last bar that trade in between
REACHES = [
    ("XNYS", "1m", "2018-01-05T14:30", "2018-01-05T14:30", "2018-01-05T14:31", "2018-01-05T14:31"),
    ("XNYS", "1m", "2018-01-05T20:59", "2018-01-08T14:31", "2018-01-05T21:00", "2018-01-08T14:32"),
    ("XNYS", "1h", "2018-01-06T12:00", "2018-01-08T15:00", "2018-01-08T15:30", "2018-01-08T15:30"),
    ("XNYS", "1d", "2018-01-05T15:00", "2018-01-06T12:00", "2018-01-05T21:00", "2018-01-05T21:00"),
    ("XNYS", "1wk", "2018-01-02T22:00", "2018-01-03T03:00", "2018-01-05T21:00", "2018-01-05T21:00"),
    ("24/7", "1d", "2018-01-06T12:00", "2018-01-07T00:00", "2018-01-07T00:00", "2018-01-08T00:00"),
]


@pytest.mark.parametrize(("calendar", "interval", "since", "until", "first", "last"), REACHES)
def test_a_hole_reaches_from_the_bar_that_it_begins_in_to_the_one_that_it_ends_in(
    calendar: str, interval: str, since: str, until: str, first: str, last: str
) -> None:
    grid = Grid(calendar, interval, extended_hours=False)
    assert grid.reach(ns(since), ns(until)) == (ns(first), ns(last))


def test_a_hole_between_two_sessions_reaches_no_bar() -> None:
    grid = Grid("XNYS", "1m", extended_hours=False)
    first, last = grid.reach(ns("2018-01-06T12:00"), ns("2018-01-07T12:00"))
    assert first > last

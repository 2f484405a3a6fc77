"""Who watches over a connection, on a clock that skips every wait."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from tests.loopback import Heard
from tests.skipping import skipping
from tradewind.engine.errors import ConfigError
from tradewind.engine.streams import reasons
from tradewind.engine.streams.backlog import Backlog
from tradewind.engine.streams.facts import FeedState, Sink, Tick
from tradewind.engine.streams.patience import WEARY, Patience, Waits
from tradewind.engine.streams.supervisor import Slowed, Supervisor

SECOND = 1_000_000_000
BEGIN = 1_700_000_000 * SECOND
LIVE, DOWN, GAP, STALE = FeedState.LIVE, FeedState.DOWN, FeedState.GAP, FeedState.STALE
CONNECTING, DELAYED = FeedState.CONNECTING, FeedState.DELAYED
Act = Callable[[], Coroutine[Any, Any, Sequence[Tick]]]


def seconds() -> float:
    return asyncio.get_running_loop().time()


def now() -> int:
    return BEGIN + int(seconds() * SECOND)


def tick(symbol: str = "A", *, late_s: float = 0.0) -> Tick:
    return Tick(symbol, now() - int(late_s * SECOND), 10.0, 1.0, received=now())


class Scripted:
    """A connection that does what a list says, then waits for ever."""

    def __init__(self, *acts: Any) -> None:
        self.acts, self.closed = list(acts), 0
        self.opened_at = -1.0

    async def _do(self, act: Any) -> Sequence[Tick]:
        if isinstance(act, BaseException):
            raise act
        if isinstance(act, float):
            await asyncio.sleep(act)
            return ()
        return list(act() if callable(act) else act)

    async def open(self) -> None:
        self.opened_at = seconds()
        if self.acts and isinstance(self.acts[0], Opening):
            await self._do(self.acts.pop(0).act)

    async def receive(self, sink: Sink) -> Sequence[Tick]:
        del sink
        if not self.acts:
            await asyncio.Event().wait()
        return await self._do(self.acts.pop(0))

    async def close(self) -> None:
        self.closed += 1


class Opening:
    """What happens while a connection is opened."""

    def __init__(self, act: Any) -> None:
        self.act = act


def one() -> list[Tick]:
    return [tick()]


def played(
    connections: Sequence[Scripted], lasts_s: float, sink: Heard | None = None, **given: Any
) -> Heard:
    """Play connections one after the other; behind the last one nothing answers."""
    heard = sink or Heard()
    coming = iter(connections)

    def connect() -> Scripted:
        return next(coming, None) or Scripted(Opening(ConnectionError("refused")))

    async def scene() -> None:
        given.setdefault("patience", Patience(mute_s=20.0))
        made = Supervisor(connect, draw=Random(1), now=now, **given)
        with suppress(TimeoutError):
            async with asyncio.timeout(lasts_s):
                await made.run(heard)

    skipping(scene())
    return heard


def moments(heard: Heard) -> list[tuple[FeedState, float]]:
    return [(notice.state, (notice.at - BEGIN) / SECOND) for notice in heard.notices]


def test_a_connection_that_breaks_is_made_anew_and_the_gap_begins_at_the_last_tick() -> None:
    first, second = Scripted(5.0, one, ConnectionError("reset")), Scripted(1.0, one)
    heard = played([first, second], 15.0)
    assert heard.states == [CONNECTING, LIVE, DOWN, CONNECTING, GAP, LIVE]
    assert heard.notices[4].since == BEGIN + 5 * SECOND
    assert "reset" in heard.notices[2].reason
    assert (first.closed, second.closed) == (1, 1)
    assert 0.1 < second.opened_at - 5.0 < 1.0


def test_a_gap_never_begins_in_the_future_whatever_a_stamp_says() -> None:
    first = Scripted(lambda: [tick(late_s=-1e6)], ConnectionError("reset"))
    heard = played([first, Scripted(one)], 5.0)
    assert [notice.since for notice in heard.notices if notice.state is GAP] == [BEGIN]


def test_where_nothing_was_missed_no_gap_is_told() -> None:
    nothing = [Scripted(Opening(ConnectionError("refused"))) for _ in range(3)]
    heard = played([*nothing, Scripted(one)], 15.0)
    assert heard.states == [CONNECTING, DOWN, LIVE]


def test_a_server_that_is_away_for_long_is_one_notice_and_ever_rarer_tries() -> None:
    many = [Scripted(Opening(ConnectionError("refused"))) for _ in range(60)]
    heard = played(many, 600.0)
    assert heard.states == [CONNECTING, DOWN]
    pauses = [b.opened_at - a.opened_at for a, b in pairwise(many)]
    assert pauses[0] < 0.3
    assert all(2.0 <= pause <= 4.0 for pause in pauses[5 : WEARY - 1])
    assert all(7.5 <= pause <= 15.0 for pause in pauses[WEARY:50])
    assert len(set(pauses)) > 50  # many clients do not come back at once


@pytest.mark.parametrize(
    ("lasts_s", "longest_s"),
    [pytest.param(30.0, 0.25, id="one that lasted is forgiven all failures before it"),
     pytest.param(5.0, 4.0, id="one that broke at once is one more failure")],
)  # fmt: skip
def test_a_connection_that_never_brings_a_tick_is_judged_by_how_long_it_stood(
    lasts_s: float, longest_s: float
) -> None:
    away = [Scripted(Opening(ConnectionError("refused"))) for _ in range(10)]
    stood, back = Scripted(lasts_s, ConnectionError("reset")), Scripted()
    played([*away, stood, back], 120.0, in_session=lambda moment: False)
    pause = back.opened_at - stood.opened_at - lasts_s
    assert longest_s / 2.0 <= pause <= longest_s


def test_another_reason_to_be_down_is_told() -> None:
    found = played(
        [Scripted(Opening(OSError("no route"))), Scripted(Opening(OSError("no name")))], 1.0
    )
    told = [notice.reason for notice in found.notices if notice.state is DOWN]
    assert len(told) >= 2 and "no route" in told[0] and "no name" in told[1]


@pytest.mark.parametrize("end", [ConnectionResetError("reset"), EOFError("closed")])
def test_the_feed_is_back_within_the_times_that_are_promised(end: Exception) -> None:
    many = [Scripted(one, 0.01, end) for _ in range(400)]
    heard = played(many, 2_000.0)
    down = [at for state, at in moments(heard) if state is DOWN][:399]
    back = [connection.opened_at for connection in many[1:]]
    took = sorted(b - a for a, b in zip(down, back, strict=True))
    assert took[len(took) // 2] < 1.0
    assert took[int(0.99 * len(took))] < 5.0


def test_silence_is_told_within_its_limit_and_twice_the_time_is_given_where_it_stays() -> None:
    heard = played([Scripted(5.0, one), Scripted(), Scripted(), Scripted(one)], 150.0)
    stale = [at for state, at in moments(heard) if state is STALE]
    assert 25.0 <= stale[0] <= 26.0
    assert 40.0 <= stale[1] - stale[0] <= 43.0
    assert 80.0 <= stale[2] - stale[1] <= 83.0
    assert heard.states[:3] == [CONNECTING, LIVE, STALE]
    assert heard.states[-1] in (LIVE, STALE)


def test_once_ticks_come_again_the_limit_is_the_first_one_again() -> None:
    heard = played([Scripted(one), Scripted(1.0, one), Scripted(1.0, one)], 75.0)
    stale = [at for state, at in moments(heard) if state is STALE]
    assert len(stale) == 3
    assert all(21.0 <= b - a <= 24.0 for a, b in pairwise(stale))


def test_messages_without_a_tick_are_silence_too() -> None:
    heard = played([Scripted(one, *[1.0] * 60)], 22.0)
    assert heard.states[:3] == [CONNECTING, LIVE, STALE]


def test_outside_of_the_session_silence_means_nothing() -> None:
    def open_from_100_s_on(moment: int) -> bool:
        return moment >= BEGIN + 100 * SECOND

    connection = Scripted(one)
    heard = played([connection], 130.0, in_session=open_from_100_s_on)
    at, _ = next((at, state) for state, at in moments(heard) if state is STALE)
    assert 119.0 <= at <= 121.5  # counted from the opening on


def test_a_feed_that_connects_while_the_exchange_is_closed_says_so() -> None:
    heard = played([Scripted()], 1000.0, in_session=lambda moment: False)
    assert heard.states == [CONNECTING, LIVE]
    assert "closed" in heard.notices[-1].reason


def test_late_stamps_are_told_after_a_while_and_one_on_time_ends_it() -> None:
    def late() -> list[Tick]:
        return [tick(late_s=900.0)]

    late_ones = [act for _ in range(15) for act in (1.0, late)]
    heard = played([Scripted(*late_ones, one)], 30.0)
    assert heard.states == [CONNECTING, DELAYED, LIVE]
    assert "900 s" in heard.notices[1].reason
    assert moments(heard)[1][1] == pytest.approx(10.0, abs=1.0)


def test_a_symbol_that_trades_seldom_does_not_make_the_feed_delayed() -> None:
    mixed = [act for _ in range(30) for act in (1.0, lambda: [tick("B", late_s=900.0)], one)]
    assert played([Scripted(*mixed)], 40.0).states == [CONNECTING, LIVE]


def test_a_refusal_for_good_ends_it_at_once() -> None:
    connection = Scripted(Opening(ConfigError("paper.feed: the key is wrong")))
    heard = Heard()
    with pytest.raises(ConfigError, match="the key is wrong"):
        played([connection], 60.0, heard)
    assert heard.states == [CONNECTING, DOWN]
    assert connection.closed == 1


def test_a_refusal_in_the_middle_of_the_stream_ends_it_too() -> None:
    with pytest.raises(ConfigError, match="revoked"):
        played([Scripted(one, ConfigError("the key was revoked"))], 60.0)


def test_who_is_told_to_slow_down_waits_longer_each_time_and_never_less_than_asked() -> None:
    slowed = [Scripted(Opening(Slowed("HTTP 429", wait))) for wait in (0.0, 0.0, 500.0)]
    back = Scripted(one, Slowed("HTTP 429"))
    played([*slowed, back, last := Scripted(one)], 2_000.0)
    first, second, third = (connection.opened_at for connection in slowed)
    assert 30.0 <= second - first <= 37.5
    assert 60.0 <= third - second <= 75.0
    assert 500.0 <= back.opened_at - third <= 625.0
    assert 30.0 <= last.opened_at - back.opened_at <= 37.5  # it brought something in between


def test_the_wait_for_a_limit_is_told() -> None:
    heard = played([Scripted(Opening(Slowed("HTTP 429", 90.0)))], 20.0)
    assert heard.states == [CONNECTING, DOWN]
    assert "HTTP 429; waiting" in heard.notices[-1].reason


def test_an_opening_that_takes_too_long_is_given_up() -> None:
    hanging = Scripted(Opening(1e9))
    heard = played([hanging, Scripted(one)], 15.0)
    assert heard.states == [CONNECTING, DOWN, LIVE]
    assert "not open within 10 s" in heard.notices[1].reason
    assert hanging.closed == 1


def test_a_client_that_cannot_be_made_is_a_failure_like_others() -> None:
    made = iter([ConfigError("paper.feed: no such package")])

    def connect() -> Scripted:
        raise next(made)

    async def scene() -> None:
        with pytest.raises(ConfigError, match="no such package"):
            await Supervisor(connect, now=now).run(Heard())

    skipping(scene())


def test_a_client_that_does_not_let_go_is_not_waited_for() -> None:
    class Clinging(Scripted):
        async def close(self) -> None:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(20.0)
            await asyncio.sleep(20.0)

    second = Scripted(one)
    played([Clinging(one, ConnectionError("reset")), second], 60.0)
    assert 0.0 < second.opened_at < 3.0


def test_a_client_whose_reading_is_cancelled_from_within_is_made_anew() -> None:
    heard = played([Scripted(one, asyncio.CancelledError()), Scripted(one)], 5.0)
    assert heard.states == [CONNECTING, LIVE, DOWN, CONNECTING, GAP, LIVE]


def test_the_end_of_the_run_closes_the_connection() -> None:
    connection = Scripted(one)
    played([connection], 3.0)
    assert connection.closed == 1


def test_what_a_person_must_know_is_told_at_the_start() -> None:
    heard = played([Scripted(one)], 1.0, about="quotes are made up")
    assert heard.notices[0].reason == "connecting; quotes are made up"


def test_no_reason_holds_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from tradewind.engine.secret import secret

    monkeypatch.setenv("CANARY_TOKEN", "canary-4711-token")
    secret("CANARY_TOKEN", wanted_by="a test")
    heard = played([Scripted(Opening(OSError("wss://h/?token=canary-4711-token")))], 0.1)
    assert heard.states == [CONNECTING, DOWN]
    assert "4711" not in heard.notices[-1].reason


def test_a_sink_that_fails_ends_the_run_and_is_no_broken_connection() -> None:
    class Failing(Heard):
        def ticks(self, batch: Sequence[Tick]) -> None:
            raise ZeroDivisionError("in the sink")

    with pytest.raises(ZeroDivisionError, match="in the sink"):
        played([Scripted(one)], 5.0, Failing())


def test_others_have_their_turn_after_a_hundred_messages() -> None:
    turns: list[int] = []
    heard = Heard()

    async def scene() -> None:
        many = Scripted(*[one] * 5_000)
        task = asyncio.create_task(Supervisor(lambda: many, now=now).run(heard))
        while len(heard.all) < 5_000:
            await asyncio.sleep(0)
            turns.append(len(many.acts))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    skipping(scene())
    assert max(a - b for a, b in pairwise(turns)) <= 100
    assert len(heard.all) == 5_000


def test_a_sink_that_is_too_slow_keeps_the_newest_of_each_symbol_and_a_gap_is_told() -> None:
    symbols = [f"S{k}" for k in range(10)]
    burst = [Tick(name, BEGIN + n, float(n), 1.0, received=BEGIN + n)
             for n in range(1, 101) for name in symbols]  # fmt: skip
    heard = played([Scripted(burst, 1.0, one)], 5.0, patience=Patience(mute_s=20.0, most_held=20))
    lost = Counter(reason for reason, _ in heard.drops)
    assert lost == {reasons.OVERFLOW: 1_000 - 20}
    assert len(heard.all) == 21
    assert {(t.symbol, t.price) for t in heard.all[-11:-1]} == {(name, 100.0) for name in symbols}
    assert heard.states == [CONNECTING, DELAYED, GAP, LIVE]
    assert next(notice.since for notice in heard.notices if notice.state is GAP) == BEGIN + 1


def test_a_backlog_drops_the_oldest_that_a_newer_one_follows() -> None:
    backlog = Backlog(3)
    ticks = [Tick(name, ts) for ts, name in enumerate("ABBBA", 1)]
    assert [backlog.put(each) for each in ticks] == [None, None, None, ticks[1], ticks[0]]
    assert backlog.take(9) == [ticks[2], ticks[3], ticks[4]]
    assert len(backlog) == 0


def test_a_backlog_has_room_for_one_tick_of_every_symbol() -> None:
    backlog = Backlog(2)
    assert [backlog.put(Tick(name, 1)) for name in "ABCD"] == [None] * 4
    assert [each.symbol for each in backlog.take(2)] == ["A", "B"]
    assert backlog.put(Tick("C", 2)) == Tick("C", 1)


def test_the_same_seed_waits_the_same() -> None:
    def waits(seed: int) -> list[float]:
        made = Waits(Patience(), Random(seed))
        return [made.failed() for _ in range(30)]

    assert waits(3) == waits(3) != waits(4)

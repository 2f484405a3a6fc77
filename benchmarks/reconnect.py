"""How soon a feed is back: each provider's own client against a server that breaks its connection.

``python benchmarks/reconnect.py [--quick] [--json]``. Each adapter follows a loopback server that
speaks its provider's wire; there is no way to the provider in it, which adds what a handshake takes
from there. The server ends the connection cleanly or resets it, again and again, each time after a
tick; measured is the time until the feed is subscribed again and says so (``gap``), by our clock,
with the waits a run has. ``mute``: the server says nothing any more; how much later than its limit
a feed notices. ``stall``: while a burst comes as fast as the server can send, how long at most
another task of the event loop waited for its turn.
"""

import argparse
import asyncio
import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.conformance import SERVERS, connected
from tests.loopback import Heard, until
from tradewind.engine.streams.facts import FeedState

BREAKS, QUICK_BREAKS = 60, 6  # of each kind
MUTES, QUICK_MUTES = 5, 1
MUTE_S, LONG_S = 1.0, 60.0
BURST, ANSWER = 20_000, 1_000  # ticks; an exchange that is asked answers with no more at once
GOAL_P50_S, GOAL_P99_S, GOAL_STALL_MS = 1.0, 5.0, 50.0
ENDS = ("close_clean", "reset")


class Scene:
    """A feed at its server.

    Parameters
    ----------
    provider : str
    mute_s : float
    """

    def __init__(self, provider: str, mute_s: float = LONG_S) -> None:
        self.provider, self.mute_s = provider, mute_s
        self.server, self.heard = SERVERS[provider](), Heard()

    async def __aenter__(self) -> "Scene":
        """Connect, and have a first tick."""
        await self.server.start()
        feed = self.server.feed(self.server.symbols, self.mute_s)
        self.feed = feed
        self.task = asyncio.create_task(feed.run(self.heard))
        await connected(self.server, self.heard)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End both."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        await self.server.stop()

    async def broken(self, end: str) -> float:
        """Seconds from an end of the connection until the feed is back."""
        gaps = self.heard.states.count(FeedState.GAP)
        begun = time.perf_counter()
        found = getattr(self.server, end)()
        if found is not None:
            await found
        await until(lambda: self.heard.states.count(FeedState.GAP) > gaps)
        took = time.perf_counter() - begun
        await connected(self.server, self.heard)
        return took


async def breaks(provider: str, n: int) -> dict[str, Any]:
    """Ends of both kinds, one after the other."""
    async with Scene(provider) as scene:
        took = [await scene.broken(end) for _ in range(n) for end in ENDS]
    p50, p99 = float(np.quantile(took, 0.5)), float(np.quantile(took, 0.99))
    return {
        "case": "reconnect", "provider": provider, "breaks": len(took), "p50_s": round(p50, 3),
        "p99_s": round(p99, 3), "goal_p50_s": GOAL_P50_S, "goal_p99_s": GOAL_P99_S,
        "met": p50 < GOAL_P50_S and p99 < GOAL_P99_S,
    }  # fmt: skip


async def mutes(provider: str, n: int) -> dict[str, Any]:
    """Silence on a connection that stands."""
    late = []
    for _ in range(n):
        async with Scene(provider, MUTE_S) as scene:
            begun = time.perf_counter()
            await until(lambda scene=scene: FeedState.STALE in scene.heard.states)
            late.append(time.perf_counter() - begun - MUTE_S)
    return {
        "case": "mute", "provider": provider, "trials": n, "limit_s": MUTE_S,
        "latest_s": round(max(late), 3),
    }  # fmt: skip


async def stall(provider: str) -> dict[str, Any]:
    """The longest time between two turns of another task, with a server in a thread of its own."""
    theirs = asyncio.new_event_loop()
    thread = threading.Thread(target=theirs.run_forever, daemon=True)
    thread.start()

    def there(work: Any) -> "asyncio.Future[Any]":
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, theirs))

    server, heard = SERVERS[provider](), Heard()
    await there(server.start())
    task = asyncio.create_task(server.feed(server.symbols, LONG_S).run(heard))
    now, name = time.time_ns(), server.symbols[0]
    await there(asyncio.wait_for(server.ready.wait(), LONG_S))
    calm = await _longest(asyncio.sleep(1.0))
    n_ticks = ANSWER if provider == "ccxt_polled" else BURST
    burst = [server.trade(name, now + n, 50.0 + n % 7, n + 2) for n in range(n_ticks)]

    async def work() -> None:
        await there(server.send(*burst))
        await until(lambda: len(heard.all) >= n_ticks, LONG_S)

    busy = await _longest(work())
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await there(server.stop())
    theirs.call_soon_threadsafe(theirs.stop)
    thread.join()
    return {
        "case": "stall", "provider": provider, "ticks": n_ticks, "calm_ms": round(1e3 * calm, 1),
        "longest_ms": round(1e3 * busy, 1), "goal_ms": GOAL_STALL_MS,
        "met": 1e3 * busy < GOAL_STALL_MS,
    }  # fmt: skip


async def _longest(work: Any) -> float:
    """Longest time in which a task that always wants its turn got none, while work was done."""
    task, longest, last = asyncio.ensure_future(work), 0.0, time.perf_counter()
    while not task.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    await task
    return longest


def rows(*, quick: bool) -> Iterator[dict[str, Any]]:
    """A row for each provider and case."""
    for provider in sorted(SERVERS):
        yield asyncio.run(breaks(provider, QUICK_BREAKS if quick else BREAKS))
        yield asyncio.run(mutes(provider, QUICK_MUTES if quick else MUTES))
        yield asyncio.run(stall(provider))


def main() -> None:
    """Print rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="six breaks of a kind, not sixty")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # its server dies here for a living
    for row in rows(quick=given.quick):
        print(json.dumps(row) if given.json else row, flush=True)


if __name__ == "__main__":
    main()

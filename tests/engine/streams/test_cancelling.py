"""What watches over connections obeys whoever watches over it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from tests.loopback import Heard
from tradewind.engine.streams.facts import Sink, Tick
from tradewind.engine.streams.supervisor import Patience, Supervisor

STEPS = 12  # of the event loop; a connection below is open, heard and closed within them


class Quick:
    """A connection that takes a few turns of the loop for everything."""

    async def open(self) -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def receive(self, sink: Sink) -> Sequence[Tick]:
        await asyncio.sleep(0)
        raise ConnectionError("gone")

    async def close(self) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("step", range(STEPS))
def test_a_supervisor_that_is_cancelled_ends_whatever_it_was_about_to_do(step: int) -> None:
    async def play() -> None:
        supervisor = Supervisor(Quick, Patience(first_wait_s=0.0001, longest_wait_s=0.0001))
        task: asyncio.Task[Any] = asyncio.create_task(supervisor.run(Heard()))
        for _ in range(step):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5.0)
        lost = not done
        while not task.done():
            task.cancel()
            await asyncio.sleep(0.001)
        with suppress(asyncio.CancelledError):
            await task
        assert not lost

    asyncio.run(play())

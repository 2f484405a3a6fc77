"""A live feed beside its provider's loopback server: what every test of an adapter begins with.

An adapter is held to the whole suite (``test_conformance*.py``) by an entry of its server in
``SERVERS``.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from tests.ccxt_loopback import CcxtLoopback
from tests.ccxt_polled import CcxtPolled
from tests.loopback import LOOPBACKS, Heard, until
from tradewind.engine.errors import ConfigError

MUTE_S = 1.0
FIRST_WAIT_S = 0.02  # that waits grow, and how far, is seen on a clock that skips them
LONG_S = 30.0  # silence that no scene is long enough for
Scene = Callable[[Any, Heard], Coroutine[Any, Any, None]]
SERVERS = LOOPBACKS | {"ccxt": CcxtLoopback, "ccxt_polled": CcxtPolled}
NAMELESS = "ccxt_polled"  # its answers name no symbol, and come in the order of their stamps
every_provider = pytest.mark.parametrize("provider", sorted(SERVERS))


def played(provider: Any, scene: Scene, *, mute_s: float = MUTE_S, most_held: int = 0) -> Heard:
    """Play a scene between a feed and its server; an error of the feed ends it.

    Parameters
    ----------
    provider : str or type
        Name of a loopback, or its class.
    scene : callable
    mute_s : float
        Silence that the feed bears.
    most_held : int
        Ticks that wait for a slow sink; 0: as many as there are.
    """
    heard = Heard()
    asyncio.run(_played(provider, scene, heard, mute_s, most_held))
    return heard


async def _played(provider: Any, scene: Scene, heard: Heard, mute_s: float, most_held: int) -> None:
    server = SERVERS.get(provider, provider)()
    await server.start()
    feed = server.feed(server.symbols, mute_s)
    feed.patience = replace(feed.patience, first_wait_s=FIRST_WAIT_S)
    if most_held:
        heard.most_held = most_held
        feed.patience = replace(feed.patience, most_held=most_held)
    task = asyncio.create_task(feed.run(heard))
    acting = asyncio.create_task(scene(server, heard))
    try:
        await asyncio.wait([acting, task], return_when=asyncio.FIRST_COMPLETED)
        for each in (task, acting):
            if each.done():
                each.result()
    finally:
        task.cancel()
        acting.cancel()
        with suppress(asyncio.CancelledError, ConfigError):
            await task
        await server.stop()


async def connected(server: Any, heard: Heard, price: float = 50.0) -> None:
    """Wait for a subscription, and for the first tick behind it."""
    await asyncio.wait_for(server.ready.wait(), 20.0)
    n = len(heard.all)
    await server.send(server.trade(server.symbols[0], time.time_ns(), price, n + 1))
    await until(lambda: len(heard.all) > n)

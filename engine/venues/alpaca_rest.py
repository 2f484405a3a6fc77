"""Questions to Alpaca's server, each with a limit on its time and an error that says whose turn."""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from tradewind.engine.errors import (
    ConfigError,
    MalformedPayloadError,
    ProviderDownError,
    RateLimitedError,
)
from tradewind.engine.secret import redacted
from tradewind.engine.streams.optional import client as imported

KEY = "paper.venue"
PAPER = "paper-api.alpaca.markets"
HERE = ("127.0.0.1", "localhost", "::1")
LONGEST_WAIT_S, WAITS = 60.0, 3  # where we are asked to slow down
NO_MONEY = 4031  # how the number of a refusal begins that is about the order and not about the key
Found = dict[str, Any]


class Refused(Exception):
    """An answer that is about what was asked, not about the connection or the key.

    Attributes
    ----------
    status : int
    said : str
        The broker's own words.
    """

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"HTTP {status}: {said}")
        self.status, self.said = status, said


def paper_address(url: str, schemes: tuple[str, ...]) -> str:
    """Address, checked to be that of paper accounts or of this machine.

    Raises
    ------
    ConfigError
        For any other: real money is not traded here.
    """
    parts = urlsplit(url)
    if parts.scheme not in schemes or parts.hostname not in (PAPER, *HERE):
        raise ConfigError(
            f"{KEY}: {url} is not a server of paper accounts; orders go to {PAPER} or to this "
            "machine alone, and nothing here trades real money"
        )
    return url


class Rest:
    """Alpaca's trading client, asked from an event loop.

    Parameters
    ----------
    keys : (str, str)
    url : str
    timeout_s : float
        For a connection, and for each wait for an answer.
    """

    def __init__(self, keys: tuple[str, str], url: str, timeout_s: float) -> None:
        self._keys, self._url, self._timeout_s = keys, url, timeout_s
        self._made: Any = None
        self._free_at = 0.0

    def _client(self) -> Any:
        """Client of alpaca-py; without a limit on time or a say in its waits of its own."""
        made = imported("alpaca.trading.client", wanted_by=KEY).TradingClient(
            *self._keys, paper=True, raw_data=True, url_override=self._url
        )
        made._retry = 0
        made._session.request = partial(made._session.request, timeout=self._timeout_s)
        return made

    async def get(self, path: str, **params: Any) -> Any:
        """Answer to a question."""
        return await self._asked(lambda client: client.get(path, params))

    async def post(self, request: Mapping[str, Any]) -> Found:
        """Order as the broker took it."""

        def send(client: Any) -> Any:
            requests = imported("alpaca.trading.requests", wanted_by=KEY)
            kinds = {
                "market": requests.MarketOrderRequest, "limit": requests.LimitOrderRequest,
                "stop": requests.StopOrderRequest, "stop_limit": requests.StopLimitOrderRequest,
                "trailing_stop": requests.TrailingStopOrderRequest,
            }  # fmt: skip
            return client.submit_order(kinds[request["type"]](**request))

        found: Found = await self._asked(send)
        return found

    async def delete(self, order_id: str) -> None:
        """Ask for an order to be withdrawn."""
        await self._asked(lambda client: client.cancel_order_by_id(order_id))

    async def _asked(self, ask: Callable[[Any], Any]) -> Any:
        """Ask; where we are told to slow down, everybody waits, as long as was said."""
        for _ in range(WAITS + 1):
            await asyncio.sleep(max(0.0, self._free_at - time.monotonic()))
            try:
                return await asyncio.to_thread(self._ask, ask)
            except _Slow as slow:
                self._free_at = time.monotonic() + slow.wait_s
        raise RateLimitedError("alpaca: asked to slow down again and again (HTTP 429)")

    def _ask(self, ask: Callable[[Any], Any]) -> Any:
        from requests.exceptions import JSONDecodeError, RequestException

        errors = imported("alpaca.common.exceptions", wanted_by=KEY)
        if self._made is None:
            self._made = self._client()
        try:
            return ask(self._made)
        except errors.APIError as error:
            raise _meaning(error) from None
        except JSONDecodeError:
            raise MalformedPayloadError("alpaca answered with something that is no JSON") from None
        except RequestException as error:
            what = redacted(f"{type(error).__name__}: {error}")
            raise ProviderDownError(f"alpaca could not be reached in time: {what}") from None


class _Slow(Exception):
    def __init__(self, wait_s: float) -> None:
        super().__init__(f"{wait_s:g}")
        self.wait_s = wait_s


def _meaning(error: Any) -> Exception:
    """What an error of alpaca-py means."""
    status = int(error.status_code or 0)
    try:
        said, code = redacted(str(error.message)), int(error.code)
    except (ValueError, KeyError, TypeError):
        said, code = redacted(str(error))[:200], 0
    if status == 429:
        return _Slow(_wait_s(error.response.headers))
    if status == 401 or (status == 403 and code // 10_000 != NO_MONEY):
        return ConfigError(
            f"{KEY}: alpaca refuses the keys (HTTP {status}: {said}); make sure that the secrets "
            "hold those of a paper account"
        )
    if status >= 500 or status == 408 or not status:
        return ProviderDownError(f"alpaca failed (HTTP {status}: {said})")
    return Refused(status, said)


def _wait_s(headers: Mapping[str, str]) -> float:
    """How long an answer asks to wait: in seconds, or until a second of the epoch."""
    try:
        if "Retry-After" in headers:
            wait = float(headers["Retry-After"])
        else:
            wait = float(headers["X-RateLimit-Reset"]) - time.time()
    except (KeyError, ValueError):
        wait = 1.0
    return min(max(wait, 0.05), LONGEST_WAIT_S)

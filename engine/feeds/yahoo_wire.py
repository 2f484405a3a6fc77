"""What Yahoo really answered: yfinance keeps it to itself and returns an empty frame instead.

A :class:`Wire` listens to the session that yfinance uses and remembers the last chart reply, and
:func:`verdict` turns it into data, an honest "there is nothing in that range", or a typed error.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from tradewind.engine.errors import (
    DataError,
    MalformedPayloadError,
    ProviderDownError,
    RateLimitedError,
    TradewindError,
    UnknownSymbolError,
)

_CHART = "/v8/finance/chart/"
_EXCERPT = 80  # characters of an unreadable answer shown in a message


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the chart interface."""

    symbol: str
    status: int
    text: str
    retry_after_s: float


class Wire:
    """Listens to one HTTP session and keeps the last chart answer, None after a broken connection.

    The session is any that yfinance accepts; it works exactly as before.
    """

    def __init__(self, session: Any) -> None:
        """Start to listen."""
        self.session = session
        self.reply: Reply | None = None
        self._send = session.request
        session.request = self._listen

    def _listen(self, *args: Any, **kwargs: Any) -> Any:
        asked = urlsplit(str(kwargs.get("url") or args[1])).path.startswith(_CHART)
        if asked:
            self.reply = None  # should this one break off, an earlier answer is not its answer
        response = self._send(*args, **kwargs)
        path = urlsplit(str(response.url)).path
        if asked and path.startswith(_CHART):
            symbol = unquote(path.removeprefix(_CHART))
            wait = _seconds(response.headers.get("Retry-After"))
            self.reply = Reply(symbol, response.status_code, response.text, wait)
        return response


def _seconds(text: str | None) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0  # a date instead of seconds: our own backoff will do


def verdict(symbol: str, reply: Reply) -> dict[str, Any] | TradewindError:
    """Read a chart reply.

    Returns
    -------
    dict or TradewindError
        The ``result`` of a well-formed answer (without ``timestamp`` where the range is empty), or
        the error to raise.
    """
    if reply.status == 429 or "Too Many Requests" in reply.text[:200]:
        return RateLimitedError(f"{symbol}: Yahoo answered 429, too many requests")
    if reply.status >= 500 or "Will be right back" in reply.text:
        return ProviderDownError(f"{symbol}: Yahoo answered HTTP {reply.status}, a server error")
    document = _document(reply.text)
    said = _complaint(document)
    if said:
        return _refused(symbol, reply.status, *said)
    if reply.status in (401, 403):
        return ProviderDownError(
            f"{symbol}: Yahoo refused the connection with HTTP {reply.status}; it may block this "
            "address or region"
        )
    result = _result(document)
    if reply.status != 200 or result is None:
        return MalformedPayloadError(
            f"{symbol}: Yahoo answered HTTP {reply.status} with something that is not a chart: "
            f"{' '.join(reply.text[:_EXCERPT].split())!r} ({len(reply.text)} characters)"
        )
    answered = str(result["meta"].get("symbol", symbol))
    if answered.upper() != reply.symbol.upper():
        return MalformedPayloadError(f"{symbol}: Yahoo answered with a chart of {answered}")
    return result


def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _complaint(document: Any) -> tuple[str, str] | None:
    """Code and words of an error that Yahoo explains."""
    chart = document.get("chart") if isinstance(document, dict) else None
    error = chart.get("error") if isinstance(chart, dict) else None
    if not isinstance(error, dict):
        return None
    return str(error.get("code", "")), str(error.get("description", ""))


def _refused(symbol: str, status: int, code: str, words: str) -> TradewindError | dict[str, Any]:
    if "exist for startDate" in words:
        return {"meta": {}}  # a known symbol, nothing in the range
    if code == "Not Found" or status == 404:
        return UnknownSymbolError(
            f"{symbol}: Yahoo has no such symbol ({words}); look the name up on "
            "finance.yahoo.com, delisted companies are usually gone"
        )
    if code in ("Unprocessable Entity", "Bad Request", "Invalid input"):
        return DataError(f"{symbol}: Yahoo refused the request: {words}")
    return ProviderDownError(f"{symbol}: Yahoo answered HTTP {status}, {code}: {words}")


def _result(document: Any) -> dict[str, Any] | None:
    """First result of a chart if its skeleton is right."""
    chart = document.get("chart") if isinstance(document, dict) else None
    results = chart.get("result") if isinstance(chart, dict) else None
    if not isinstance(results, list) or not results or not isinstance(results[0], dict):
        return None
    result: dict[str, Any] = results[0]
    return result if isinstance(result.get("meta"), dict) else None

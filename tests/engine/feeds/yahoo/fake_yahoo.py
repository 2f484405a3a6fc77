"""Yahoo on loopback: its host names over TLS behind a CONNECT proxy, its chart format, its errors.

A :class:`Listing` is written down as it traded; what the server tells of it is rendered as Yahoo
does: divided by every split up to the server's present, in single precision, with the bar of a
running session at the end.
"""

import contextlib
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import numpy as np

HOSTS = (
    "fc.yahoo.com",
    "query1.finance.yahoo.com",
    "query2.finance.yahoo.com",
    "guce.yahoo.com",
    "consent.yahoo.com",
    "finance.yahoo.com",
)
Bar = tuple[float, float, float, float, float]


@dataclass
class Listing:
    """One symbol as it traded."""

    bars: dict[date, Bar]
    dividends: dict[date, float] = field(default_factory=dict)
    splits: dict[date, tuple[float, float]] = field(default_factory=dict)
    gains: dict[date, float] = field(default_factory=dict)
    zone: str = "America/New_York"
    opens: time = time(9, 30)
    closes: time = time(16, 0)
    kind: str = "EQUITY"
    factor: float = 1.0  # a change of units that no split explains
    intraday: dict[datetime, Bar] = field(default_factory=dict)

    def at(self, day: date, moment: time) -> datetime:
        """Moment of a day at the exchange."""
        return datetime.combine(day, moment, ZoneInfo(self.zone))


@dataclass(frozen=True)
class Canned:
    """An answer written beforehand."""

    status: int
    body: str
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


TOO_MANY = Canned(429, "Too Many Requests\r\n", "text/html")
BROKEN = Canned(500, "<html><body>Internal Server Error</body></html>", "text/html")
SORRY = Canned(
    200, "<!DOCTYPE html><html><body>Oops, something went wrong</body></html>", "text/html"
)
CUT_OFF = Canned(200, '{"chart":{"result":[{"meta":{"currency":"USD","symbol":"MS')
NOT_FOUND = Canned(
    404,
    '{"chart":{"result":null,"error":{"code":"Not Found",'
    '"description":"No data found, symbol may be delisted"}}}',
)


class FakeYahoo:
    """The server; ``asked`` lists every chart request as (symbol, parameters)."""

    def __init__(self, certificate: Path, now: Callable[[], float]) -> None:
        self.now = now
        self.listings: dict[str, Listing] = {}
        self.scripts: dict[str, deque[Canned]] = {}
        self.always: dict[str, Canned] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.hosts: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._proxy = _Proxy(self._server.server_address[1], self.hosts)
        self.proxy = f"http://127.0.0.1:{self._proxy.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._proxy.close()
        self._server.shutdown()
        self._server.server_close()

    def script(self, symbol: str, *answers: Canned) -> None:
        """Give these answers first, one a request."""
        self.scripts[symbol] = deque(answers)

    def ranges(self, symbol: str) -> list[tuple[str, str]]:
        """First day and day after the last of each range asked for, as the exchange's dates."""
        zone = ZoneInfo(self.listings[symbol].zone)
        return [
            tuple(  # type: ignore[misc]
                str(datetime.fromtimestamp(int(p[name]), zone).date())
                for name in ("period1", "period2")
            )
            for asked, p in self.asked
            if asked == symbol and "period1" in p
        ]

    def answer(self, symbol: str, parameters: dict[str, str]) -> Canned:
        """Tell what the real one would."""
        self.asked.append((symbol, parameters))
        if self.scripts.get(symbol):
            return self.scripts[symbol].popleft()
        if symbol in self.always:
            return self.always[symbol]
        if symbol not in self.listings:
            return NOT_FOUND
        return Canned(200, json.dumps(chart(symbol, self.listings[symbol], parameters, self.now())))


def chart(symbol: str, listing: Listing, parameters: dict[str, str], now: float) -> dict[str, Any]:
    """Render a chart document."""
    interval = parameters.get("interval", "1d")
    first = int(parameters.get("period1", now - 7 * 86_400))
    stop = min(int(parameters.get("period2", 2**40)), now)
    rows = _rows(listing, interval, first, stop)
    quote, adjusted = _columns(listing, rows, now)
    result: dict[str, Any] = {"meta": _meta(symbol, listing, interval, now)}
    if rows:
        result["timestamp"] = [round(moment.timestamp()) for moment, _ in rows]
        if events := _events(listing, first, stop, now):
            result["events"] = events
    result["indicators"] = {"quote": [quote if rows else {}]}
    if not interval.endswith(("m", "h")):
        result["indicators"]["adjclose"] = [{"adjclose": adjusted} if rows else {}]
    return {"chart": {"result": [result], "error": None}}


def _rows(listing: Listing, interval: str, first: int, stop: float) -> list[tuple[datetime, Bar]]:
    rows = list(listing.intraday.items())
    if not interval.endswith(("m", "h")):
        rows = [(listing.at(day, listing.opens), bar) for day, bar in listing.bars.items()]
    return sorted((moment, bar) for moment, bar in rows if first <= moment.timestamp() < stop)


def _columns(
    listing: Listing, rows: list[tuple[datetime, Bar]], now: float
) -> tuple[dict[str, list[Any]], list[Any]]:
    """Quote columns and adjusted closes in Yahoo's units."""
    names = ("open", "high", "low", "close")
    quote: dict[str, list[Any]] = {name: [] for name in (*names, "volume")}
    adjusted = []
    for moment, bar in rows:
        later = _later_splits(listing, moment.date(), now)
        for name, value in zip(names, bar, strict=False):
            quote[name].append(_single(value * listing.factor / later))
        quote["volume"].append(None if np.isnan(bar[4]) else round(bar[4] * later))
        close = quote["close"][-1]
        adjusted.append(close and close * _payments_after(listing, moment.date(), now))
    return quote, adjusted


def _later_splits(listing: Listing, day: date, now: float) -> float:
    present = datetime.fromtimestamp(now, ZoneInfo(listing.zone)).date()
    ratios = [n / d for when, (n, d) in listing.splits.items() if day < when <= present]
    return float(np.prod(ratios)) if ratios else 1.0


def _payments_after(listing: Listing, day: date, now: float) -> float:
    """Factor that Yahoo's adjusted close carries: 1 - dividend / close before, per dividend."""
    factor = 1.0
    present = datetime.fromtimestamp(now, ZoneInfo(listing.zone)).date()
    for when, amount in listing.dividends.items():
        before = [d for d in sorted(listing.bars) if d < when]
        if day < when <= present and before:
            split = np.prod(
                [n / d for s, (n, d) in listing.splits.items() if before[-1] < s <= when]
            )
            factor *= 1 - amount / (listing.bars[before[-1]][3] / float(split))
    return factor


def _single(value: float) -> float | None:
    return None if np.isnan(value) else float(np.float32(value))


def _events(listing: Listing, first: int, stop: float, now: float) -> dict[str, Any]:
    def stamp(day: date) -> int:
        return round(listing.at(day, listing.opens).timestamp())

    def within(day: date) -> bool:
        return first <= stamp(day) < stop

    events: dict[str, Any] = {}
    for name, paid in (("dividends", listing.dividends), ("capitalGains", listing.gains)):
        told = {
            str(stamp(day)): {
                "amount": amount / _later_splits(listing, day, now),
                "date": stamp(day),
            }
            for day, amount in paid.items()
            if within(day)
        }
        if told:
            events[name] = told
    splits = {
        str(stamp(day)): {
            "date": stamp(day),
            "numerator": n,
            "denominator": d,
            "splitRatio": f"{n:g}:{d:g}",
        }
        for day, (n, d) in listing.splits.items()
        if within(day)
    }
    return {**events, **({"splits": splits} if splits else {})}


def _meta(symbol: str, listing: Listing, interval: str, now: float) -> dict[str, Any]:
    zone = ZoneInfo(listing.zone)
    today = datetime.fromtimestamp(now, zone)
    days = sorted({moment.date() for moment in listing.intraday})

    def session(day: date) -> dict[str, Any]:
        start, end = listing.at(day, listing.opens), listing.at(day, listing.closes)
        return {
            "timezone": today.tzname(),
            "start": round(start.timestamp()),
            "end": round(end.timestamp()),
            "gmtoffset": round((start.utcoffset() or timedelta()).total_seconds()),
        }

    meta = {
        "currency": "USD",
        "symbol": symbol,
        "exchangeName": "NMS",
        "instrumentType": listing.kind,
        "firstTradeDate": 0,
        "regularMarketTime": round(now),
        "gmtoffset": session(today.date())["gmtoffset"],
        "timezone": today.tzname(),
        "exchangeTimezoneName": listing.zone,
        "priceHint": 2,
        "currentTradingPeriod": {
            name: session(today.date()) for name in ("pre", "regular", "post")
        },
        "dataGranularity": interval,
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
    }
    if interval.endswith(("m", "h")):
        meta["tradingPeriods"] = [[session(day)] for day in days]
    return meta


def _handler(fake: FakeYahoo) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            parameters = {name: values[0] for name, values in parse_qs(url.query).items()}
            host = self.headers["Host"]
            if url.path.startswith("/v8/finance/chart/"):
                answer = fake.answer(unquote(url.path.rsplit("/", 1)[1]), parameters)
            elif url.path == "/v1/test/getcrumb":
                answer = Canned(200, "Yq8LxzLZq3T", "text/plain")
            elif host == "fc.yahoo.com":
                cookie = "A3=d=AQAB&S=AQ; Max-Age=31557600; Domain=.yahoo.com; Path=/; Secure"
                answer = Canned(404, "", "text/html", {"Set-Cookie": cookie})
            else:
                answer = Canned(404, "<html><body>Not found</body></html>", "text/html")
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    return Handler


class _Proxy:
    """Takes CONNECT for Yahoo's names, whatever the port, to the one server."""

    def __init__(self, target: int, hosts: list[str]) -> None:
        self._target, self._hosts = target, hosts
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head:
                part = client.recv(4096)
                if not part:
                    return
                head += part
            host = head.split()[1].decode().rsplit(":", 1)[0]
            self._hosts.append(host)
            if host not in HOSTS:
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                return
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server)
                back.join(5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65_536):
            sink.sendall(part)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def trading_days(first: str, last: str) -> list[date]:
    """Weekdays of a range, inclusive."""
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    days = [day + timedelta(days=i) for i in range((end - day).days + 1)]
    return [d for d in days if d.weekday() < 5]


def listing(first: str, last: str, price: float = 100.0, **more: Any) -> Listing:
    """Listing whose close rises by one every session: easy to check by eye."""
    bars = {
        day: (price + i - 0.5, price + i + 1.0, price + i - 1.0, price + i, 1_000_000.0 + i)
        for i, day in enumerate(trading_days(first, last))
    }
    return Listing(bars, **more)


def moment(text: str, zone: str = "America/New_York") -> float:
    """Seconds since 1970 of a local time such as ``2024-03-20 18:00``."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).timestamp()

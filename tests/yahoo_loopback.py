"""Yahoo on loopback: its host names over TLS behind a CONNECT proxy, its answers and its errors."""

import contextlib
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from tests.yahoo_listings import Listing, chart, moment
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.store_series import Prices

HOSTS = (
    "fc.yahoo.com",
    "query1.finance.yahoo.com",
    "query2.finance.yahoo.com",
    "guce.yahoo.com",
    "consent.yahoo.com",
    "finance.yahoo.com",
)


Reader = Callable[..., tuple[list[RawBars], tuple[str, ...]]]
"""``read`` of MSFT with whatever else is given."""


def days_of(bars: RawBars | Prices) -> list[str]:
    """Days of daily bars."""
    return [str(day) for day in bars.ts.astype("datetime64[ns]").astype("datetime64[D]")]


@dataclass
class Clock:
    """Time that is set by hand; ``sleeps`` lists the pauses asked for."""

    seconds: float
    sleeps: list[float] = field(default_factory=list)

    def now(self) -> float:
        """Seconds since 1970."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Note a pause."""
        self.sleeps.append(seconds)

    def set(self, text: str) -> None:
        """Set a New York time such as ``2024-03-20 18:00``."""
        self.seconds = moment(text)


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

"""A client on loopback, a clock that is set by hand, and no way out to the real network."""

import ipaddress
import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.yahoo_listings import moment
from tests.yahoo_loopback import HOSTS, Clock, FakeYahoo, Reader
from tradewind.engine.config.run import DataConfig
from tradewind.engine.feeds.provider import Retry, Yahoo
from tradewind.engine.feeds.raw import RawBars
from tradewind.engine.feeds.yahoo import read


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PEM with the key and the self-signed certificate of Yahoo's host names."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    present = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(present - timedelta(days=1))
        .not_valid_after(present + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in HOSTS]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("authority") / "loopback.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is not told otherwise ends at a closed loopback port; Python refuses the rest."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            assert ipaddress.ip_address(address[0]).is_loopback, f"tried to reach {address}"
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture
def clock() -> Clock:
    """Wednesday evening in New York, after the close and its settling."""
    return Clock(moment("2024-03-20 18:00"))


@pytest.fixture
def fake(authority: Path, clock: Clock) -> Iterator[FakeYahoo]:
    """Yahoo on loopback, in the same time."""
    server = FakeYahoo(authority, clock.now)
    yield server
    server.close()


@pytest.fixture
def session(fake: FakeYahoo, authority: Path) -> Iterator[Any]:
    """The genuine client's own session, through the proxy to the loopback server."""
    from curl_cffi import requests

    with requests.Session(impersonate="chrome") as session:
        session.verify = str(authority)
        session.proxies = {"https": fake.proxy, "http": fake.proxy}
        yield session


@pytest.fixture
def _fresh_yfinance() -> Iterator[None]:
    """Forget the cookie, crumb and session that yfinance keeps for the process."""
    import yfinance.data as data

    data.SingletonMeta._instances.clear()
    yield
    data.SingletonMeta._instances.clear()


@pytest.fixture
def retry(clock: Clock) -> Retry:
    """Pauses that are noted, not slept."""
    return Retry(sleep=clock.sleep, jitter=lambda: 0.5)


@pytest.fixture
def yahoo(tmp_path: Path, session: Any, clock: Clock, retry: Retry, _fresh_yfinance: None) -> Yahoo:
    """The genuine client against the loopback server."""
    return Yahoo(session=session, retry=retry, now=clock.now, timeout_s=5)


@pytest.fixture
def cut_off(clock: Clock, retry: Retry, _fresh_yfinance: None) -> Iterator[Yahoo]:
    """A client whose way out is closed."""
    from curl_cffi import requests

    with requests.Session(impersonate="chrome") as session:
        session.proxies = {"https": "http://127.0.0.1:9", "http": "http://127.0.0.1:9"}
        yield Yahoo(session=session, retry=retry, now=clock.now, timeout_s=5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store of a test lies."""
    return tmp_path / "store"


@pytest.fixture
def get(folder: Path, yahoo: Yahoo) -> Reader:
    """Read MSFT from the first of March on, with whatever else is given."""

    def get(client: Yahoo = yahoo, **keys: Any) -> tuple[list[RawBars], tuple[str, ...]]:
        block = {"symbols": ("MSFT",), "start": date(2024, 3, 4), "store": folder, **keys}
        return read(DataConfig(source="yahoo", **block), yahoo=client)

    return get

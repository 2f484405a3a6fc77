"""Exchanges as ccxt has them: made, moved to other addresses, and what their errors mean."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from tradewind.engine.errors import ConfigError
from tradewind.engine.streams.optional import client, refused
from tradewind.engine.streams.supervisor import Slowed

WANTED_BY = "paper.feed"
BANNED, BY_LAW = 418, 451  # what some exchanges answer in place of 429 and of 403


class Exchanges:
    """Makes client objects of one exchange; what it learned of the markets goes on to the next.

    Parameters
    ----------
    name : str
        As ccxt calls it.
    urls : mapping of str to str
        In place of the exchange's own: ``rest`` and ``ws``.
    testnet : bool
    spot : bool
        Whether no contract is followed, so that only spot markets need be learned.

    Raises
    ------
    ConfigError
        If there is no such exchange, or ccxt is not installed.
    """

    def __init__(self, name: str, urls: Mapping[str, str], *, testnet: bool, spot: bool) -> None:
        self.name, self._urls, self._testnet, self._spot = name, urls, testnet, spot
        self.errors = client("ccxt", wanted_by=WANTED_BY)
        streaming = client("ccxt.pro", wanted_by=WANTED_BY)
        asked = client("ccxt.async_support", wanted_by=WANTED_BY)
        known = sorted({*streaming.exchanges, *asked.exchanges})
        if name not in known:
            raise ConfigError(f"{WANTED_BY}.exchange: ccxt has no {name!r}{near(name, known)}")
        self._class = getattr(streaming if name in streaming.exchanges else asked, name)
        self._learned: Any = None

    def made(self) -> Any:
        """New client object."""
        options: dict[str, Any] = {}
        if self._spot:
            options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}}
        made = self._class({"newUpdates": True, "options": options})
        if self._testnet:
            if not made.urls.get("test"):
                raise ConfigError(
                    f"{WANTED_BY}.testnet: {self.name} has no test network; leave the key out"
                )
            made.set_sandbox_mode(True)
        for kind, url in self._urls.items():
            made.urls["api"] = _moved(made.urls["api"], kind, url)
        if self._learned is not None:
            made.set_markets_from_exchange(self._learned)
        return made

    async def learn(self, made: Any, symbols: Sequence[str]) -> None:
        """Load the markets; raises ConfigError for a symbol that is none of them."""
        await made.load_markets()
        self._learned = made
        for name in symbols:
            if name not in made.markets:
                raise ConfigError(
                    f"{WANTED_BY}: {self.name} has no market {name!r}"
                    f"{near(name, list(made.markets))}"
                )

    def meaning(self, error: Exception, answer: tuple[int, Any]) -> Exception:
        """What an error of ccxt means to a supervisor.

        Parameters
        ----------
        error : Exception
        answer : (int, mapping)
            Status and headers of the last answer over HTTP.
        """
        errors = self.errors
        status, headers = answer
        inner: Any = error.args[0] if error.args else None
        if hasattr(inner, "status"):  # a handshake that was refused, inside of an error of ccxt
            status, headers = int(inner.status), inner.headers
        words = f"{self.name}: {type(error).__name__}: {error}"
        if isinstance(error, errors.AuthenticationError | errors.RestrictedLocation):
            status, headers = status or 401, headers or {}
        if status in (401, 403, BY_LAW, 429, BANNED):
            like = {BY_LAW: 403, BANNED: 429}.get(status, status)
            return refused(like, headers, WANTED_BY, self.name)
        if isinstance(error, errors.RateLimitExceeded | errors.DDoSProtection):
            return Slowed(words)
        if isinstance(error, errors.BadSymbol | errors.NotSupported | errors.ArgumentsRequired):
            return ConfigError(f"{WANTED_BY}: {words}")
        return error if isinstance(error, ConfigError) else ConnectionError(words)


def near(name: str, known: Sequence[str]) -> str:
    """Return a guess at what was meant, in brackets; empty where nothing is near."""
    found = get_close_matches(name, known, 1)
    return f" (did you mean {found[0]!r}?)" if found else ""


def _moved(urls: Any, kind: str, url: str, inside: bool = False) -> Any:
    """Addresses of an exchange with all of one kind (``rest``, ``ws``) replaced."""
    if isinstance(urls, Mapping):
        return {key: _moved(value, kind, url, inside or key == "ws") for key, value in urls.items()}
    return url if inside == (kind == "ws") else urls

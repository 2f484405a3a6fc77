"""What the feed and the broker of Alpaca share: its names, its manners, and how it refuses."""

import logging
from typing import Any

from tradewind.engine.errors import ConfigError
from tradewind.engine.streams import optional
from tradewind.engine.streams.supervisor import Slowed

COINS = ("-USD", "-USDC", "-USDT")  # how Yahoo writes what Alpaca writes with a stroke
LIMITED = ("connection limit", "too many", "slow client")  # in words of the server
FOR_GOOD = (
    "auth failed", "not authenticated", "failed to authenticate", "symbol limit", "subscription",
    "permission", "not enabled", "invalid subscribe action",
)  # fmt: skip


def socket_params() -> dict[str, Any]:
    """Parameters of a connection that notices a dead peer and never logs what it sends."""
    quiet = logging.getLogger("tradewind.alpaca")
    quiet.setLevel(logging.INFO)  # debug would have every frame in the log, the one with the keys
    return {
        "ping_interval": 10, "ping_timeout": 10, "close_timeout": 1, "max_queue": 1024,
        "logger": quiet,
    }  # fmt: skip


def named(symbol: str) -> str:
    """Alpaca's name of a listing: BRK-B is BRK.B there, and BTC-USD is BTC/USD."""
    for coin in COINS:
        if symbol.endswith(coin):
            return f"{symbol[: -len(coin)]}/{coin[1:]}"
    return symbol.replace("-", ".")


def refused(error: Exception, wanted_by: str) -> Exception:
    """What a failure to connect means, for a supervisor."""
    status = getattr(error, "status_code", None)
    if status is not None:
        return optional.refused(status, getattr(error, "headers", {}), wanted_by, "alpaca")
    return refused_words(str(error), wanted_by) if isinstance(error, ValueError) else error


def refused_words(said: str, wanted_by: str) -> Exception:
    """What an error message in the stream means."""
    lower = said.lower()
    if any(words in lower for words in LIMITED):
        return Slowed(f"alpaca says {said!r}: perhaps another process has connected with this key")
    if any(words in lower for words in FOR_GOOD):
        return ConfigError(
            f"{wanted_by}: alpaca says {said!r}; look at both secrets, at what the account is "
            "subscribed to, and at how many symbols are followed"
        )
    return ConnectionError(f"alpaca says {said!r}")

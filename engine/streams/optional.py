"""Clients that a feed or a broker needs and that not everybody has installed."""

from importlib import import_module
from typing import Any

from tradewind.engine.errors import ConfigError


def client(module: str, *, wanted_by: str) -> Any:
    """Module of a client; raises ConfigError that says how to install it."""
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(
            f"{wanted_by}: needs the package {error.name or module}, which is not installed; "
            "pip install 'tradewind[live]'"
        ) from None


def refused(status: int, headers: Any, wanted_by: str, what: str) -> Exception:
    """What an HTTP status that refuses a connection means."""
    from tradewind.engine.streams.supervisor import Slowed

    if status in (401, 403):
        return ConfigError(
            f"{wanted_by}: {what} refuses the connection (HTTP {status}); check the key and what "
            "it may do, or whether this machine is welcome there"
        )
    if status == 429:
        after = str(headers.get("Retry-After", "0")) if headers is not None else "0"
        return Slowed("HTTP 429, too many connections", float(after) if after.isdigit() else 0.0)
    return ConnectionError(f"HTTP {status}")

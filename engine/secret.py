"""Keys and tokens: from the environment or the keyring alone, and never in anything written.

Whoever needs a secret names it; its value is remembered here, so that every text on its way to a
file, a page or a terminal can be asked for it first (:func:`redacted`).
"""

import os
from collections.abc import Mapping
from typing import Any

from tradewind.engine.errors import ConfigError

SERVICE = "tradewind"  # under which the keyring keeps them
HIDDEN = "[hidden]"
SHORTEST = 4  # a value this short would be found inside words
_values: set[str] = set()


def secret(name: str, *, wanted_by: str) -> str:
    """Value of a secret, from the environment or else the keyring.

    Parameters
    ----------
    name : str
        Of the environment variable, and of the entry in the keyring's service ``tradewind``.
    wanted_by : str
        Key of the config that asks, for the message.

    Raises
    ------
    ConfigError
        If neither has it; the message says how to give it.
    """
    found = os.environ.get(name) or _from_keyring(name)
    if not found or not found.strip():
        raise ConfigError(
            f"{wanted_by}: the secret {name} is neither in the environment nor in the keyring; "
            f"export {name}=..., or keep it with 'keyring set {SERVICE} {name}'"
        )
    found = found.strip()
    remember(found)
    return found


def remember(value: str) -> None:
    """Have a value hidden from now on, such as a token that was made here."""
    if len(value) >= SHORTEST:
        _values.add(value)


def redacted(text: str) -> str:
    """Return the text with every secret in it hidden."""
    for value in sorted(_values, key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text


def redacted_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts with every secret in them hidden, however deep it lies."""
    return {redacted(str(key)): _redacted(value) for key, value in facts.items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, Mapping):
        return redacted_facts(value)
    if isinstance(value, list | tuple):
        return [_redacted(one) for one in value]
    return value


def _from_keyring(name: str) -> str | None:
    """Entry of the keyring; None where there is none, no keyring, or a locked one."""
    try:
        import keyring
    except ImportError:
        return None
    try:
        return keyring.get_password(SERVICE, name)
    except Exception:  # every backend has errors of its own, and none of them is the user's
        return None

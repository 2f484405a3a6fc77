"""Keys and tokens: from the environment or the keyring alone, and never in anything written.

Whoever needs a secret names it; its value is remembered here, so that every text on its way to a
file, a page or a terminal can be asked for it first (:func:`redacted`).
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

from tradewind.engine.errors import ConfigError

SERVICE = "tradewind"  # under which the keyring keeps them
HIDDEN = "[hidden]"
SHORTEST = 4  # a value this short would be found inside words
PART = 8  # and a part of an address this short
NAMES_A_SECRET = re.compile(
    r"^key(?:_id)?$|(?:^|[_-])(?:api|access|auth|private|secret|signing)[_-]?key(?:_id)?$"
    r"|(?:^|[_-])(?:secret|token|password|passphrase|passwd|pwd|credentials?|bearer)(?:_key)?$",
    re.IGNORECASE,
)
"""Keys of a config, and of an address, that hold a secret or its name; not ``sort_key``."""
NAME = re.compile(r"[A-Z][A-Z]*[0-9]{0,2}(?:_(?:[A-Z]+[0-9]{0,2}|[0-9]{1,2}))*")
MADE = re.compile(r"[A-Z]{21}")  # a run of capitals that long is made by a machine
HOST = re.compile(r"localhost|.*\..*|.*:\d{1,5}")
_values: set[str] = set()


def is_name(text: str) -> bool:
    """Whether a text can be the name of a secret: ``ALPACA_KEY``, or one that is there."""
    if NAME.fullmatch(text) and not MADE.search(text):
        return True
    return text.isidentifier() and _value(text) is not None


def _value(name: str) -> str | None:
    found = (os.environ.get(name) or _from_keyring(name) or "").strip()
    return found or None


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
        If neither has it; the message says how to give it. What cannot be a name may be the
        secret itself, and is not told.
    """
    found = _value(name)
    if found is None and not is_name(name):
        raise ConfigError(
            f"{wanted_by}: found {len(name)} characters (not shown) that name no secret; wanted "
            "the name of an environment variable or of an entry in the keyring, such as ALPACA_KEY"
        )
    if found is None:
        raise ConfigError(
            f"{wanted_by}: the secret {name} is neither in the environment nor in the keyring; "
            f"export {name}=..., or keep it with 'keyring set {SERVICE} {name}'"
        )
    remember(found)
    return found


def remember(value: str) -> None:
    """Have a value hidden from now on, such as a token that was made here.

    Of an address its parts are hidden as well, as whoever fails to reach it may tell them alone.
    """
    for text in {value, *_parts(value)}:
        if len(text) >= SHORTEST:
            _values.update((text, quote(text, safe=""), unquote(text), json.dumps(text)[1:-1]))


def _parts(value: str) -> Iterator[str]:
    """Password, tokens and whatever else is long in an address."""
    scheme, sign, rest = value.partition("://")
    if not sign or not scheme:
        return
    user, _, place = rest.rpartition("@")
    yield from (user, user.partition(":")[2])
    host, *path = re.split(r"[/?&=]", place)
    if not user and not HOST.fullmatch(host):  # tgram://123:TOKEN/chat
        path += [host, *host.split(":")]
    yield from (part for part in path if len(part) >= PART)


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

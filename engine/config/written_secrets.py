"""Secrets that somebody wrote into a config, refused before anything is made of it.

A config is copied into every folder that a run writes, and shown to others. So it names secrets;
their values stay in the environment or the keyring. What is found is told by its place and kind,
never by its text.
"""

import re
from collections.abc import Iterator
from typing import Any

from tradewind.engine.config.yaml import Document, Location
from tradewind.engine.errors import ConfigError
from tradewind.engine.secret import NAMES_A_SECRET, is_name, redacted

WANTED = (
    "wanted the name of an environment variable, or of an entry in the keyring, that holds it, "
    "such as {}: a config is copied into the folder of every run"
)
SIDES = (("paper", "feed"), ("paper", "venue"), ("paper", "notify"))  # that talk to others
ADDRESSES = ("paper", "notify", "urls_from")
TOKEN_FROM = ("paper", "dashboard", "token_from")
PASSWORD = re.compile(r"[A-Za-z][\w+.-]*://[^/\s@]*:[^/\s@]+@")
IN_QUERY = re.compile(r"[?&]([\w.-]+)=[^&\s]")
PIECES = re.compile(r"[^A-Za-z0-9]+")
UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
TOKEN = 16  # letters and digits in one run: no word is like that
DIGITS = 4  # a number under the name of a secret that is shorter counts something


def refuse_written_secrets(document: Document) -> None:
    """Refuse a config that holds a key, a token or a password.

    Raises
    ------
    ConfigError
        At its place, without its text.
    """
    for path, value in _leaves(document.values, ()):
        what = _found(path, value)
        if what:
            raise _refusal(document, path, what)


def refuse_known_secrets(document: Document) -> None:
    """Refuse a config that holds the value of a secret that has been asked for by its name.

    Raises
    ------
    ConfigError
        At its place, without its text.
    """
    for path, value in _leaves(document.values, ()):
        if isinstance(value, str) and len(value) >= TOKEN // 2 and redacted(value) != value:
            raise _refusal(document, path, "the value of a secret")


def _refusal(document: Document, path: Location, what: str) -> ConfigError:
    named = next((str(part) for part in reversed(path) if isinstance(part, str)), "key")
    example = "NOTIFY_URL" if path[: len(ADDRESSES)] == ADDRESSES else f"MY_{named.upper()}"
    return document.error(path, f"found {what} (not shown); {WANTED.format(example)}")


def _found(path: Location, value: Any) -> str:
    """What kind of secret a value is; empty where it is none."""
    beside = path[:2] in SIDES
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if beside and path[:3] == ADDRESSES and isinstance(value, str) and not is_name(value):
        return "an address" if "://" in value else f"{len(value)} characters that name no secret"
    if path == TOKEN_FROM or (beside and NAMES_A_SECRET.search(key)):
        if isinstance(value, str) and value and not is_name(value):
            return f"{len(value)} characters that name no secret"
        if type(value) in (int, float) and len(str(value)) >= DIGITS:
            return "a number that names no secret"
    if not isinstance(value, str):
        return ""
    if PASSWORD.search(value):
        return "an address with a password"
    if any(NAMES_A_SECRET.search(one) for one in IN_QUERY.findall(value)):
        return "an address with a key"
    if beside and path[2:] != ("kind",) and not is_name(value) and _is_token(value):
        return "what looks like a key or a token"
    return ""


def _is_token(text: str) -> bool:
    """Whether a long run of letters and digits, as of a key, stands in a text."""
    return UUID.search(text) is not None or any(
        len(one) >= TOKEN and not one.isalpha() and not one.isdigit() for one in PIECES.split(text)
    )


def _leaves(value: Any, path: Location) -> Iterator[tuple[Location, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, (*path, key))
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from _leaves(part, (*path, i))
    else:
        yield path, value

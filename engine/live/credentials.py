"""Every secret that a config names, asked for before a run is begun or gone on with.

Whoever is asked for here is hidden in everything that is written from then on.
"""

from collections.abc import Mapping
from typing import Any

from tradewind.engine.config.file import Document
from tradewind.engine.config.paper import DashboardConfig, PaperConfig
from tradewind.engine.config.written_secrets import ADDRESSES, TOKEN_FROM, refuse_known_secrets
from tradewind.engine.dashboard.guard import Keys
from tradewind.engine.errors import ConfigError
from tradewind.engine.live.notify import sender_of
from tradewind.engine.secret import NAMES_A_SECRET, secret

GUESSED = 16  # characters; a shorter token may be tried out


def check(paper: PaperConfig, document: Document) -> None:
    """Look for the secrets of page and notifications; refuse the value of one in the config.

    Raises
    ------
    ConfigError
        At its line, without its text.
    """
    try:
        sender_of(paper.notify)
    except ConfigError as error:
        raise _at(document, ADDRESSES, error) from None
    try:
        page_keys(paper.dashboard)
    except ConfigError as error:
        raise _at(document, TOKEN_FROM, error) from None
    refuse_known_secrets(document)


def asked_for(params: Mapping[str, Any], document: Document, key: str) -> None:
    """Look for the secrets that the parameters of a feed or a broker name.

    Raises
    ------
    ConfigError
        At its line, if one is not there.
    """
    for name, value in params.items():
        if NAMES_A_SECRET.search(name) and isinstance(value, str) and value:
            path = (*key.split("."), name)
            try:
                secret(value, wanted_by=".".join(path))
            except ConfigError as error:
                raise _at(document, path, error) from None


def page_keys(config: DashboardConfig) -> Keys:
    """Keys of the page: made anew, but for a token that the config names.

    Raises
    ------
    ConfigError
        If it is not there, or short enough to be guessed.
    """
    if config.token_from is None:
        return Keys()
    wanted_by = ".".join(TOKEN_FROM)
    token = secret(config.token_from, wanted_by=wanted_by)
    if len(token) < GUESSED:
        raise ConfigError(
            f"{wanted_by}: the secret {config.token_from} has {len(token)} characters; wanted "
            f"{GUESSED} or more, such as 'openssl rand -hex 32' prints"
        )
    return Keys(token=token)


def _at(document: Document, path: tuple[str, ...], error: ConfigError) -> ConfigError:
    return ConfigError(f"{document.at(path)}{error}")

"""Checks of a config's forecaster block that need its class, and errors that point at its keys."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tradewind.engine import registry
from tradewind.engine.config.file import Document
from tradewind.engine.config.walk import ChooseConfig
from tradewind.engine.errors import ConfigError

KEY = re.compile(r"((?:walk_forward|choose)(?:\.\w+)*): ")
OVER = ("forecaster", "choose", "over")


def checked_choice(
    choose: ChooseConfig | None, cls: type[Any], params: Mapping[str, Any], document: Document
) -> ChooseConfig | None:
    """Choice whose every candidate the class accepts, with values as the class takes them.

    Raises
    ------
    ConfigError
        For an unknown parameter or a value that is refused, at its line.
    """
    if choose is None:
        return None
    known = registry.signature_model(cls).model_fields.values()
    names = sorted(str(field.alias) for field in known)
    over = {}
    for name, values in choose.over.items():
        if name not in names:
            raise document.error(
                (*OVER, name), f"{cls.__name__} has no such parameter; it has: {', '.join(names)}"
            )
        over[name] = tuple(_taken(cls, params, name, value, document) for value in values)
    offered = choose.model_copy(update={"over": over})
    for candidate in offered.candidates:
        try:
            cls(**{**params, **candidate})
        except ValueError as error:  # ConfigError and ForecastError are ValueErrors
            raise document.error(OVER, f"{dict(candidate)}: {error}") from None
    return offered


def _taken(
    cls: type[Any], params: Mapping[str, Any], name: str, value: Any, document: Document
) -> Any:
    """Value as the constructor takes it."""
    try:
        return registry.check(cls, {**params, name: value}, document, key="forecaster")[name]
    except ConfigError as error:
        what = re.sub(rf"^.*?forecaster(?:\.{re.escape(name)})?: ", "", str(error))
        raise document.error((*OVER, name), what) from None


@contextmanager
def located(document: Document) -> Iterator[None]:
    """Put file, line and column before an error about a key of the forecaster's block."""
    try:
        yield
    except ConfigError as error:
        key = KEY.match(str(error))
        if key is None:
            raise
        where = document.at(("forecaster", *key[1].split(".")))
        raise ConfigError(f"{where}forecaster.{error}") from None

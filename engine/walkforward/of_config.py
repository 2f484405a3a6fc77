"""Checks of a config's forecaster block that need its class, and errors that point at its keys.

Some need the data as well, and are made before any fit.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tradewind.engine import registry
from tradewind.engine.config.file import Document
from tradewind.engine.config.walk import ChooseConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.forecaster_spec import ForecasterSpec
from tradewind.engine.protocols import Checking
from tradewind.engine.records import Panel

KEY = re.compile(r"((?:selector\.)?(?:walk_forward|choose)(?:\.\w+)*): ")
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


def refuse_unfit(
    spec: ForecasterSpec,
    panel: Panel,
    document: Document,
    *,
    key: str,
    choose: ChooseConfig | None = None,
) -> None:
    """Refuse what the data or the machine does not have what it takes for, before any fit.

    Parameters
    ----------
    spec : ForecasterSpec
        Of a forecaster or selector; one that is :class:`Checking` says so itself.
    panel : Panel
    document : Document
    key : str
        Its block: ``forecaster`` or ``selector``.
    choose : ChooseConfig or None
        Each candidate is checked as well.

    Raises
    ------
    ConfigError
        At the line of the parameter that asks for it.
    """
    for params in ({}, *(choose.candidates if choose else ())):
        made = spec.changed(params).build(0)
        if not isinstance(made, Checking):
            continue
        try:
            made.check_before_fit(panel)
        except ConfigError as error:
            raise _at_parameter(error, spec, dict(params), document, key) from None


def _at_parameter(
    error: ConfigError,
    spec: ForecasterSpec,
    candidate: Mapping[str, Any],
    document: Document,
    key: str,
) -> ConfigError:
    """Error at the parameter that its message begins with, else at the block."""
    dotted, _, what = str(error).partition(": ")
    name, *rest = dotted.split(".")
    if name in candidate:
        return document.error((*OVER, name), f"{dict(candidate)}: {what}")
    if name not in spec.params:
        return document.error((key,), str(error))
    return document.error((key, name, *(int(k) if k.isdigit() else k for k in rest)), what)


@contextmanager
def located(document: Document) -> Iterator[None]:
    """Put file, line and column before an error about a key of either block."""
    try:
        yield
    except ConfigError as error:
        key = KEY.match(str(error))
        if key is None:
            raise
        block = "" if key[1].startswith("selector.") else "forecaster."
        where = document.at(tuple(f"{block}{key[1]}".split(".")))
        raise ConfigError(f"{where}{block}{error}") from None


@contextmanager
def of_selector() -> Iterator[None]:
    """Say that a key belongs to the selector's block."""
    try:
        yield
    except ConfigError as error:
        if KEY.match(str(error)) is None:
            raise
        raise ConfigError(f"selector.{error}") from None

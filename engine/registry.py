"""From the name in a config to the object it means.

Members come from entry points (``tradewind.strategies``, ``tradewind.forecasters`` ...), so a
user's package plugs in the way ours does; ``path/to/file.py:Class`` works for code not yet
packaged. Parameters are the keyword arguments of the class, checked against its annotations.
"""

import dataclasses
import inspect
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, create_model

from tradewind.engine.config.file import Document, checked
from tradewind.engine.errors import ConfigError

GROUPS = ("strategies", "forecasters", "selectors", "feeds", "brokers")
_MODELS: dict[Any, type[BaseModel]] = {}  # by the class they were made of


def names(group: str) -> list[str]:
    """Registered names of a group, sorted."""
    return sorted({entry.name for entry in _entries(group)})


def _entries(group: str) -> list[EntryPoint]:
    return list(entry_points(group=f"tradewind.{group}"))


def find(
    group: str, kind: str, document: Document, *, key: str, besides: Sequence[str] = ()
) -> type[Any]:
    """Class that ``kind`` names.

    Parameters
    ----------
    group : str
        ``strategies``, ``forecasters`` ...
    kind : str
        Registered name or ``path/to/file.py:Class``, relative to the config file.
    document : Document
        For the place an error points at.
    key : str
        Block of the config: ``strategy``, ``forecaster``.
    besides : sequence of str
        What else may stand there and is no class; named with the others where nothing is found.

    Raises
    ------
    ConfigError
        If nothing has that name, or loading it fails.
    """
    if ".py:" in kind:
        return _from_file(kind, document, key)
    entries = {entry.value: entry for entry in _entries(group) if entry.name == kind}
    if len(entries) > 1:
        raise document.error(
            (*key.split("."), "kind"),
            f"{kind!r} is registered by {len(entries)} packages: {', '.join(sorted(entries))}; "
            "uninstall one of them",
        )
    for entry in entries.values():
        return _loaded(entry, document, key)
    known = [*besides, *names(group)]
    near = get_close_matches(kind, known, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise document.error(
        (*key.split("."), "kind"),
        f"unknown {kind!r}{hint}; known: {', '.join(known)}, or path/to/file.py:Class",
    )


def _loaded(entry: EntryPoint, document: Document, key: str) -> type[Any]:
    try:
        found = entry.load()
    except Exception as error:
        raise document.error(
            (*key.split("."), "kind"),
            f"{entry.name} ({entry.value}) does not load: {_brief(error)}",
        ) from error
    if not isinstance(found, type):
        raise document.error(
            (*key.split("."), "kind"), f"{entry.name} ({entry.value}) is {found!r}, wanted a class"
        )
    return found


def _from_file(kind: str, document: Document, key: str) -> type[Any]:
    file_name, _, class_name = kind.rpartition(":")
    path = (document.folder / Path(file_name).expanduser()).resolve()
    if not path.is_file():
        raise document.error(
            (*key.split("."), "kind"), f"no file {path}; the path is relative to the config"
        )
    try:
        module = load_file(path)
    except (Exception, SystemExit) as error:
        raise document.error(
            (*key.split("."), "kind"), f"{path} does not load: {_brief(error, path)}"
        ) from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        classes = [n for n, v in vars(module).items() if _own_class(v, module)]
        near = get_close_matches(class_name, classes, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else f"; it has: {', '.join(classes)}"
        raise document.error((*key.split("."), "kind"), f"{path} has no class {class_name!r}{hint}")
    return found


def _own_class(value: object, module: ModuleType) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__


def _brief(error: BaseException, path: Path | None = None) -> str:
    """Kind, message and, where it lies in ``path``, the line."""
    what = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return what  # says file and line itself
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return f"line {lines[-1]}: {what}" if lines else what


@cache
def load_file(path: Path) -> ModuleType:
    """Import a file under a name of its own.

    The name holds the hash of the path: ``strategy.py`` of two projects are two modules, and a
    user's ``random.py`` replaces nobody's. It is registered, because dataclasses and numba look
    modules up by name. Files beside it can be imported, after everything installed.
    """
    name = f"tradewind_file_{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        with redirect_stdout(sys.stderr):  # what a file prints must not end up among results
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def build(cls: type[Any], params: Mapping[str, Any], document: Document, *, key: str) -> Any:
    """Instance of ``cls`` from the keys of a config block.

    Raises
    ------
    ConfigError
        For an unknown key, a wrong type or a value out of range, pointing at its line; also for
        what the constructor itself refuses, such as two values that exclude each other.
    """
    checked_params = check(cls, params, document, key=key)
    try:
        return cls(**checked_params)
    except ValueError as error:  # StrategyError and ForecastError are ValueErrors
        raise document.error(tuple(key.split(".")), str(error)) from error


def check(
    cls: type[Any], params: Mapping[str, Any], document: Document, *, key: str
) -> dict[str, Any]:
    """Validate parameters with their defaults filled in, without building the object.

    A path is taken relative to the folder of the config.

    Raises
    ------
    ConfigError
        As :func:`build`.
    """
    model = signature_model(cls)
    values = checked(model, params, document, tuple(key.split(".")))
    found = {
        field.alias or name: getattr(values, name) for name, field in model.model_fields.items()
    }
    return {name: _absolute(value, document) for name, value in found.items()}


def _absolute(value: Any, document: Document) -> Any:
    """Return a path as one from the folder of the config, anything else as it is."""
    if not isinstance(value, Path):
        return value
    return (document.folder / value.expanduser()).resolve()


def _field(cls: type[Any], parameter: inspect.Parameter) -> Any:
    """Field with a parameter's default; a dataclass may make its default anew each time."""
    made = {f.name: f.default_factory for f in dataclasses.fields(cls)} if _is_record(cls) else {}
    factory = made.get(parameter.name, dataclasses.MISSING)
    if factory is not dataclasses.MISSING:
        return Field(default_factory=factory, alias=parameter.name)
    default = ... if parameter.default is parameter.empty else parameter.default
    return Field(default, alias=parameter.name)


def _is_record(cls: type[Any]) -> bool:
    """Whether the constructor is the one that a dataclass wrote."""
    return dataclasses.is_dataclass(cls) and "__init__" in vars(cls)


def signature_model(cls: type[Any]) -> type[BaseModel]:
    """Pydantic model of a constructor's keyword arguments; aliases are their names.

    Raises
    ------
    ConfigError
        If the constructor takes ``*args`` or ``**kwargs``, or its annotations cannot be checked.
    """
    if cls not in _MODELS:  # a sweep asks for it at every setting
        _MODELS[cls] = _signature_model(cls)
    return _MODELS[cls]


def _signature_model(cls: type[Any]) -> type[BaseModel]:
    try:
        hints = get_type_hints(cls.__init__, include_extras=True)
        parameters = inspect.signature(cls).parameters.values()
    except (NameError, TypeError, ValueError) as error:
        raise ConfigError(f"{cls.__qualname__}: cannot read its constructor: {error}") from None
    fields: dict[str, Any] = {}
    for parameter in parameters:
        name = parameter.name
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ConfigError(
                f"{cls.__qualname__}: takes *args or **kwargs; name every parameter, so that a "
                "misspelt one in a config can be told from a valid one"
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise ConfigError(f"{cls.__qualname__}: {name} must be usable as a keyword")
        # A field of its own name would clash with pydantic's methods: copy, json, schema.
        fields[f"arg_{name}"] = (hints.get(name, Any), _field(cls, parameter))
    config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False
    )
    try:
        model: type[BaseModel] = create_model(cls.__name__, __config__=config, **fields)
    except (PydanticUserError, TypeError) as error:
        first = str(error).splitlines()[0]
        raise ConfigError(f"{cls.__qualname__}: annotations cannot be checked: {first}") from None
    return model

"""From the name in a config to the object it means.

Members come from entry points (``tradewind.strategies``, ``tradewind.forecasters`` ...), so a
user's package plugs in the way ours does; ``path/to/file.py:Class`` works for code not yet
packaged. Parameters are the keyword arguments of the class, checked against its annotations.
"""

import inspect
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from tradewind.engine.config_file import Document, faults
from tradewind.engine.errors import ConfigError

GROUPS = ("strategies", "forecasters")


def names(group: str) -> list[str]:
    """Registered names of a group, sorted."""
    return sorted({entry.name for entry in _entries(group)})


def _entries(group: str) -> list[EntryPoint]:
    return list(entry_points(group=f"tradewind.{group}"))


def find(group: str, kind: str, document: Document, *, key: str) -> type[Any]:
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

    Raises
    ------
    ConfigError
        If nothing has that name, or loading it fails.
    """
    if ".py:" in kind:
        return _from_file(kind, document, key)
    for entry in _entries(group):
        if entry.name == kind:
            try:
                return entry.load()  # type: ignore[no-any-return]
            except Exception as error:
                raise document.error(
                    (key, "kind"), f"{kind} ({entry.value}) does not load: {error!r}"
                ) from error
    known = names(group)
    near = get_close_matches(kind, known, 1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise document.error(
        (key, "kind"),
        f"unknown {kind!r}{hint}; known: {', '.join(known)}, or path/to/file.py:Class",
    )


def _from_file(kind: str, document: Document, key: str) -> type[Any]:
    file_name, _, class_name = kind.rpartition(":")
    path = (document.folder / Path(file_name).expanduser()).resolve()
    if not path.is_file():
        raise document.error((key, "kind"), f"no file {path}; the path is relative to the config")
    try:
        module = _load_file(path)
    except Exception as error:
        raise document.error((key, "kind"), f"{path} does not load: {error!r}") from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        classes = [n for n, v in vars(module).items() if isinstance(v, type)]
        near = get_close_matches(class_name, classes, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise document.error((key, "kind"), f"{path} has no class {class_name!r}{hint}")
    return found


@cache
def _load_file(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = module_from_spec(spec)
    # Registered under its own name, so that a worker process and numba's cache find it again.
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def build(cls: type[Any], params: Mapping[str, Any], document: Document, *, key: str) -> Any:
    """Instance of ``cls`` from the keys of a config block.

    Raises
    ------
    ConfigError
        For an unknown key, a wrong type or a value out of range, pointing at its line.
    """
    return cls(**check(cls, params, document, key=key))


def check(
    cls: type[Any], params: Mapping[str, Any], document: Document, *, key: str
) -> dict[str, Any]:
    """Validate parameters with their defaults filled in, without building the object."""
    model = _model(cls)
    try:
        checked = model.model_validate(dict(params))
    except ValidationError as error:
        raise faults(error, model, document, (key,)) from None
    return {name: getattr(checked, name) for name in model.model_fields}


def _model(cls: type[Any]) -> type[BaseModel]:
    """Pydantic model of a constructor's keyword arguments."""
    hints = get_type_hints(cls.__init__, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in list(inspect.signature(cls).parameters.items()):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise ConfigError(
                f"{cls.__qualname__}: takes *args or **kwargs; name every parameter, so that a "
                "misspelt one in a config can be told from a valid one"
            )
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (hints.get(name, Any), default)
    config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)
    model: type[BaseModel] = create_model(cls.__name__, __config__=config, **fields)
    return model

"""A recipe for a forecaster that crosses process borders and says what it depends on.

A forecaster itself cannot travel (networks, compiled code, open files); its class name and its
parameters can, and they are also what a content cache needs to know about it.
"""

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tradewind.engine.content import code_content, find_module, plain
from tradewind.engine.errors import ForecastError
from tradewind.engine.protocols import Forecaster, Forecasts
from tradewind.engine.records import Panel
from tradewind.engine.registry import load_file

MEMBERS = ("horizon", "warmup", "fit", "predict")
SURE = 1.0  # deviation beside a score, which is no forecast and has none


@dataclass(frozen=True, slots=True)
class ForecasterSpec:
    """Which class, and the keyword arguments it is built with.

    Attributes
    ----------
    target : str
        ``package.module:Class`` or ``/absolute/path.py:Class``.
    params : mapping
        Keyword arguments of the constructor, plain values.
    """

    target: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Class name, for messages."""
        return self.target.rpartition(":")[2]

    def changed(self, params: Mapping[str, Any]) -> "ForecasterSpec":
        """Same class with other parameters, the rest as they are."""
        return ForecasterSpec(self.target, {**self.params, **params}) if params else self

    def build(self, seed: int) -> Forecaster:
        """Make a new, unfitted forecaster; ``seed`` reaches it only if its constructor takes one.

        Raises
        ------
        ForecastError
            If the target does not load, refuses its parameters or lacks a member of the door.
        """
        cls = forecasting(resolve(self.target))
        params = dict(self.params)
        if "seed" in inspect.signature(cls).parameters:
            params["seed"] = seed
        try:
            made = cls(**params)
        except TypeError as error:
            raise ForecastError(f"{self.target}: cannot be built: {error}") from error
        missing = [member for member in MEMBERS if not hasattr(made, member)]
        if missing:
            raise ForecastError(
                f"{self.target}: is no forecaster, it lacks {', '.join(missing)}; "
                "see tradewind.engine.protocols.Forecaster"
            )
        return made  # type: ignore[no-any-return]

    def content(self) -> dict[str, Any]:
        """All a fit depends on besides its data and seed, as plain values; see the functions.

        A class that builds others by name, which no import shows, has a static ``made_of(params)``
        that returns their recipes; what those depend on counts too.
        """
        cls = resolve(self.target)  # a file makes the files beside it importable, and so findable
        made_of = getattr(cls, "made_of", None)
        inner = [spec.content() for spec in made_of(self.params)] if made_of else []
        return {
            "target": self.name,
            "params": {key: plain(value, key) for key, value in sorted(self.params.items())},
            **code_content(self.target),
            **({"made_of": inner} if inner else {}),
        }


class Ranking:
    """What a selector lacks to pass through walk-forward as a forecaster does."""

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        """Scores in the place of means."""
        ranks: Any = self
        score = np.asarray(ranks.score(past, first=first), np.float64)
        return Forecasts(score, np.where(np.isnan(score), np.nan, SURE), ranks.horizon)


def forecasting(cls: type[Any]) -> type[Any]:
    """Return the class itself, or of a selector one whose means are its scores.

    Everything that a walk-forward has (folds, cache, processes, ensembles, the look for a forecast
    that changes with later bars) is so the selectors' too.
    """
    if hasattr(cls, "predict") or not hasattr(cls, "score"):
        return cls
    if cls not in _PRESENTED:
        made = type(cls.__name__, (Ranking, cls), {"__module__": cls.__module__})
        made.__qualname__ = cls.__qualname__
        _PRESENTED[cls] = made
    return _PRESENTED[cls]


_PRESENTED: dict[type[Any], type[Any]] = {}


def spec_of(cls: type[Any], params: Mapping[str, Any]) -> ForecasterSpec:
    """Recipe of a class at hand, for example one the registry found.

    Raises
    ------
    ForecastError
        If no other process could find the class again.
    """
    found = find_module(cls.__module__)
    module = sys.modules.get(cls.__module__)
    nested = "<locals>" in cls.__qualname__
    if found is not None and module is not None and _same_file(module, found) and not nested:
        return ForecasterSpec(f"{cls.__module__}:{cls.__qualname__}", dict(params))
    module_file = getattr(module, "__file__", None)
    if module_file is None or nested:
        raise ForecastError(
            f"{cls.__module__}.{cls.__qualname__}: a worker process cannot find this class again; "
            "put it at the top level of a file or of an installed module"
        )
    return ForecasterSpec(f"{Path(module_file).resolve()}:{cls.__qualname__}", dict(params))


def resolve(target: str) -> type[Any]:
    """Class that a target names.

    Raises
    ------
    ForecastError
        If it does not load or is not a class.
    """
    where, _, name = target.rpartition(":")
    try:
        module = _at(Path(where)) if where.endswith(".py") else import_module(where)
    except Exception as error:
        raise ForecastError(f"{target}: {where} does not load: {error!r}") from error
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise ForecastError(f"{target}: {where} has no class {name!r}")
    return found


def _at(path: Path) -> ModuleType:
    """Module of a file; the script being run is not run a second time."""
    main = sys.modules.get("__main__")
    return main if main is not None and _same_file(main, path) else load_file(path)


def _same_file(module: ModuleType, path: Path) -> bool:
    return (
        getattr(module, "__file__", None) is not None
        and Path(str(module.__file__)).resolve() == path.resolve()
    )

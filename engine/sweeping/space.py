"""What is varied: parameters, which of them apply, and settings as plain values."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from tradewind.engine.config.faults import hint
from tradewind.engine.config.file import SWEEPING as KEY
from tradewind.engine.config.file import Document
from tradewind.engine.config.ranges import ChoiceConfig, FloatConfig, IntConfig
from tradewind.engine.jsonable import jsonable

Values = Mapping[str, Any]
"""Path of a key -> value: one setting."""


@dataclass(frozen=True, slots=True)
class Param:
    """One varied key.

    Attributes
    ----------
    name : str
        Its path.
    config : IntConfig, FloatConfig or ChoiceConfig
    when : tuple of (str, tuple)
        Other parameters and the values of them for which this one applies; all must hold.
    """

    name: str
    config: IntConfig | FloatConfig | ChoiceConfig
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    def applies(self, values: Values) -> bool:
        """Whether it is varied where the parameters before it have these values."""
        return all(
            name in values and any(_same(values[name], one) for one in wanted)
            for name, wanted in self.when
        )

    @property
    def labels(self) -> tuple[Any, ...]:
        """Of a choice, what a study knows each by: itself, or as JSON where it is a block."""
        assert isinstance(self.config, ChoiceConfig)
        return tuple(label_of(choice) for choice in self.config.choices)

    def value_of(self, label: Any) -> Any:
        """Value that a stored label stands for."""
        if isinstance(self.config, ChoiceConfig):
            for choice, known in zip(self.config.choices, self.labels, strict=True):
                if _same(known, label) or (isinstance(label, str) and json.dumps(known) == label):
                    return choice
            raise KeyError(f"{self.name}: {label!r} is none of its choices")
        return int(label) if isinstance(self.config, IntConfig) else float(label)

    def grid(self, points: int) -> tuple[Any, ...]:
        """Values on a grid, ``points`` of them where the range has no step of its own."""
        config = self.config
        if isinstance(config, ChoiceConfig):
            return config.choices
        if isinstance(config, IntConfig):
            if not config.log:
                return tuple(range(config.low, config.high + 1, config.step))
            spaced = np.geomspace(config.low, config.high, points).round().astype(int)
            return tuple(dict.fromkeys(spaced.tolist()))
        if config.step is not None:
            n = int(np.floor((config.high - config.low) / config.step + 1e-9))
            return tuple(float(np.round(config.low + i * config.step, 12)) for i in range(n + 1))
        spaced = np.geomspace if config.log else np.linspace  # type: ignore[assignment]
        return tuple(spaced(config.low, config.high, points).tolist())  # type: ignore[operator]


def label_of(choice: Any) -> Any:
    """What a study stores for a choice: scalars as they are, anything else as JSON."""
    plain = choice is None or isinstance(choice, bool | int | float | str)
    return choice if plain else json.dumps(jsonable(choice), sort_keys=True)


def _same(one: Any, other: Any) -> bool:
    """Equality that tells true from 1."""
    return bool(one == other and isinstance(one, bool) == isinstance(other, bool))


@dataclass(frozen=True, slots=True)
class Space:
    """All of them, those that others depend on first, and what is fixed beside them."""

    params: tuple[Param, ...]
    fixed: Mapping[str, Any]

    @property
    def conditional(self) -> bool:
        """Whether some parameter applies only at times."""
        return any(param.when for param in self.params)

    def whole(self, values: Values) -> dict[str, Any]:
        """A setting with what is fixed beside it."""
        return {**self.fixed, **values}

    def asked(self, trial: Any) -> dict[str, Any]:
        """Values that an Optuna trial proposes."""
        values: dict[str, Any] = dict(self.fixed)
        found: dict[str, Any] = {}
        for param in self.params:
            if param.applies(values):
                found[param.name] = values[param.name] = _asked(param, trial)
        return found

    def labelled(self, values: Values) -> dict[str, Any]:
        """Values as a study stores them."""
        by_name = {param.name: param for param in self.params}
        return {
            name: label_of(value) if isinstance(by_name[name].config, ChoiceConfig) else value
            for name, value in values.items()
        }

    def unlabelled(self, labels: Values) -> dict[str, Any]:
        """Values that a study's stand for, of a space without conditions."""
        return {param.name: param.value_of(labels[param.name]) for param in self.params}

    def distributions(self) -> dict[str, Any]:
        """Optuna's distribution of each parameter."""
        return {param.name: _distribution(param) for param in self.params}

    def identity(self) -> dict[str, Any]:
        """What two studies must have in common to be one, as plain values."""
        ranges = {p.name: p.config.model_dump(exclude_defaults=False) for p in self.params}
        return dict(jsonable({"params": ranges, "fixed": dict(self.fixed)}))

    def grid(self, points: int) -> Iterator[dict[str, Any]]:
        """Every setting of the grid, the last parameter changing fastest."""
        yield from self._grid(0, {}, points)

    def _grid(self, at: int, values: dict[str, Any], points: int) -> Iterator[dict[str, Any]]:
        if at == len(self.params):
            yield dict(values)
            return
        param = self.params[at]
        if not param.applies({**self.fixed, **values}):
            yield from self._grid(at + 1, values, points)
            return
        for value in param.grid(points):
            yield from self._grid(at + 1, {**values, param.name: value}, points)

    def grid_size(self, points: int) -> int:
        """Settings of the grid."""
        if self.conditional:
            return sum(1 for _ in self.grid(points))
        return prod(len(param.grid(points)) for param in self.params)


def _asked(param: Param, trial: Any) -> Any:
    config = param.config
    if isinstance(config, ChoiceConfig):
        labels = param.labels
        return config.choices[labels.index(trial.suggest_categorical(param.name, labels))]
    if isinstance(config, IntConfig):
        return trial.suggest_int(
            param.name, config.low, config.high, step=config.step, log=config.log
        )
    return trial.suggest_float(
        param.name, config.low, config.high, step=config.step, log=config.log
    )


def _distribution(param: Param) -> Any:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    config = param.config
    if isinstance(config, ChoiceConfig):
        return CategoricalDistribution(param.labels)
    kind = IntDistribution if isinstance(config, IntConfig) else FloatDistribution
    return kind(config.low, config.high, step=config.step, log=config.log)  # type: ignore[arg-type]


def space_of(given: Mapping[str, Any], document: Document) -> Space:
    """Order the parameters by what they depend on.

    Raises
    ------
    ConfigError
        At the line of a condition on something that is not varied, or that depends on itself.
    """
    ranges = {
        k: v for k, v in given.items() if isinstance(v, IntConfig | FloatConfig | ChoiceConfig)
    }
    fixed = {name: value for name, value in given.items() if name not in ranges}
    if not ranges:
        raise document.error(
            (KEY, "space"), "varies nothing: every value stands alone; give a list or a range"
        )
    params = {name: Param(name, config, _when(name, config, given, document))
              for name, config in ranges.items()}  # fmt: skip
    ordered: list[Param] = []
    while len(ordered) < len(params):
        done = {*fixed, *(param.name for param in ordered)}
        ready = [
            p for p in params.values()
            if p.name not in done and all(name in done for name, _ in p.when)
        ]  # fmt: skip
        if not ready:
            stuck = sorted(set(params) - done)
            raise document.error(
                (KEY, "space", stuck[0], "when"),
                f"depends on itself by way of {', '.join(stuck)}; break the circle",
            )
        ordered += ready
    return Space(tuple(ordered), fixed)


def _when(
    name: str, config: IntConfig | FloatConfig | ChoiceConfig, given: Values, document: Document
) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    found = []
    for other, wanted in config.when.items():
        if other not in given:
            raise document.error(
                (KEY, "space", name, "when", other),
                f"is not in sweep.space{hint(other, list(given), 'there are')}",
            )
        values: Sequence[Any] = wanted if isinstance(wanted, list | tuple) else (wanted,)
        parent = given[other]
        if isinstance(parent, ChoiceConfig):
            for value in values:
                if not any(_same(value, choice) for choice in parent.choices):
                    raise document.error(
                        (KEY, "space", name, "when", other),
                        f"{other} never is {value!r}; its choices: "
                        f"{', '.join(map(repr, parent.choices))}",
                    )
        found.append((other, tuple(values)))
    return tuple(found)

"""The bounds in a constructor's annotations, for those who call it without a config."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import annotated_types as at

from tradewind.engine.errors import ConfigError

_TESTS: dict[type[Any], tuple[str, Callable[[Any, Any], bool]]] = {
    at.Ge: (">=", lambda value, bound: value >= bound.ge),
    at.Gt: (">", lambda value, bound: value > bound.gt),
    at.Le: ("<=", lambda value, bound: value <= bound.le),
    at.Lt: ("<", lambda value, bound: value < bound.lt),
}


def check_bounds(cls: type[Any], params: Mapping[str, Any]) -> None:
    """Refuse a parameter outside its ``Annotated`` bounds.

    A config is checked before the class is built, with file and line; this is the same check for
    a direct call.

    Raises
    ------
    ConfigError
        Naming class, parameter, value and bound.
    """
    hints = get_type_hints(cls, include_extras=True)  # where the constructor is a dataclass's
    hints |= get_type_hints(cls.__init__, include_extras=True)
    for name, value in params.items():
        if value is None:
            continue
        for bound in _bounds(hints.get(name)):
            sign, holds = _TESTS[type(bound)]
            if not holds(value, bound):
                limit = getattr(bound, type(bound).__name__.lower())
                raise ConfigError(f"{cls.__name__}: {name} is {value!r}; wanted {sign} {limit!r}")


def check_features(names: Sequence[str], who: str) -> None:
    """Refuse no features, and one named twice: each is one column of the inputs.

    Raises
    ------
    ConfigError
    """
    if not names:
        raise ConfigError(f"{who}: 'features' is empty; name at least one")
    twice = next((name for name in names if list(names).count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{who}: 'features' names {twice!r} twice; name it once")


def _bounds(hint: Any) -> tuple[Any, ...]:
    """Bounds of ``Annotated[int, Ge(1)]``, also where it stands in a union with None."""
    if get_origin(hint) is Annotated:
        return tuple(hint.__metadata__)
    return tuple(bound for part in get_args(hint) for bound in _bounds(part))

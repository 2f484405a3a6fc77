"""Arrays that remember which of their values were read."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from tradewind.engine.records import Bools


class Watched(np.ndarray):
    """An array that marks what is taken out of it; a function of all of it marks all of it.

    What is taken out is a plain array or number, so arithmetic on it costs nothing more.
    """

    _read: Bools
    _place: np.ndarray[Any, np.dtype[np.int64]]

    @classmethod
    def around(cls, array: np.ndarray[Any, Any]) -> "Watched":
        """A view that watches."""
        made = np.asarray(array).view(cls)
        made._read = np.zeros(array.size, np.bool_)
        made._place = np.arange(array.size).reshape(array.shape)
        return made

    @property
    def was_read(self) -> Bools:
        """Shape of the array; True where a value was taken."""
        return self._read.reshape(self.shape)

    def forget(self) -> None:
        """Start anew."""
        self._read[:] = False

    def __getitem__(self, key: Any) -> Any:
        """Take something out, and mark it."""
        self._read[np.ravel(self._place[key])] = True
        return np.asarray(self)[key]

    def _plain(self) -> Any:
        self._read[:] = True
        return np.asarray(self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """Compute on the plain values; all of them count as read."""
        plain = [one._plain() if isinstance(one, Watched) else one for one in inputs]
        return getattr(ufunc, method)(*plain, **options)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Compute on the plain values; all of them count as read."""
        del types
        return func(*_unwatched(args), **_unwatched(kwargs))


def _unwatched(held: Any) -> Any:
    if isinstance(held, Watched):
        return held._plain()
    if isinstance(held, list | tuple):
        return type(held)(_unwatched(part) for part in held)
    if isinstance(held, dict):
        return {key: _unwatched(part) for key, part in held.items()}
    return held


def watched(inputs: Any, name: str = "") -> tuple[Any, dict[str, Watched]]:
    """Inputs with every array in them watched, and the watchers by name.

    Parameters
    ----------
    inputs : Any
        What ``prepare`` gave: an array, a NamedTuple, tuple, list, mapping or dataclass of them.
    name : str
        Of the whole.
    """
    if isinstance(inputs, np.ndarray) and inputs.dtype.kind in "biuf":
        one = Watched.around(inputs)
        return one, {name: one}
    found: dict[str, Watched] = {}

    def inside(part: Any, key: str) -> Any:
        made, more = watched(part, f"{name}.{key}".lstrip("."))
        found.update(more)
        return made

    if isinstance(inputs, tuple):
        keys = getattr(inputs, "_fields", None)
        parts = [inside(part, keys[k] if keys else str(k)) for k, part in enumerate(inputs)]
        return (type(inputs)(*parts) if keys else tuple(parts)), found
    if isinstance(inputs, list):
        return [inside(part, str(k)) for k, part in enumerate(inputs)], found
    if isinstance(inputs, dict):
        return {key: inside(part, str(key)) for key, part in inputs.items()}, found
    if is_dataclass(inputs) and not isinstance(inputs, type):
        parts_of = {one.name: inside(getattr(inputs, one.name), one.name) for one in fields(inputs)}
        return replace(inputs, **parts_of), found
    return inputs, found

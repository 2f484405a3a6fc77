"""From a plain numeric function to machine code that the next process finds again.

numba does not find closures or passed functions in its cache across processes, and a call through
a function pointer costs five times a whole bar. So a loop is compiled under the name of a small
file that stands for it in the cache folder, called by the hash of everything that goes into the
loop: its source, that of every plain function it calls, and the versions of Python, numba and
numpy. To numba it is a function of that file, and is cached like any other.
"""

import inspect
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import Any

from tradewind.engine.errors import StrategyError

# A division then gives inf instead of raising: a branch that could raise keeps the compiler from
# dropping the reference counts around it, which cost more than the bar itself. A call hands over
# every array in seven words, so what is called at each bar is compiled into the loop.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "forceinline": True}
MARK = '"""Stands for a loop compiled by tradewind; numba keeps its code here. Delete at will."""\n'
Binder = Callable[[Callable[..., Any]], FunctionType]


def compiled(loop: Callable[..., Any]) -> Callable[..., Any]:
    """Return a plain numeric function, compiled.

    Parameters
    ----------
    loop : function
        Module-level, in the subset numba compiles; so are the functions it calls by name.

    Returns
    -------
    function
        Same arguments; compiles at its first call with arguments of a new type, or reads the
        result of an earlier process.
    """
    return _module(loop, None, None)


def compiled_with(loop: Callable[..., Any], part: Callable[..., Any], bind: Binder) -> Any:
    """Return ``loop`` compiled with an exchangeable part in it.

    Parameters
    ----------
    loop : function
    part : function
        A plain module-level function, for example a strategy's rule.
    bind : function
        ``bind(compiled part)`` gives the loop with the part in its place.

    Raises
    ------
    StrategyError
        If the part is not a plain function.
    """
    if not isinstance(part, FunctionType) or part.__closure__:
        raise StrategyError(
            f"rule {part!r}: wanted a plain module-level function, without a closure, so that it "
            "can be compiled and found again; pass what it needs through params or inputs"
        )
    return _module(loop, part, bind)


@cache
def _module(
    loop: Callable[..., Any], part: Callable[..., Any] | None, bind: Binder | None
) -> Callable[..., Any]:
    """Compile the loop as a function of its own file in the cache folder."""
    from numba import njit
    from numba.extending import register_jitable

    functions = [loop] if part is None else [loop, part]
    for helper in reached(functions):
        if helper not in functions:
            register_jitable(**OPTIONS)(helper)
    called = [f"{f.__module__}:{f.__qualname__}" for f in functions]
    path = _written(digest([*called, *_sources([*functions, compiled])]))
    bound = bind(njit(**OPTIONS)(part)) if part is not None and bind is not None else loop
    code = bound.__code__.replace(co_filename=str(path))
    whole = FunctionType(code, bound.__globals__, loop.__name__)
    return njit(cache=True, **OPTIONS)(whole)  # type: ignore[no-any-return]


def reached(functions: list[Callable[..., Any]]) -> list[FunctionType]:
    """Plain functions that ``functions`` call by a global name, themselves included, in order."""
    found: list[FunctionType] = []
    waiting = [f for f in functions if isinstance(f, FunctionType)]
    while waiting:
        function = waiting.pop(0)
        if function in found:
            continue
        found.append(function)
        waiting.extend(_called(function))
    return found


def _called(function: FunctionType) -> Iterator[FunctionType]:
    for name in function.__code__.co_names:
        other = function.__globals__.get(name)
        # What another library wrote is numba's business, not ours.
        if isinstance(other, FunctionType) and not _foreign(other):
            yield other


def _foreign(function: FunctionType) -> bool:
    return (function.__module__ or "").split(".")[0] in ("numpy", "numba", "math", "builtins")


def _sources(functions: list[Callable[..., Any]]) -> list[str]:
    """Text of every module that holds a function reached: constants in it count as well."""
    texts = []
    for function in reached(functions):
        try:
            module = sys.modules.get(function.__module__)
            texts.append(inspect.getsource(module) if module else inspect.getsource(function))
        except (OSError, TypeError):
            raise StrategyError(
                f"{function.__qualname__}: its source cannot be read, and compiled code is named "
                "by its source; put the rule into a file"
            ) from None
    return list(dict.fromkeys(texts))


def digest(texts: list[str]) -> str:
    """Name of compiled code: what it was made from, and by what."""
    made_by = [sys.version, version("numba"), version("numpy")]
    return sha256("\x00".join([*texts, *made_by]).encode()).hexdigest()[:24]


def cache_folder() -> Path:
    """Folder of generated modules: ``TRADEWIND_KERNELS`` or the user's cache."""
    named = os.environ.get("TRADEWIND_KERNELS")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("tradewind")) / "kernels"


def _written(name: str) -> Path:
    """Write the file that stands for a loop, once; to a temp folder if the cache is read-only."""
    for folder in (cache_folder(), Path(tempfile.gettempdir()) / f"tradewind-{os.getuid()}"):
        path = folder / f"tradewind_loop_{name}.py"
        try:
            if path.is_file() and path.read_text("utf-8") == MARK:
                return path
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as file:
                file.write(MARK)
            Path(file.name).replace(path)
            return path
        except OSError:
            continue
    raise StrategyError(
        f"{cache_folder()}: cannot be written, and neither can the temporary folder; set "
        "TRADEWIND_KERNELS to a folder for compiled code"
    )

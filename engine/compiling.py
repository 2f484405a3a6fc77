"""From a plain numeric function to machine code that the next process finds again.

numba does not find closures or passed functions in its cache across processes, and a call through
a function pointer costs five times a whole bar. So a loop is compiled under the name of a small
file that stands for it in the cache folder, called by the hash of everything that goes into the
loop: its source, that of every plain function it calls, and the versions of Python, numba and
numpy. To numba it is a function of that file, and is cached like any other.
"""

import inspect
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from inspect import ismodule
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from tradewind.engine.errors import StrategyError

# A division then gives inf instead of raising: a branch that could raise keeps the compiler from
# dropping the reference counts around it, which cost more than the bar itself. A call hands over
# every array in seven words, so what is called at each bar is compiled into the loop.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "forceinline": True, "_nrt": True}
# A loop that makes no arrays need not count who holds one: counting cost more than a bar.
LEAN: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
CONTRACTED = "contract"  # a product and a sum may be rounded once, together
LEAN_INLINED: dict[str, Any] = {**LEAN, "forceinline": True}
MARK = '"""Stands for a loop compiled by tradewind; numba keeps its code here. Delete at will."""\n'
LIBRARIES = ("numpy", "numba", "math", "builtins")
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
    return _sparing(loop, part, bind)


@cache
def _sparing(loop: Callable[..., Any], part: FunctionType, bind: Binder) -> Callable[..., Any]:
    """Compile a part that makes no arrays without counting them, and any other with."""
    mark = _written(_name([loop, part])).with_suffix(".arrays")
    whole = _module(loop, part, bind, arrays=mark.exists())

    def run(*given: Any) -> Any:
        nonlocal whole
        try:
            return whole(*given)
        except Exception:
            if mark.exists() or list(getattr(whole, "overloads", ())):
                raise
        whole = _module(loop, part, bind, arrays=True)
        found = whole(*given)  # raises what is wrong with the part beside its arrays
        mark.touch()
        return found

    return run


def lean(function: Callable[..., Any]) -> Any:
    """Mark a loop that makes no arrays, and calls nothing that does, but for its part."""
    function.lean = True  # type: ignore[attr-defined]
    return function


def inlined(function: Callable[..., Any]) -> Any:
    """Mark a function to be compiled into whoever calls it: what a loop does at every bar."""
    function.inlined = True  # type: ignore[attr-defined]
    return function


def fused(function: Callable[..., Any]) -> Any:
    """Mark a function whose products may be added without rounding between: twice as fast sums."""
    function.fused = True  # type: ignore[attr-defined]
    return function


def apart(function: Callable[..., Any]) -> Any:
    """Mark a function to be compiled once and kept by itself: what a loop does now and then."""
    function.apart = True  # type: ignore[attr-defined]
    return function


def unlocked(function: Callable[..., Any]) -> Any:
    """Mark a loop to be run without Python's lock, so that threads can share its work."""
    function.unlocked = True  # type: ignore[attr-defined]
    return function


@cache
def _module(
    loop: Callable[..., Any],
    part: Callable[..., Any] | None,
    bind: Binder | None,
    arrays: bool = True,
) -> Callable[..., Any]:
    """Compile the loop as a function of its own file in the cache folder."""
    from numba import njit

    of_part = OPTIONS if arrays else LEAN_INLINED
    bound = bind(njit(**of_part)(part)) if part is not None and bind is not None else loop
    others = _exchanged(loop, bound)
    functions: list[Callable[..., Any]] = [loop, *([part] if part else ()), *others]
    own = reached([loop, *others])
    for helper in reached(functions):
        if helper not in (loop, part):
            _offer(helper, **(_options(helper, loop) if helper in own else of_part))
    code = bound.__code__.replace(co_filename=str(_written(_name(functions) + "a" * arrays)))
    options = _as_numba_wants(_options(loop))
    whole = njit(cache=True, nogil=hasattr(loop, "unlocked"), **options)(
        with_parts(FunctionType(code, bound.__globals__, loop.__name__))
    )
    _forgive(whole)
    return whole  # type: ignore[no-any-return]


def _exchanged(loop: Callable[..., Any], bound: Callable[..., Any]) -> list[FunctionType]:
    """Plain functions that a bound loop calls in the place of others, besides its part."""
    before, after = loop.__globals__, bound.__globals__
    return [
        f for name, f in after.items()
        if isinstance(f, FunctionType) and before.get(name) is not f
    ]  # fmt: skip


@cache
def _offer(helper: FunctionType, **options: Any) -> None:
    """Let compiled code call a plain function; once, or each caller would compile it again."""
    from numba.extending import register_jitable

    register_jitable(**_as_numba_wants(options))(helper)


def with_parts(function: FunctionType) -> FunctionType:
    """Return a function with what it calls ``apart`` in its compiled form."""
    named = {name: function.__globals__.get(name) for name in function.__code__.co_names}
    parts = {name: compiled(f) for name, f in named.items() if f and hasattr(f, "apart")}
    return FunctionType(function.__code__, {**function.__globals__, **parts}, function.__name__)


def _name(functions: list[Callable[..., Any]]) -> str:
    """Name of what is compiled from ``functions``, by everything that goes into it."""
    called = [f"{f.__module__}:{f.__qualname__}" for f in functions]
    return digest([*called, *_sources([*functions, compiled]), *_constants(functions)])


def _options(
    function: Callable[..., Any], loop: Callable[..., Any] | None = None
) -> dict[str, Any]:
    """How a function is compiled: as part of ``loop``, or as one itself."""
    fast = {"fastmath": CONTRACTED} if hasattr(function, "fused") else {}
    marks = {mark for mark in ("apart", "lean") if hasattr(loop or function, mark)}
    if not marks:
        return OPTIONS | fast
    return (LEAN_INLINED if hasattr(function, "inlined") else LEAN) | fast


def _as_numba_wants(options: dict[str, Any]) -> dict[str, Any]:
    """Options with the set of flags numba asks for, which could not be a key of our own cache."""
    fast = options.get("fastmath")
    return options if fast is None else options | {"fastmath": {fast}}


def _forgive(function: Any) -> None:
    """Compile again where kept code is damaged: numba would end the run with a pickle's error."""
    kept = function._cache
    read = kept.load_overload

    def load(*given: Any) -> Any:
        try:
            return read(*given)
        except Exception:
            kept.flush()
            return None

    kept.load_overload = load


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
    for _, other in _globals_of(function):
        if isinstance(other, FunctionType):
            yield other


def _globals_of(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """(name, value) of every global a function reads, through modules and inside comprehensions."""
    for code in _codes(function.__code__):
        for name in code.co_names:
            value = function.__globals__.get(name)
            for found in _looked_up(value, code.co_names) if ismodule(value) else (value,):
                # A function compiled by its author counts by its source, like any other.
                plain = getattr(found, "py_func", found)
                # What another library wrote is numba's business, not ours.
                if not _foreign(plain):
                    yield name, plain


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _codes(part)


def _looked_up(module: ModuleType, names: tuple[str, ...]) -> Iterator[Any]:
    if module.__name__.split(".")[0] not in LIBRARIES:
        yield from (getattr(module, name) for name in names if hasattr(module, name))


def _constants(functions: list[Callable[..., Any]]) -> list[str]:
    """Values of globals read: compiled code holds them, wherever they were imported from."""
    found = []
    for function in reached(functions):
        for name, value in _globals_of(function):
            if isinstance(value, bool | int | float | complex | str | tuple):
                found.append(f"{name}={value!r}")
            elif isinstance(value, np.ndarray):
                content = sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
                found.append(f"{name}={value.dtype}{value.shape}{content}")
    return found


def _foreign(found: Any) -> bool:
    if not isinstance(found, FunctionType):
        return False
    return (found.__module__ or "").split(".")[0] in LIBRARIES


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
    made_by = [sys.version, version("numba"), version("numpy"), _handing_over()]
    return sha256("\x00".join([*texts, *made_by]).encode()).hexdigest()[:24]


@cache
def _handing_over() -> str:
    """Text of the module that says how tuples are handed over: to import it would load numba."""
    return Path(__file__).with_name("byref.py").read_text("utf-8")


def cache_folder() -> Path:
    """Folder of generated modules: ``TRADEWIND_KERNELS`` or the user's cache."""
    named = os.environ.get("TRADEWIND_KERNELS")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("tradewind")) / "kernels"


def _written(name: str) -> Path:
    """Write the file that stands for a loop, once; to a temp folder if the cache is read-only."""
    for folder in (cache_folder, _own_temporary):
        try:
            path = folder() / f"tradewind_loop_{name}.py"
            if path.is_file() and path.read_text("utf-8") == MARK:
                return path
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
                file.write(MARK)
            Path(file.name).replace(path)
            return path
        except OSError:
            continue
    raise StrategyError(
        f"{cache_folder()}: cannot be written, and neither can the temporary folder; set "
        "TRADEWIND_KERNELS to a folder for compiled code"
    )


def _own_temporary() -> Path:
    """Folder below the shared temporary one: kept code is run, so nobody else may have made it."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"tradewind-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != user or stat.S_ISLNK(found.st_mode) or found.st_mode & 0o022:
        raise PermissionError(f"{folder}: belongs to somebody else")
    return folder

"""From numba's refusal to the author's line: where, what, and the way out.

numba reports the whole way it took through the loop around a rule; an author wants the one line of
theirs. It is the innermost place of the report that lies in a function the author wrote, or, where
the report names none, the place that the syntax tree gives.
"""

import ast
import inspect
import linecache
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from tradewind.engine.compiling import reached
from tradewind.engine.errors import StrategyError
from tradewind.engine.executors.compile_words import in_words

ENGINE = Path(__file__).resolve().parents[1]
PLACES = re.compile(
    r'File "(?P<file>[^"]+)", line (?P<line>\d+):|(?:at|from) (?P<path>\S+\.py) \((?P<row>\d+)\)'
)
WAY_OUT = (
    "Rewrite that line, or run the strategy as plain Python, slower and through the same "
    "simulator: --executor interpreted, or 'executor: interpreted' in the config."
)
WANTED = "(bar, inputs, params, book, intents)"


class Place(NamedTuple):
    """A line of the author's."""

    file: Path
    line: int

    def __str__(self) -> str:
        """As a compiler writes it."""
        return f"{self.file}:{self.line}"

    @property
    def source(self) -> str:
        """The line itself."""
        return linecache.getline(str(self.file), self.line).strip()


def is_refusal(error: BaseException) -> bool:
    """Whether numba, and not the code it compiled, raised an error.

    It has errors of its own, and stumbles over some code with an assertion.
    """
    if type(error).__module__.startswith("numba"):
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    return str(trace.tb_frame.f_globals.get("__name__", "")).startswith("numba.")


def explained(error: BaseException, rule: Callable[..., Any], name: str) -> StrategyError:
    """The error an author is shown in place of numba's.

    Parameters
    ----------
    error : BaseException
        For which :func:`is_refusal` is true.
    rule : function
        What should have been compiled.
    name : str
        Of the strategy.
    """
    functions = reached([rule])
    message = re.sub(r"Failed in \w+ mode pipeline \(step: [^)]*\)\n?", "", str(error)).strip()
    what, place = _diagnosis(message, functions, rule)
    said = message.splitlines()[0].strip() if message else type(error).__name__
    quoted = f"\n    {place.source}" if place.source else ""
    return StrategyError(
        f"{place}: {name}: numba cannot compile this line: {what}{quoted}\n"
        f"numba says: {said[:300]}\n{WAY_OUT}"
    )


def _diagnosis(
    message: str, functions: Sequence[Callable[..., Any]], rule: Callable[..., Any]
) -> tuple[str, Place]:
    what = in_words(message)
    missing = re.search(r"NameError: name '(\w+)'", message)
    if missing:
        place = _where_read(missing[1], functions)
        return f"{what}{_near(missing[1], functions)}", place or _head(rule)
    place = _first_place(message, functions)
    if place is not None:
        what += _near_field(message, functions)
        return what or _by_syntax(functions, place)[0] or "it is outside the subset", place
    if re.search(r"Cannot bind", message):
        takes = f"({', '.join(inspect.signature(rule).parameters)})"
        return f"the rule takes {takes}; wanted {WANTED}", _head(rule)
    if message.startswith("No implementation of function"):  # where the loop uses what it got
        return _about_return(rule)
    found, at = _by_syntax(functions, None)
    return what or found or "it is outside the subset", at or _head(rule)


def _first_place(message: str, functions: Sequence[Callable[..., Any]]) -> Place | None:
    """Innermost place in a function of the author's; numba reports from the inside out."""
    spans = [_span(function) for function in functions if not _ours(function)]
    for found in PLACES.finditer(message):
        file = Path(found["file"] or found["path"]).resolve()
        line = int(found["line"] or found["row"])
        if any(file == home and first <= line <= last for home, first, last in spans):
            return Place(file, line)
    return None


def _span(function: Callable[..., Any]) -> tuple[Path, int, int]:
    lines, first = inspect.getsourcelines(function)
    return Path(inspect.getsourcefile(function) or "").resolve(), first, first + len(lines) - 1


def _ours(function: Callable[..., Any]) -> bool:
    return Path(inspect.getsourcefile(function) or "").resolve().is_relative_to(ENGINE)


def _head(rule: Callable[..., Any]) -> Place:
    file, first, _ = _span(rule)
    return Place(file, first)


def _nodes(function: Callable[..., Any]) -> Iterator[tuple[ast.AST, Place]]:
    """Nodes of a function's syntax tree with their places."""
    file, first, _ = _span(function)
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        line = getattr(node, "lineno", None)
        if line is not None:
            yield node, Place(file, first + line - 1)


def _where_read(name: str, functions: Sequence[Callable[..., Any]]) -> Place | None:
    for function in functions:
        for node, place in _nodes(function):
            if isinstance(node, ast.Name) and node.id == name:
                return place
    return None


def _near(name: str, functions: Sequence[Callable[..., Any]]) -> str:
    """The nearest name that is defined, as a question."""
    known = {n for f in functions for n in (*f.__code__.co_varnames, *f.__globals__)}
    near = get_close_matches(name, sorted(known), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _near_field(message: str, functions: Sequence[Callable[..., Any]]) -> str:
    """The nearest field of a NamedTuple that lacks one, as a question."""
    found = re.match(r"Unknown attribute '(\w+)' of type (\w+)\(", message)
    if not found:
        return ""
    owners = [getattr(f, "__globals__", {}).get(found[2]) for f in functions]
    fields = [name for owner in owners for name in getattr(owner, "_fields", ())]
    near = get_close_matches(found[1], fields, 1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _about_return(rule: Callable[..., Any]) -> tuple[str, Place]:
    """A rule whose result is no number of rows: the first 'return' that does not give one."""
    returns = [(n, at) for n, at in _nodes(rule) if isinstance(n, ast.Return)]
    yields = [at for n, at in _nodes(rule) if isinstance(n, ast.Yield | ast.YieldFrom)]
    if yields:
        return "a rule returns the number of rows it wrote and yields nothing", yields[0]
    wanted = "a rule returns the number of rows it wrote, a whole number, on every path"
    odd = [at for n, at in returns if not isinstance(n.value, ast.Name | ast.Call | ast.BinOp)]
    if odd:
        return wanted, odd[0]
    return wanted, returns[0][1] if returns else _head(rule)


CONSTRUCTS: tuple[tuple[type[ast.AST], str], ...] = (
    (ast.Try, "'try' with more than a bare 'except Exception:'"),
    (ast.With, "a 'with' block"),
    (ast.Delete, "'del'"),
    (ast.ClassDef, "a class made inside a function"),
    (ast.JoinedStr, "text with a format in it (an f-string)"),
    (ast.Import, "an import inside a function"),
    (ast.ImportFrom, "an import inside a function"),
    (ast.Global, "a module-level name that is written"),
    (ast.Nonlocal, "a name of an outer function that is written"),
    (ast.Yield, "'yield'"),
    (ast.YieldFrom, "'yield from'"),
    (ast.Await, "'await'"),
    (ast.Lambda, "a lambda"),
    (ast.Starred, "a star"),
)


def _by_syntax(
    functions: Sequence[Callable[..., Any]], at: Place | None
) -> tuple[str, Place | None]:
    """The first construct that numba is known to refuse, on line ``at`` where one is given."""
    for function in functions:
        if _ours(function):
            continue
        for wanted, words in CONSTRUCTS:
            for node, place in _nodes(function):
                if isinstance(node, wanted) and at in (None, place):
                    return words, place
    return "", None

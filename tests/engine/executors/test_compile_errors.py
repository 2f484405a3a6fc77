"""A rule that numba refuses: the author's file, line and source line, in plain words."""

from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from tradewind.engine.compiling import compiled_with
from tradewind.engine.executors.compile_errors import explained, is_refusal
from tradewind.engine.executors.compile_words import kind, several
from tradewind.engine.intents import INTENT
from tradewind.engine.protocols import Book
from tradewind.engine.records import ORDER
from tradewind.engine.registry import load_file

FILE = Path(__file__).with_name("rule_mistakes.py")
MISTAKES = load_file(FILE)

SAYS = {
    "text_keys": "'object' is a class; objects have no place in compiled code",
    "dict_of_the_module": "'TABLE' is a dict of the module; compiled code reads numbers",
    "pandas_call": "pandas has no place in compiled code; compute it in 'prepare'",
    "pandas_of_the_module": "'FRAME' is a pandas.DataFrame of the module",
    "pandas_method": "an array of 1 dimensions has no 'rolling' in compiled code",
    "undefined": "'treshold' is not defined",
    "returns_text": "a rule returns the number of rows it wrote",
    "returns_nothing": "a rule returns the number of rows it wrote",
    "returns_intents": "n",
    "mixed_list": "this is a list of numbers, and the value is text",
    "empty_list": "'found' is an empty list that nothing is put into",
    "mixed_set": "this is a set of whole numbers, and the value is text",
    "except_as": "'except ... as name'; write 'except Exception:'",
    "except_one_kind": "'except' for one kind of error; write 'except Exception:'",
    "makes_an_object": "'Box' is a class",
    "uses_an_object": "'BOX' is a",
    "formatted": "an f-string",
    "percent_format": "there is no 'mod' for text and a whole number",
    "endless": "'endless' is a function that cannot be called here; nor can a rule call itself",
    "missing_input": "the tuple Inputs has no 'closes' in compiled code (did you mean 'close'?)",
    "missing_param": "the tuple Params has no 'treshold' in compiled code (did you mean '"
    "threshold'?)",
    "text_and_number": "there is no 'add' for text and a whole number in compiled code",
    "two_kinds": "'x' is a whole number on one path and text on another",
    "numpy_argument": "numba's mean takes no argument 'axis'",
    "numpy_unknown": "numba knows no numpy.random.default_rng",
    "with_block": "a 'with' block",
    "starred": "taking a sequence apart with a star",
    "imports": "an import inside a function; move it to the top of the file",
    "too_many_indices": "an array of 2 dimensions is given 3 indices",
    "calls_a_helper": "a whole number has no 'nothing'",
    "too_few_arguments": "a call of a function that takes (a, b): missing a required argument: 'b'",
    "writes_the_module": "writing a module-level name; what a rule remembers",
    "deletes": "'del'",
    "yields": "a rule returns the number of rows it wrote and yields nothing",
    "escapes": "a function inside a function that reads 'bar' from outside itself",
    "wrong_arguments": "the rule takes (bar, inputs, book); wanted (bar, inputs, params, "
    "book, intents)",
}  # fmt: skip


def rule(bar: int, inputs: Any, params: Any, book: Any, intents: Any) -> int:
    """The place a rule takes."""
    raise NotImplementedError


def walk(bar: int, inputs: Any, params: Any, book: Any, intents: Any) -> int:
    """Stands for the loop: takes what the rule returns for a number of rows."""
    n = rule(bar, inputs, params, book, intents)
    rows = 0
    if n > len(intents):
        return -1
    for i in range(n):
        rows += intents[i]["symbol"]
    return rows


def bound(rule: Callable[..., Any]) -> FunctionType:
    return FunctionType(walk.__code__, {**globals(), "rule": rule}, "walk")


def refusal(rule: Callable[..., Any]) -> Exception:
    """What numba raises for a rule."""
    book = Book(
        np.zeros(2), np.ones(1), np.zeros(2), np.zeros(3, ORDER), np.zeros(3, np.int64),
        np.zeros(1, np.int64), np.zeros((2, 0)),
    )  # fmt: skip
    inputs, params = MISTAKES.Inputs(np.ones((9, 2))), MISTAKES.Params(3)
    try:
        compiled_with(walk, rule, bound)(5, inputs, params, book, np.zeros(4, INTENT))
    except Exception as error:
        return error
    raise AssertionError(f"{rule.__name__} compiles")


def marked(rule: Callable[..., Any]) -> int:
    """Line that is marked in a rule, or in the function it calls."""
    lines = FILE.read_text("utf-8").splitlines()
    first = {"calls_a_helper": MISTAKES.helper}.get(rule.__name__, rule).__code__.co_firstlineno
    return next(n for n, line in enumerate(lines, 1) if n >= first and line.endswith("# HERE"))


@pytest.mark.parametrize("name", sorted(SAYS))
def test_a_rule_that_does_not_compile_is_told_by_file_line_source_and_reason(name: str) -> None:
    rule = getattr(MISTAKES, name)
    found = refusal(rule)
    assert is_refusal(found)
    first, source, *_ = str(explained(found, rule, "Mine")).splitlines()
    line = marked(rule)
    assert first.startswith(f"{FILE}:{line}: Mine: numba cannot compile this line: ")
    assert SAYS[name] in first
    assert source.strip() == FILE.read_text("utf-8").splitlines()[line - 1].strip()


def test_every_mistake_of_the_collection_is_tried() -> None:
    rules = [n for n, f in vars(MISTAKES).items()
             if isinstance(f, FunctionType) and f.__code__.co_varnames[:1] == ("bar",)]  # fmt: skip
    assert sorted(rules) == sorted(SAYS)


def test_the_way_out_is_offered() -> None:
    rule = MISTAKES.undefined
    said = str(explained(refusal(rule), rule, "Mine"))
    assert "--executor interpreted" in said
    assert "numba says: NameError: name 'treshold' is not defined" in said


def test_an_error_of_the_authors_own_is_no_refusal() -> None:
    try:
        dict[str, int]()["a"]
    except KeyError as error:
        assert not is_refusal(error)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("int64", "a whole number"),
        ("Literal[str](a)", "text"),
        ("array(float64, 2d, C)", "an array of 2 dimensions"),
        ("list(float64)<iv=None>", "a list of numbers"),
        ("DictType[unicode_type,int64]<iv=None>", "a dict"),
        ("none", "None"),
        ("x" * 70, "x" * 57 + "..."),
    ],
)  # fmt: skip
def test_types_of_numba_are_said_in_words(given: str, said: str) -> None:
    assert kind(given) == said


def test_the_types_of_a_call_are_told_apart_at_its_outer_commas() -> None:
    assert several("array(int64, 1d, C), Tuple(int64, float64)") == (
        "an array of 1 dimensions and a tuple"
    )

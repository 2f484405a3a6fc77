"""Rules that numba cannot compile, as authors write them first; the line at fault is marked."""
# mypy: ignore-errors
# ruff: noqa: F821, F841, UP031, PTH123, RUF059

from typing import NamedTuple

import numpy as np
import pandas as pd

TABLE = {"a": 1.0}
FRAME = pd.DataFrame({"a": [1.0]})
TRESHOLDS = 3


class Box:
    """An object like any other."""

    def __init__(self, x):
        self.x = x


BOX = Box(1.0)


class Inputs(NamedTuple):
    close: object


class Params(NamedTuple):
    threshold: int


def text_keys(bar, inputs, params, book, intents):
    found = {"n": object()}  # HERE
    return len(found)


def dict_of_the_module(bar, inputs, params, book, intents):
    return int(TABLE["a"])  # HERE


def pandas_call(bar, inputs, params, book, intents):
    frame = pd.Series(inputs.close[:bar, 0])  # HERE
    return int(frame.mean())


def pandas_of_the_module(bar, inputs, params, book, intents):
    return int(FRAME["a"].sum())  # HERE


def pandas_method(bar, inputs, params, book, intents):
    return int(inputs.close[:bar, 0].rolling(3).mean())  # HERE


def undefined(bar, inputs, params, book, intents):
    n = 0
    if inputs.close[bar, 0] > treshold:  # HERE
        n = 1
    return n


def returns_text(bar, inputs, params, book, intents):
    return "none"  # HERE


def returns_nothing(bar, inputs, params, book, intents):  # HERE
    book.qty[0]


def returns_intents(bar, inputs, params, book, intents):
    n = 0
    if n > 3:
        return n
    return [n]  # HERE


def mixed_list(bar, inputs, params, book, intents):
    found = []
    found.append(1.0)
    found.append("a")  # HERE
    return len(found)


def empty_list(bar, inputs, params, book, intents):
    found = []  # HERE
    return len(found)


def mixed_set(bar, inputs, params, book, intents):
    held = set()
    held.add(1)
    held.add("a")  # HERE
    return len(held)


def except_as(bar, inputs, params, book, intents):
    try:
        n = 1 // bar
    except ZeroDivisionError as error:  # HERE
        n = 0
    return n


def except_one_kind(bar, inputs, params, book, intents):
    try:
        n = 1 // bar
    except ZeroDivisionError:  # HERE
        n = 0
    return n


def makes_an_object(bar, inputs, params, book, intents):
    box = Box(1.0)  # HERE
    return int(box.x)


def uses_an_object(bar, inputs, params, book, intents):
    return int(BOX.x)  # HERE


def formatted(bar, inputs, params, book, intents):
    name = f"{inputs.close[bar, 0]:.2f}"  # HERE
    return len(name)


def percent_format(bar, inputs, params, book, intents):
    print("bar %d" % bar)  # HERE
    return 0


def endless(bar, inputs, params, book, intents):
    if bar > 0:
        return endless(bar - 1, inputs, params, book, intents)  # HERE
    return endless(bar, inputs, params, book, intents)


def missing_input(bar, inputs, params, book, intents):
    return int(inputs.closes[bar, 0])  # HERE


def missing_param(bar, inputs, params, book, intents):
    return params.treshold  # HERE


def text_and_number(bar, inputs, params, book, intents):
    return int("a" + 1)  # HERE


def two_kinds(bar, inputs, params, book, intents):
    x = 1
    if bar > 2:
        x = "one"
    return len(x)  # HERE


def numpy_argument(bar, inputs, params, book, intents):
    return int(np.mean(inputs.close, axis=0)[0])  # HERE


def numpy_unknown(bar, inputs, params, book, intents):
    return np.random.default_rng(1).integers(5)  # HERE


def with_block(bar, inputs, params, book, intents):
    with open("x") as file:  # HERE
        return 0


def starred(bar, inputs, params, book, intents):
    first, *rest = inputs.close[bar]  # HERE
    return len(rest)


def imports(bar, inputs, params, book, intents):
    import math  # HERE

    return int(math.sqrt(bar))


def too_many_indices(bar, inputs, params, book, intents):
    return int(inputs.close[bar, 0, 1])  # HERE


def helper(x):
    return x.nothing  # HERE


def calls_a_helper(bar, inputs, params, book, intents):
    return helper(bar)


def two(a, b):
    return a + b


def too_few_arguments(bar, inputs, params, book, intents):
    return two(bar)  # HERE


def writes_the_module(bar, inputs, params, book, intents):
    global TRESHOLDS
    TRESHOLDS = 1  # HERE
    return TRESHOLDS


def deletes(bar, inputs, params, book, intents):
    found = {1: 2}
    del found[1]  # HERE
    return 0


def yields(bar, inputs, params, book, intents):
    yield 1  # HERE


def escapes(bar, inputs, params, book, intents):
    def inner(x):  # HERE
        return x + bar

    several = [inner, abs]
    return int(several[0](1))


def wrong_arguments(bar, inputs, book):  # HERE
    return 0

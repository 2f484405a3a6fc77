"""What is held where a method finds no weights, and what the report says of it."""

import re
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Floats, Ints, Panel
from tradewind.strategies.allocating.choice import Chosen
from tradewind.strategies.allocating.rebalancing import AllocationInputs
from tradewind.strategies.allocating.settings import Bounds
from tradewind.strategies.allocating.weighing import Weighing, weigh
from tradewind.strategies.weighting.limits import Estimates

REASON_LENGTH = 200  # characters kept of a reason
SHOWN = 3  # reasons in a sentence
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?")


class Outcome(IntEnum):
    """How the weights of a formation came about."""

    MEANT = 0
    INVERSE_VOLATILITY = 1
    EQUAL = 2
    KEPT = 3
    EMPTY = 4  # some of the fixed names were not there; their weight is in cash


SAID = {
    Outcome.INVERSE_VOLATILITY: "to inverse volatility",
    Outcome.EQUAL: "to equal weights",
    Outcome.KEPT: "to what was held",
}


class Formed(NamedTuple):
    """Weights of a formation, how they came about, and why not otherwise."""

    weights: Floats | None  # None: what is held stays
    outcome: Outcome
    reason: str = ""


def with_fallbacks(
    ways: Sequence[tuple[Outcome, Weighing]],
    chosen: Chosen,
    estimates: Estimates,
    group: Ints,
    bounds: Bounds,
) -> Formed:
    """Weights by the first way that finds any, and why the ways before it did not."""
    why = ""
    for outcome, weighing in ways:
        try:
            return Formed(weigh(weighing, chosen, estimates, group, bounds), outcome, why)
        except StrategyError as error:
            why = why or str(error)
    return Formed(None, Outcome.KEPT, why)


def written(reasons: Sequence[str]) -> npt.NDArray[np.int64]:
    """Texts as numbers, one row each: a rule's inputs hold nothing else."""
    rows = np.zeros((len(reasons), REASON_LENGTH), np.int64)
    for row, text in zip(rows, reasons, strict=True):
        codes = [ord(letter) for letter in text[:REASON_LENGTH]]
        row[: len(codes)] = codes
    return rows


def remarks(inputs: AllocationInputs, panel: Panel) -> list[str]:
    """Sentences on how often which fallback was taken, on which days and why."""
    n_tried = len(inputs.outcome)
    lines = []
    fell = [i for i in range(n_tried) if int(inputs.outcome[i]) in SAID]
    if fell:
        counts = [
            (int((inputs.outcome == outcome).sum()), words) for outcome, words in SAID.items()
        ]
        said = ", ".join(f"{n} {words}" for n, words in counts if n)
        lines.append(
            f"allocation: {len(fell)} of {n_tried} formations fell back, {said}. "
            + _reasons(inputs, panel, fell)
        )
    empty = [i for i in range(n_tried) if inputs.outcome[i] == Outcome.EMPTY]
    if empty:
        lines.append(
            f"allocation: at {len(empty)} of {n_tried} formations some of the fixed weights stayed "
            "in cash. " + _reasons(inputs, panel, empty)
        )
    return lines


def beyond_reach(inputs: AllocationInputs, panel: Panel, equity: Floats, start: int) -> list[str]:
    """Sentence on weights that are worth less than one unit, where only whole units are bought."""
    bars = [int(bar) for bar in np.flatnonzero(inputs.row >= 0) if bar >= start]
    missed: list[tuple[int, Floats]] = []
    for bar in bars:
        wanted = np.abs(inputs.weights[inputs.row[bar]])
        short = (wanted > 0.0) & (wanted * equity[bar] < inputs.price[bar])
        if short.any():
            missed.append((bar, np.where(short, wanted, 0.0)))
    if not missed:
        return []
    bar, first = missed[0]
    k = int(np.argmax(first))
    most = max(float(weights.sum()) for _, weights in missed)
    return [
        f"allocation: at {len(missed)} of {len(bars)} formations some weights were worth less than "
        f"one unit, up to {100.0 * most:.1f} % of equity together. First on {panel.dates[bar]}: "
        f"{panel.symbols[k]} at {inputs.price[bar, k]:,.2f}, for {100.0 * first[k]:.2f} % of "
        f"{equity[bar]:,.0f} = {first[k] * equity[bar]:,.2f}. Give more cash, hold fewer names, or "
        "set account.fractional: true."
    ]


def _reasons(inputs: AllocationInputs, panel: Panel, at: Sequence[int]) -> str:
    """Each reason once, with the number of times and the first date."""
    told: dict[str, tuple[str, list[str]]] = {}  # by the text but for its numbers
    for i in at:
        text = "".join(chr(code) for code in inputs.reason[i] if code)
        day = str(panel.dates[inputs.bar[i]])
        told.setdefault(NUMBER.sub("", text), (text, []))[1].append(day)
    shown = [
        f"{days[0]}{f' and {len(days) - 1} more' if len(days) > 1 else ''}: {text}"
        for text, days in list(told.values())[:SHOWN]
    ]
    more = len(told) - SHOWN
    return "; ".join(shown) + (f"; and {more} other reasons" if more > 0 else "") + "."

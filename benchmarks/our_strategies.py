"""What tradewind trades where it ships no strategy for it: brackets, and plain Python."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from workloads import FAST, SLOW, STOP, TARGET

from tradewind.engine import intents as wishes
from tradewind.engine.protocols import Book, Rule, Signals, View
from tradewind.engine.records import Panel
from tradewind.engine.types import Intent
from tradewind.strategies.deciding import decide_by
from tradewind.strategies.sma_cross import SmaCross, SmaInputs


class CrossParams(NamedTuple):
    """Windows in bars, and distances of a bracket as fractions of the price."""

    fast: int
    slow: int
    stop: float
    target: float


PARAMS = CrossParams(FAST, SLOW, STOP, TARGET)


def above(inputs: SmaInputs, params: CrossParams, bar: int) -> bool:
    """Whether the fast average stands above the slow one."""
    now = inputs.total[bar + 1, 0]
    quick = (now - inputs.total[bar + 1 - params.fast, 0]) / params.fast
    lasting = (now - inputs.total[bar + 1 - params.slow, 0]) / params.slow
    return bool(quick > lasting)


def bracket_rule(bar: int, inputs: SmaInputs, params: CrossParams, book: Book, rows: Any) -> int:
    """Enter on the cross with a trailing stop and a target; leave below it."""
    held = book.qty[0] != 0.0
    up = above(inputs, params, bar)
    if held:
        return 0 if up else wishes.target(rows, 0, 0, 0.0)
    if not up or bar < params.slow or above(inputs, params, bar - 1):
        return 0
    wishes.target(rows, 0, 0, 1.0)
    rows[0]["stop_trail_fraction"] = params.stop
    rows[0]["take_profit"] = inputs.close[bar, 0] * (1.0 + params.target)
    return 1


def every_order_rule(
    bar: int, inputs: SmaInputs, params: CrossParams, book: Book, rows: Any
) -> int:
    """The same with each entry of another order type, and another way out."""
    held = book.qty[0] != 0.0
    up = above(inputs, params, bar)
    if held:
        return 0 if up else wishes.target(rows, 0, 0, 0.0)
    if not up or bar < params.slow or above(inputs, params, bar - 1):
        return 0
    close = inputs.close[bar, 0]
    kind = len_of(book) % 6
    wishes.target(rows, 0, 0, 1.0)
    row = rows[0]
    row["order_type"] = kind
    if kind == wishes.LIMIT:
        row["limit"] = close * 0.9995
    elif kind == wishes.STOP or kind == wishes.STOP_LIMIT:
        row["stop"] = close * 1.0005
        if kind == wishes.STOP_LIMIT:
            row["limit"] = close * 1.001
    elif kind == wishes.TRAILING_STOP:
        row["trail_fraction"] = 0.0005
    row["tif"] = wishes.BARS
    row["until"] = 20
    row["stop_trail_fraction"] = params.stop
    row["take_profit"] = close * (1.0 + params.target)
    return 1


def len_of(book: Book) -> int:
    """Cross-ups so far, told from what a rule may remember."""
    book.memory[0, 0] += 1.0
    return int(book.memory[0, 0])


class BracketCross(SmaCross):
    """SMA cross whose entries carry a trailing stop and a target."""

    def __init__(self) -> None:
        super().__init__(fast=FAST, slow=SLOW)
        self.params = PARAMS  # type: ignore[assignment]

    @property
    def rule(self) -> Rule:
        """The compiled decision."""
        return bracket_rule

    def decide(self, view: View) -> Sequence[Intent]:
        """Wishes at the close of ``view.bar``."""
        return decide_by(self.rule, self.params, view)


class EveryOrder(BracketCross):
    """SMA cross that sends every order type in turn, in brackets."""

    memory = 1

    @property
    def rule(self) -> Rule:
        """The compiled decision."""
        return every_order_rule


class PlainCross:
    """SMA cross without a rule: ``decide`` is asked at each bar, in plain Python."""

    warmup = SLOW

    def prepare(self, panel: Panel, signals: Signals) -> list[bool]:
        """Make the averages as whole arrays, as one would."""
        total = SmaCross(fast=FAST, slow=SLOW).prepare(panel, signals).total[:, 0]
        quick = (total[SLOW:] - total[SLOW - FAST : -FAST]) / FAST
        lasting = (total[SLOW:] - total[:-SLOW]) / SLOW
        known: list[bool] = (quick > lasting).tolist()
        return [False] * (SLOW - 1) + known

    def decide(self, view: View) -> Sequence[Intent]:
        """Wishes at the close of ``view.bar``."""
        up, held = view.inputs[view.bar], view.book.qty[0]
        if up and held == 0.0:
            return [Intent(0, 1.0)]
        if held > 0.0 and not up:
            return [Intent(0, 0.0)]
        return []

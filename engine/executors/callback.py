"""A strategy that only has ``decide``, called back from the compiled loop at every bar.

The loop calls a C function pointer; behind it stands ``decide``, reading the very arrays the loop
works on. There is one simulator, whether a decision is compiled or not.
"""

import ctypes
from collections.abc import Callable
from types import TracebackType
from typing import Any, NamedTuple, Self

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from tradewind.engine.executors.asking import no_wishes
from tradewind.engine.executors.state import OPEN, Log, State
from tradewind.engine.intents import INTENT
from tradewind.engine.protocols import Book, Strategy, View

DEFECT = -1  # what the callback returns after an exception
FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
FIELDS = INTENT.names or ()


def _call_pointer(context: Any, address: Any, bar: Any) -> Any:
    """Call the function at an address with one whole number, for another one."""
    del context

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        number = ir.IntType(64)
        pointer = ir.FunctionType(number, [number]).as_pointer()
        return builder.call(builder.inttoptr(arguments[0], pointer), [arguments[1]])

    return types.int64(types.int64, types.int64), build


call_pointer: Any = intrinsic(_call_pointer)


class CallParams(NamedTuple):
    """Address of the function that asks ``decide``."""

    address: int


def rule(bar: int, inputs: Any, params: Any, book: Any, intents: Any) -> int:
    """Ask ``decide`` through its pointer; it has written the intents when it returns."""
    return call_pointer(params.address, bar)  # type: ignore[no-any-return]


class Caller:
    """Keeps the callback of one strategy alive while the loop runs.

    Parameters
    ----------
    strategy : Strategy
    inputs : NamedTuple
        What ``strategy.prepare`` gave.
    state : State
        Whose arrays the loop changes and ``decide`` reads.
    """

    def __init__(self, strategy: Strategy, inputs: Any, state: State) -> None:
        self.decide, self.inputs, self.state = strategy.decide, inputs, state
        self.name = type(strategy).__name__
        self.error: BaseException | None = None
        self.book: Any = None
        self._function = FUNCTION(self._ask)
        address = ctypes.cast(self._function, ctypes.c_void_p).value
        self.params = CallParams(address or 0)

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Drop the reference from the callback to this object."""
        del self._function

    def bound(self, loop: Callable[..., int]) -> Callable[..., int]:
        """Return the loop, which shows ``decide`` the log of each call and raises its errors."""

        def run(*given: Any) -> int:
            self._open(given[5])
            code = loop(*given)
            if self.error is not None:
                raise self.error
            return code

        return run

    def _open(self, log: Log) -> None:
        state = self.state
        working = state.count[OPEN : OPEN + 1]
        self.book = Book(
            state.qty, state.equity, state.entry, log.orders, log.working, working, state.memory
        )

    def _ask(self, bar: int) -> int:
        """Write what ``decide`` wishes as rows; an exception is kept and ends the loop."""
        wishes: Any = None
        try:
            wishes = self.decide(View(bar, self.inputs, self.book))
            if not wishes:
                return 0
            rows = self.state.intents
            for n, wish in enumerate(wishes):
                if n >= len(rows):
                    return n + 1
                rows[n] = tuple(getattr(wish, name) for name in FIELDS)
            return len(wishes)
        except BaseException as error:
            asked = isinstance(error, AttributeError | TypeError | ValueError | OverflowError)
            odd = asked and wishes is not None  # decide itself went well
            self.error = no_wishes(self.name, bar, wishes) if odd else error
            return DEFECT

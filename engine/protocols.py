"""The doors: what a feed, a forecaster, a selector, a strategy and a broker must offer.

Members are read-only properties: a plain attribute in a Protocol is invariant and would reject a
``NamedTuple`` of parameters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import Any, NamedTuple, Protocol, Self, TypeGuard, runtime_checkable

import numpy as np

from tradewind.engine.errors import ForecastError
from tradewind.engine.explanation import Explanation
from tradewind.engine.records import Floats, Ints, Panel, Records, Simulation
from tradewind.engine.types import Bar, Fill, Intent, Order

SAME_LEVEL = 1e-9  # probabilities nearer than this are one

Inputs = Any
"""A ``NamedTuple`` of arrays that a strategy's ``prepare`` makes and its rule reads."""

Rule = Callable[[int, Any, Any, Any, Any], int]
"""``rule(bar, inputs, params, book, intents) -> rows written``, in the subset numba compiles.

Its arguments are those of :class:`View`, spelt out: building a tuple of arrays at every bar would
cost more than the bar itself.
"""


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Log returns over the next ``horizon`` bars, one row per bar at whose close they were known.

    Attributes
    ----------
    mean, std : ndarray of float64, shape (n_rows, n_symbols)
        NaN in both where there is no forecast; ``std`` > 0 elsewhere.
    horizon : int
        Bars ahead.
    levels : tuple of float
        Probabilities of the quantiles given, increasing.
    quantiles : ndarray of float64, shape (n_rows, n_symbols, n_levels)
        Empty where no levels are given.
    """

    mean: Floats
    std: Floats
    horizon: int
    levels: tuple[float, ...] = ()
    quantiles: Floats = field(default_factory=lambda: np.empty((0, 0, 0)))

    def __post_init__(self) -> None:
        """Refuse numbers nobody should trade on."""
        if self.mean.shape != self.std.shape:
            raise ForecastError(
                f"forecasts: mean has shape {self.mean.shape}, std {self.std.shape}; "
                "wanted the same, one row a bar and one column a symbol"
            )
        given = ~np.isnan(self.mean)
        if (given & ~(np.isfinite(self.mean) & np.isfinite(self.std) & (self.std > 0))).any():
            raise ForecastError("forecasts: a mean stands without a finite std > 0 beside it")

    def interval(self, level: float) -> tuple[Floats, Floats]:
        """Ends of the central interval that should hold a share ``level`` of outcomes.

        Returns
        -------
        low, high : ndarray of float64, shape (n_rows, n_symbols)
            The quantiles at both ends where they are given, else those of a normal distribution.
        """
        at = [
            k for end in (-0.5, 0.5) for k, given in enumerate(self.levels)
            if abs(given - 0.5 - end * level) < SAME_LEVEL
        ]  # fmt: skip
        if len(at) == 2:
            return self.quantiles[:, :, at[0]], self.quantiles[:, :, at[1]]
        reach = NormalDist().inv_cdf(0.5 + level / 2.0) * self.std
        return self.mean - reach, self.mean + reach


@dataclass(frozen=True, slots=True)
class Signals:
    """What forecasters and selectors said about a panel, aligned with its rows.

    Attributes
    ----------
    forecasts : Forecasts or None
        Rows without an out-of-sample forecast are NaN.
    scores : ndarray of float64, shape (n_bars, n_symbols), or None
        A selector's ranking; NaN = not eligible.
    series : Panel or None
        What the forecasts are about where a strategy derives it, a column each; else the symbols.
    """

    forecasts: Forecasts | None = None
    scores: Floats | None = None
    series: Panel | None = None


class Book(NamedTuple):
    """What is held and what works, as arrays that change in place; a rule reads them.

    Only ``memory`` is a rule's own to write.
    """

    qty: Floats  # (n_symbols,) signed units
    equity: Floats  # (1,) account currency, marked at the close of the bar
    entry: Floats  # (n_symbols,) average price of what is held, the symbol's currency
    orders: Records  # ORDER, every order so far by its number
    working: Ints  # numbers of the orders on the market, oldest first
    n_working: Ints  # (1,) how many of them
    memory: Floats  # (n_symbols, n_memory) what a rule remembers from bar to bar


class View(NamedTuple):
    """What ``decide`` may look at when bar ``bar`` has closed.

    ``inputs`` holds whole arrays; a decision reads rows up to ``bar``, and the look-ahead audit
    proves that it does not read further.
    """

    bar: int
    inputs: Inputs
    book: Book


class Feed(Protocol):
    """Steps of bars: history ends, a live feed blocks."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names the feed delivers."""
        ...

    def __iter__(self) -> Iterator[Sequence[Bar]]:
        """Bars that closed together, oldest step first."""
        ...


@runtime_checkable
class Forecaster(Protocol):
    """Predicts log returns over the next ``horizon`` bars."""

    @property
    def horizon(self) -> int:
        """Bars ahead."""
        ...

    @property
    def warmup(self) -> int:
        """Closed bars of history a prediction needs, >= 1."""
        ...

    def fit(self, past: Panel) -> Self:
        """Learn from ``past`` alone and forget earlier fits; returns itself."""
        ...

    def predict(self, past: Panel, *, first: int) -> Forecasts:
        """One row per bar ``first`` ... ``past.n_bars - 1``, each from bars up to its own."""
        ...


@runtime_checkable
class Checkpointed(Forecaster, Protocol):
    """A forecaster whose fitted state can be kept on disk and verified when it comes back."""

    def save(self, folder: Path) -> None:
        """Write the fitted state below ``folder``, which is made."""
        ...

    def restore(self, folder: Path) -> Self:
        """Take over a saved state; raises CheckpointError where anything does not match."""
        ...


@runtime_checkable
class Continuing(Forecaster, Protocol):
    """A forecaster whose next fit may start from the weights of an earlier one."""

    def begin_from(self, earlier: Self) -> Self:
        """Let the next ``fit`` start from the weights of ``earlier`` at half the learning rate.

        Everything that is no weight, such as scaling, is fitted anew on the new past. Raises
        ForecastError where ``earlier`` is not fitted or has other shapes.
        """
        ...


@runtime_checkable
class Resumable(Forecaster, Protocol):
    """A forecaster whose fit, once killed, goes on after the last epoch it finished."""

    def keep_progress(self, folder: Path) -> None:
        """Keep the state after each epoch of the next ``fit`` below ``folder``, which is made.

        A later ``fit`` of an equal forecaster on equal data that was given the same folder goes on
        from there and ends with the bits of a fit that nothing interrupted. What is found damaged
        or of another fit is passed over: the fit begins anew.
        """
        ...


@runtime_checkable
class Watched(Forecaster, Protocol):
    """A forecaster that says how its fit is going."""

    def watch(self, report: Callable[[Mapping[str, Any]], None]) -> None:
        """Call ``report`` after each epoch of the next ``fit``.

        It gets ``network`` (whose weights: a symbol, or all symbols), ``epoch``, ``epochs`` (the
        most there will be), ``fitting`` and ``stopping`` (mean loss in either part).
        """
        ...


@runtime_checkable
class Checking(Forecaster, Protocol):
    """A forecaster that can say before any fit what the data or the machine lacks for it."""

    def check_before_fit(self, panel: Panel) -> None:
        """Raise ConfigError where they have not; ``panel`` is all the data there is.

        The message begins with the parameter that asks for what is missing (``device: ``, or
        ``features.2: `` for an item of a list), so that its line in a config can be named.
        """
        ...


@runtime_checkable
class Divisible(Forecaster, Protocol):
    """A forecaster that can fit each symbol by itself, so that processes may share the symbols."""

    def for_symbols(self, names: Sequence[str]) -> Self:
        """Equal forecaster that fits and predicts these symbols alone; it still reads all bars.

        What it says about a symbol is what the undivided forecaster says. Raises ForecastError
        where one fit serves all symbols.
        """
        ...


@runtime_checkable
class Grouped(Forecaster, Protocol):
    """A forecaster of which many fits at once may be faster than one after the other."""

    @property
    def grouped(self) -> bool:
        """Whether that is so here; raises ForecastError where it cannot be fitted here at all."""
        ...

    @staticmethod
    def fit_many(forecasters: Sequence[Any], pasts: Sequence[Panel]) -> None:
        """Fit each on its own past; equal to fitting it alone but for rounding, 1e-4 relative."""
        ...


@runtime_checkable
class Selector(Protocol):
    """Ranks symbols against each other; the higher, the better."""

    @property
    def horizon(self) -> int:
        """Bars that a ranking is about: what lies nearer than that to a test is not learned."""
        ...

    @property
    def warmup(self) -> int:
        """Closed bars of history a ranking needs, >= 1."""
        ...

    def fit(self, past: Panel) -> Self:
        """Learn from ``past`` alone and forget earlier fits; returns itself."""
        ...

    def score(self, past: Panel, *, first: int) -> Floats:
        """One row per bar ``first`` ... ``past.n_bars - 1``, each from bars up to its own.

        Shape (n_rows, n_symbols). NaN where a symbol is not eligible, and in the whole row of a
        bar at which nothing is ranked.
        """
        ...


@runtime_checkable
class Strategy(Protocol):
    """Turns causal inputs and what is held into intents."""

    @property
    def warmup(self) -> int:
        """Closed bars needed before the first decision, >= 1."""
        ...

    def prepare(self, panel: Panel, signals: Signals) -> Inputs:
        """Causal arrays, vectorised; shared by all settings of a sweep."""
        ...

    def decide(self, view: View) -> Sequence[Intent]:
        """Wishes at the close of bar ``view.bar``; a symbol not named stays as it is."""
        ...


@runtime_checkable
class CompiledStrategy(Strategy, Protocol):
    """A strategy whose decision is one plain function that numba can compile."""

    @property
    def params(self) -> tuple[float, ...]:
        """A ``NamedTuple`` of numbers: what a sweep varies."""
        ...

    @property
    def rule(self) -> Rule:
        """The decision; ``decide`` merely calls it."""
        ...


@runtime_checkable
class Remarking(Strategy, Protocol):
    """A strategy that has something to say about what it prepared."""

    def remarks(self, inputs: Inputs, panel: Panel) -> Sequence[str]:
        """What a reader of the report must know, such as how often it fell back on what."""
        ...


@runtime_checkable
class Reaching(Strategy, Protocol):
    """A strategy that knows which of its weights whole units could not meet."""

    def beyond_reach(
        self, inputs: Inputs, panel: Panel, equity: Floats, start: int
    ) -> Sequence[str]:
        """Sentences for the report, from the equity at each close and the first bar of decision."""
        ...


@runtime_checkable
class Deriving(Strategy, Protocol):
    """A strategy that wants forecasts of something it makes of the symbols, such as spreads."""

    def derived(self, panel: Panel) -> Panel | None:
        """Series on the clock of ``panel``; None where the symbols themselves are forecast."""
        ...


@runtime_checkable
class Explaining(Strategy, Protocol):
    """A strategy that tells a finished run on pages of its own."""

    def explain(
        self, inputs: Inputs, panel: Panel, simulation: Simulation, start: int
    ) -> Explanation:
        """Sheets of pictures and tables; ``start`` is the first bar of decision."""
        ...


def has_rule(strategy: Strategy) -> TypeGuard[CompiledStrategy]:
    """Whether a strategy is compiled: asking the protocol itself takes longer than some runs."""
    return hasattr(strategy, "rule") and hasattr(strategy, "params")


class Broker(Protocol):
    """Takes orders and answers with fills."""

    def submit(self, orders: Sequence[Order]) -> None:
        """Put orders on the market from the next bar on."""
        ...

    def cancel(self, order_id: str) -> None:
        """Withdraw an order that still works; anything else is ignored."""
        ...

    def poll(self, bars: Sequence[Bar]) -> Sequence[Fill]:
        """Match what works against bars that closed together."""
        ...

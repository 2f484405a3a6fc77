"""What every strategy must keep to, as functions that raise ``AssertionError``.

A plug-in author runs them over their own class::

    import pytest
    from tradewind.contracts.strategy_contract import CHECKS

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_strategy_keeps_the_contract(check):
        check(lambda: MyStrategy(window=10))

``make()`` builds a fresh strategy; windows of more than some 100 bars leave it nothing to decide on
in the made-up market of 320 bars and 3 symbols. "Equal" means in every bit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from tradewind.contracts.forecaster_contract import history
from tradewind.engine.audit.made_up import CASH, books, other_future, signals, wishes
from tradewind.engine.costs import costs
from tradewind.engine.executors import cerebro, reference
from tradewind.engine.executors.state import PLAIN_EXECUTION, Account, Terms
from tradewind.engine.protocols import CompiledStrategy, Strategy, View
from tradewind.engine.records import FIELDS, Panel, Simulation
from tradewind.engine.sizing import fixed_weight
from tradewind.engine.tampering import TAMPERINGS, tampered

Make = Callable[[], Strategy]
Check = Callable[[Make], None]

CUTS = (120, 200, 319)


def terms(panel: Panel) -> Terms:
    """Costs on, whole account shared equally, some leverage."""
    return Terms(
        costs(1.0, 4.0, 1.0, 0.005),
        fixed_weight(1.0 / panel.n_symbols, panel.n_symbols),
        Account(CASH, 1.5, False, 0.0, False, 0.0, np.ones(panel.n_symbols, np.bool_)),
        PLAIN_EXECUTION,
    )


def traded(simulate: Any, strategy: Strategy, panel: Panel) -> Simulation:
    """Trade the made-up market on one executor."""
    inputs = strategy.prepare(panel, signals(panel))
    start = strategy.warmup - 1
    found: Simulation = simulate(strategy, inputs, panel, terms(panel), start=start)
    return found


def needs_a_whole_number_of_bars(make: Make) -> None:
    """``warmup`` is a positive integer, and short enough to decide on anything here."""
    warmup = make().warmup
    assert isinstance(warmup, int), f"warmup is {warmup!r}, wanted a whole number"
    assert 1 <= warmup <= CUTS[0], f"warmup is {warmup}, wanted 1 to {CUTS[0]} for this contract"


def leaves_its_inputs_as_they_were(make: Make) -> None:
    """``prepare`` and ``decide`` change neither panel nor signals nor book."""
    panel = history()
    said = signals(panel)
    before = {name: getattr(panel, name).copy() for name in FIELDS}
    forecasts = said.forecasts
    assert forecasts is not None
    mean = forecasts.mean.copy()
    strategy = make()
    inputs = strategy.prepare(panel, said)
    for t, book in enumerate(books(panel)):
        if t >= strategy.warmup - 1:
            qty = book.qty.copy()
            strategy.decide(View(t, inputs, book))
            np.testing.assert_array_equal(book.qty, qty, "decide changed what is held")
    for name, array in before.items():
        np.testing.assert_array_equal(getattr(panel, name), array, f"panel.{name} was changed")
    np.testing.assert_array_equal(forecasts.mean, mean, "the forecasts were changed")


def wishes_are_finite_and_one_for_each_symbol(make: Make) -> None:
    """Every wish names a column of the panel once, with a finite weight; some are made at all."""
    panel, strategy = history(), make()
    bars = range(strategy.warmup - 1, panel.n_bars)
    found = wishes(strategy, panel, signals(panel), bars)
    assert any(found), "the strategy never wished for anything; there is nothing to check"
    for t, row in zip(bars, found, strict=True):
        named = [symbol for symbol, _ in row]
        assert len(set(named)) == len(named), f"bar {t}: a symbol is named twice: {named}"
        assert all(0 <= k < panel.n_symbols for k in named), f"bar {t}: no such column in {named}"
        assert all(np.isfinite(w) for _, w in row), f"bar {t}: a weight is no number: {row}"


def asks_the_same_twice(make: Make) -> None:
    """A decision depends on bar, inputs and book alone, not on decisions before it."""
    panel, strategy = history(), make()
    bars = range(strategy.warmup - 1, panel.n_bars)
    forward = wishes(strategy, panel, signals(panel), bars)
    backward = wishes(strategy, panel, signals(panel), bars[::-1])[::-1]
    assert forward == backward, "asked in another order, the strategy decides otherwise"
    sparse = wishes(make(), panel, signals(panel), bars[::2])
    assert forward[::2] == sparse, "asked at every second bar, the strategy decides otherwise"


def does_not_look_ahead(make: Make) -> None:
    """Another future, of prices and of forecasts, changes no wish made before it."""
    panel, strategy = history(), make()
    whole = wishes(strategy, panel, signals(panel), range(strategy.warmup - 1, panel.n_bars))
    for cut in CUTS:
        past = range(strategy.warmup - 1, cut)
        for how in TAMPERINGS:
            other = tampered(panel, cut, how)
            said = other_future(signals(panel), cut, other.n_bars)
            found = wishes(make(), other, said, past)
            for t, ours, theirs in zip(past, whole, found, strict=False):
                assert ours == theirs, (
                    f"bars from {cut} on were {how}: at bar {t} the wish was {ours} and became "
                    f"{theirs}; an input looks ahead"
                )


def params_are_plain_numbers(make: Make) -> None:
    """What a compiled strategy varies is a named tuple of numbers."""
    strategy = make()
    if isinstance(strategy, CompiledStrategy):
        params = strategy.params
        fields = getattr(params, "_fields", None)
        assert fields is not None, f"params is {params!r}, wanted a NamedTuple"
        for name, value in zip(fields, params, strict=True):
            assert isinstance(value, bool | int | float), f"params.{name} is {value!r}: no number"


def compiled_and_interpreted_agree(make: Make) -> None:
    """The compiled rule and ``decide`` lead to the same orders and fills."""
    strategy = make()
    if isinstance(strategy, CompiledStrategy):
        panel = history()
        ours, theirs = (
            traded(reference.simulate, strategy, panel),
            traded(_interpreted, strategy, panel),
        )
        assert len(ours.fills), "no fill at all; there is nothing to compare"
        assert ours.fills.tobytes() == theirs.fills.tobytes(), "fills differ"
        assert ours.orders.tobytes() == theirs.orders.tobytes(), "orders differ"


def _interpreted(strategy: Strategy, inputs: Any, panel: Panel, given: Terms, *, start: int) -> Any:
    class DecideAlone:
        warmup = strategy.warmup
        prepare = staticmethod(strategy.prepare)
        decide = staticmethod(strategy.decide)
        memory = getattr(strategy, "memory", 0)

    return reference.simulate(DecideAlone(), inputs, panel, given, start=start)


def both_executors_agree(make: Make) -> None:
    """The reference simulator and Cerebro fill the same orders at the same prices."""
    panel = history()
    ours = traded(reference.simulate, make(), panel)
    theirs = traded(cerebro.simulate, make(), panel)
    assert len(ours.fills), "no fill at all; there is nothing to compare"
    assert len(ours.fills) == len(theirs.fills), "another number of fills"
    for name in ("order", "symbol", "bar", "qty", "price", "fee"):
        np.testing.assert_allclose(ours.fills[name], theirs.fills[name], rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(ours.equity, theirs.equity, rtol=1e-9, err_msg="equity")


CHECKS: tuple[Check, ...] = (
    needs_a_whole_number_of_bars,
    leaves_its_inputs_as_they_were,
    wishes_are_finite_and_one_for_each_symbol,
    asks_the_same_twice,
    does_not_look_ahead,
    params_are_plain_numbers,
    compiled_and_interpreted_agree,
    both_executors_agree,
)

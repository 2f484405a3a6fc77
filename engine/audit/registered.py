"""Every registered part, with its own defaults, on made-up bars."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from tradewind.engine import features, registry
from tradewind.engine.audit.auditing import Asked, Subject
from tradewind.engine.audit.facts import Facts
from tradewind.engine.audit.made_up import signals
from tradewind.engine.audit.stages import (
    Effort,
    Stage,
    forecaster_stages,
    named_features,
    selector_stages,
)
from tradewind.engine.bars.sessions import ALWAYS
from tradewind.engine.causality import probe
from tradewind.engine.config.file import Document
from tradewind.engine.errors import TradewindError
from tradewind.engine.protocols import Forecaster, Selector
from tradewind.engine.records import GROUP, Panel
from tradewind.engine.walkforward.conditions import seed_globals

LAG = "20"  # stands for N in the names of features
FEWEST_BARS = 420
HOWS = ("dropped", "noise", "some")  # what each of a hundred features is tried on


def registered(document: Document, effort: Effort) -> Subject:
    """Lay out all features, forecasters, selectors and strategies that can be built as they are.

    Parameters
    ----------
    document : Document
        For messages about a part that does not load.
    effort : Effort
    """
    unseen: list[str] = []
    built = {
        group: _built(group, document, unseen)
        for group in ("forecasters", "selectors", "strategies")
    }
    needed = [make().warmup for group in built.values() for make in group.values()]
    fitted = max([250, *(2 * n + 60 for n in needed)])
    panel = made_up_bars(max(FEWEST_BARS, fitted + 120))
    stages: list[Stage] = []
    names = [name.replace("_N", f"_{LAG}") for name in features.known()]
    for feature in named_features(names, horizon=5):
        few = replace(feature, hows=HOWS)
        _tried(feature.name, partial(_usable, few, panel), stages, unseen)
    for name, make in built["forecasters"].items():
        _tried(name, partial(_forecaster, name, make, panel, fitted), stages, unseen)
    for name, make in built["selectors"].items():
        _tried(name, partial(_selector, name, make, panel, fitted), stages, unseen)
    said = signals(panel)
    asked = tuple(Asked(name, make(), panel, said) for name, make in built["strategies"].items())
    return Subject(
        name="registered parts",
        panel=panel,
        stages=tuple(stages),
        strategies=asked,
        facts=Facts(adjusted=True),
        unseen=tuple(unseen),
    )


def made_up_bars(n_bars: int) -> Panel:
    """Bars with what features of other symbols, groups, columns and the calendar ask for."""
    panel = probe(seed=7, n_bars=n_bars, n_symbols=4)
    draw = np.random.default_rng(7)
    columns = {name: draw.normal(0, 1, panel.shape) for name in ("NAME", f"ahead_{LAG}.NAME")}
    columns[GROUP] = np.broadcast_to(np.array([0.0, 0.0, 1.0, 1.0]), panel.shape).copy()
    return replace(panel, symbols=(*panel.symbols[:3], "SPY"), calendar=ALWAYS, columns=columns)


def _built(group: str, document: Document, unseen: list[str]) -> dict[str, Callable[[], Any]]:
    """Name to maker of every member of a group that its defaults suffice for."""
    makers: dict[str, Callable[[], Any]] = {}
    for name in registry.names(group):
        try:
            cls = registry.find(group, name, document, key=group)
            cls()
        except Exception as error:  # a part that needs a file or a package that is not there
            unseen.append(f"{group} {name}: cannot be built with its defaults: {error}")
            continue
        makers[name] = cls
    return makers


def _tried(
    name: str, make: Callable[[], tuple[Stage, ...]], stages: list[Stage], unseen: list[str]
) -> None:
    try:
        stages += make()
    except TradewindError as error:
        unseen.append(f"{name}: cannot be tried on made-up bars: {error}")


def _usable(stage: Stage, panel: Panel) -> tuple[Stage, ...]:
    stage.compute(panel)
    return (stage,)


def _forecaster(
    name: str, make: Callable[[], Forecaster], panel: Panel, fitted: int
) -> tuple[Stage, ...]:
    def seeded() -> Forecaster:
        seed_globals(0)
        return make()

    stages = forecaster_stages(name, seeded, panel, fitted)
    stages[0].compute(panel)
    return stages


def _selector(
    name: str, make: Callable[[], Selector], panel: Panel, fitted: int
) -> tuple[Stage, ...]:
    def seeded() -> Selector:
        seed_globals(0)
        return make()

    stages = selector_stages(name, seeded, panel, fitted)
    stages[0].compute(panel)
    return stages

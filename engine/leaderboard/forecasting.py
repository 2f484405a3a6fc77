"""How forecasters are judged: by their errors on the pairs that all of them forecast."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tradewind.engine.config.bench import BenchConfig
from tradewind.engine.leaderboard import table, words
from tradewind.engine.leaderboard.entrants import Entrant
from tradewind.engine.leaderboard.judge import Terms
from tradewind.engine.protocols import Forecasts, Signals
from tradewind.engine.records import Bools, Panel

common = table.common


def check(bench: BenchConfig) -> None:
    """Nothing: forecasters are compared with each other alone."""


def compare(
    entrants: Sequence[Entrant],
    panel: Panel,
    given: Bools,
    terms: Terms,
) -> dict[str, Any]:
    """Accuracy of each on the same pairs, as ``engine/leaderboard/table.py`` says."""
    said = {one.name: one.said for one in entrants if isinstance(one.said, Forecasts)}
    return table.compare(
        said,
        panel,
        given,
        reference=_reference(entrants),
        scores=[one.name for one in entrants if not one.mean_is_return],
        seed=terms.config.seed,
    )


def _reference(entrants: Sequence[Entrant]) -> str | None:
    """Whom the others are tested against: the one that says that nothing will change."""
    return next((one.name for one in entrants if one.kind == "naive"), None)


def signals(one: Entrant, given: Bools) -> Signals:
    """Forecasts of the common pairs alone."""
    said = one.said
    assert isinstance(said, Forecasts)
    quantiles = (
        np.where(given[:, :, None], said.quantiles, np.nan) if said.levels else said.quantiles
    )
    mean, std = (np.where(given, values, np.nan) for values in (said.mean, said.std))
    return Signals(replace(said, mean=mean, std=std, quantiles=quantiles))


def n_said(one: Entrant, first_bar: int) -> int:
    """Forecasts given out of sample."""
    said = one.said
    return int(np.isfinite(said.mean[first_bar:]).sum()) if isinstance(said, Forecasts) else 0


def told(board: Mapping[str, Any], entrants: Sequence[Entrant]) -> tuple[str, list[str]]:
    """(verdict, further sentences) on a board."""
    networks = [one.name for one in entrants if one.network]
    return words.verdict(board), words.sentences(board, networks)

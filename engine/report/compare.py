"""Runs side by side: numbers, what differs in their configs, and which differences are noise."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import hypot
from typing import Any

import numpy as np

from tradewind.engine.bars.sessions import bars_per_year
from tradewind.engine.errors import RunError
from tradewind.engine.jsonable import jsonable
from tradewind.engine.records import Floats, Ints
from tradewind.engine.report.gap import Gap
from tradewind.engine.report.run import Run
from tradewind.engine.report.sections.figures import AGAINST, BESIDE_BENCHMARK, OWN
from tradewind.engine.report.series import steps
from tradewind.engine.report.words import is_number, moment, money, number, plus_minus

MIN_COMMON_BARS = 60  # returns on the same bars, below which two runs are compared as strangers
COSTS = ("fee", "spread", "slippage", "borrow", "interest", "total", "dividends")


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric of every run; ``texts`` says the same as ``values``, ready to print."""

    key: str
    label: str
    values: tuple[Any, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """One key of the config that is not the same in all runs; None where a run lacks it."""

    key: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class SharpePair:
    """Two runs' Sharpe ratios.

    Attributes
    ----------
    first, second : str
        Names of runs.
    difference, se : float or None
        Annual Sharpe ratio of the first above the second's, and its standard error.
    within_error : bool
        Whether it is smaller than that error, or cannot be told.
    n_bars : int
        Bars both were evaluated on.
    paired : bool
        Whether returns of the same bars were compared; else the periods hardly overlap, and the
        errors of both runs add up.
    sentence : str
    """

    first: str
    second: str
    difference: float | None
    se: float | None
    within_error: bool
    n_bars: int
    paired: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What ``tradewind compare`` prints; ``as_dict`` is its JSON."""

    names: tuple[str, ...]
    periods: tuple[str, ...]
    metrics: tuple[MetricRow, ...]
    config: tuple[ConfigRow, ...]
    sharpe: tuple[SharpePair, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, None where there is no number."""
        return dict(jsonable(asdict(self)))


def compare(runs: Sequence[Run]) -> Comparison:
    """Put runs side by side, in the order given.

    Raises
    ------
    RunError
        If there are fewer than two.
    """
    if len(runs) < 2:
        raise RunError(f"compare: {len(runs)} run given, wanted at least two to put side by side")
    return Comparison(
        names=tuple(run.name for run in runs),
        periods=tuple(_period(run) for run in runs),
        metrics=(*_strategy_rows(runs), *_cost_rows(runs)),
        config=tuple(_config_rows(runs)),
        sharpe=tuple(_pair(first, second) for first, second in combinations(runs, 2)),
    )


def _period(run: Run) -> str:
    dates = run.panel.dates[run.first_bar :]
    return f"{moment(dates[0])} to {moment(dates[-1])}" if len(dates) else "no bars"


def _strategy_rows(runs: Sequence[Run]) -> list[MetricRow]:
    blocks = [run.metrics.get("strategy") or {} for run in runs]
    return [
        MetricRow(
            figure.key,
            figure.label,
            tuple(block.get(figure.key) for block in blocks),
            tuple(figure.show(block) for block in blocks),
        )
        for figure in (*BESIDE_BENCHMARK, *AGAINST, *OWN)
        if any(figure.key in block for block in blocks)
    ]


def _cost_rows(runs: Sequence[Run]) -> list[MetricRow]:
    blocks = [run.metrics.get("costs") or {} for run in runs]
    rows = []
    for name in COSTS:
        if any(name in block for block in blocks):
            values = tuple(block.get(name) for block in blocks)
            texts = tuple(money(value) for value in values)
            rows.append(MetricRow(f"costs.{name}", f"Costs: {name}", values, texts))
    return rows


def _config_rows(runs: Sequence[Run]) -> list[ConfigRow]:
    flat = [leaves(run.config.model_dump(mode="json")) for run in runs]
    keys = list(dict.fromkeys(key for one in flat for key in one))
    rows = [ConfigRow(key, tuple(one.get(key) for one in flat)) for key in keys]
    return [row for row in rows if any(value != row.values[0] for value in row.values[1:])]


def leaves(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one with dotted keys; lists stay whole."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= leaves(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _pair(first: Run, second: Run) -> SharpePair:
    ours, theirs, density = common_returns(first, second)
    paired = len(ours) >= MIN_COMMON_BARS
    gap = Gap.between(ours, theirs, density) if paired else _strangers(first, second)
    known = is_number(gap.value)
    return SharpePair(
        first.name,
        second.name,
        gap.value if known else None,
        gap.se if is_number(gap.se) else None,
        gap.is_noise,
        len(ours),
        paired,
        _sentence(first.name, second.name, gap, paired=paired),
    )


def common_returns(first: Run, second: Run) -> tuple[Floats, Floats, float]:
    """Returns of two runs between the bars on which both were evaluated.

    Returns
    -------
    tuple
        Returns of the first, of the second, each of shape (n_common - 1,), and how many such bars
        a year has.
    """
    ts_a, ts_b = first.panel.ts[first.first_bar :], second.panel.ts[second.first_bar :]
    common, in_a, in_b = np.intersect1d(ts_a, ts_b, assume_unique=True, return_indices=True)
    if len(common) < 2:
        return np.empty(0), np.empty(0), float("nan")
    density = bars_per_year(first.panel) * (len(common) - 1) / int(in_a[-1] - in_a[0])
    return _returns(first, in_a), _returns(second, in_b), density


def _returns(run: Run, at: Ints) -> Floats:
    return steps(run.simulation.equity[run.first_bar :][at])[1:]


def _strangers(first: Run, second: Run) -> Gap:
    """Gap of two runs without bars in common: their errors are independent."""
    blocks = [run.metrics.get("strategy") or {} for run in (first, second)]
    said = [block.get(key) for key in ("sharpe", "sharpe_se") for block in blocks]
    known = [value for value in said if is_number(value)]
    if len(known) < len(said):
        return Gap(float("nan"), float("nan"))
    ours, theirs, our_error, their_error = known
    return Gap(ours - theirs, hypot(our_error, their_error))


def _sentence(first: str, second: str, gap: Gap, *, paired: bool) -> str:
    if not is_number(gap.value):
        return f"{first} and {second}: one of them has no Sharpe ratio to compare."
    above = "above" if gap.value >= 0 else "below"
    size = plus_minus(abs(gap.value), gap.se)
    basis = "" if paired else ", on different periods"
    text = f"Sharpe of {first} is {size} {above} that of {second}{basis}"
    if gap.is_noise:
        return f"{text}: within one standard error, chance would do the same."
    return f"{text}: {number(abs(gap.errors), 1)} standard errors."

"""Which names a portfolio is made of at a formation, and on which side each is held."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tradewind.engine.bars.formation import formations
from tradewind.engine.errors import StrategyError
from tradewind.engine.protocols import Signals
from tradewind.engine.records import ELIGIBLE, MEMBER, Bools, Floats, Ints, Panel
from tradewind.strategies.allocating.settings import Choice

EITHER, LONG, SHORT = 0, 1, -1


class Ranking(NamedTuple):
    """What names are ranked by, the higher the better; None: by nothing."""

    values: Floats | None  # (n_bars, n_symbols), NaN = not ranked
    newest: Ints  # (n_bars,) last bar up to this one at which anything is ranked, -1: none yet


class Chosen(NamedTuple):
    """Names of one formation."""

    columns: Ints  # (n,) of the panel, ascending
    side: Ints  # (n,) LONG, SHORT, or EITHER where the method may decide
    score: Floats  # (n,) what they were ranked by, NaN where nothing ranks


def ranking_of(choice: Choice, signals: Signals, panel: Panel) -> Ranking:
    """What the config's selector or forecaster says, as a ranking.

    Raises
    ------
    StrategyError
        If the config wants to rank and nothing does, or the signals belong to another panel.
    """
    said = {"scores": signals.scores, "forecasts": None}
    if signals.forecasts is not None:
        said["forecasts"] = signals.forecasts.mean
    for what, values in said.items():
        if values is not None and values.shape != panel.shape:
            raise StrategyError(
                f"allocation: {what} of shape {values.shape} do not belong to a panel of shape "
                f"{panel.shape}; wanted one row for each bar"
            )
    by = choice.rank_by or ("scores" if signals.scores is not None else "forecasts")
    values = said[by]
    wanted = choice.rank_by is not None or choice.take or choice.rebalance == "signals"
    if values is None and wanted:
        block = "selector" if choice.rank_by == "scores" else "selector' or a 'forecaster"
        block = "forecaster" if choice.rank_by == "forecasts" else block
        raise StrategyError(
            "allocation: there is nothing to rank names by; add a "
            f"'{block}:' block to the config, or leave take, rank_by and 'rebalance: signals' out"
        )
    return Ranking(values, newest_rows(values, panel.n_bars))


def newest_rows(values: Floats | None, n_bars: int) -> Ints:
    """Last bar up to each at which anything is said, -1 before the first."""
    if values is None:
        return np.full(n_bars, -1, np.int64)
    rows = np.where(np.isfinite(values).any(axis=1), np.arange(n_bars), -1)
    return np.maximum.accumulate(rows).astype(np.int64) if n_bars else rows


def due_bars(choice: Choice, ranking: Ranking, panel: Panel) -> Ints:
    """Bars at whose close a portfolio is formed."""
    if choice.rebalance == "signals":
        return np.flatnonzero(ranking.newest == np.arange(panel.n_bars))
    return np.flatnonzero(formations(panel, choice.rebalance))


def permitted(choice: Choice, panel: Panel) -> Bools:
    """Bars at which a symbol may be chosen, shape (n_bars, n_symbols).

    It trades, and belongs to the universe where the data says what does; of a list of names, the
    names on it.
    """
    trades = ~np.isnan(panel.close)
    if not choice.names:
        return np.asarray(trades & panel.marked(MEMBER) & panel.marked(ELIGIBLE))
    listed = np.zeros(panel.n_symbols, np.bool_)
    listed[[panel.column(name) for name in choice.names]] = True
    return np.asarray(trades & listed)


def choose(choice: Choice, may: Bools, score: Floats | None, *, joint: bool) -> Chosen:
    """Names held out of those that may be.

    Parameters
    ----------
    choice : Choice
    may : ndarray of bool, shape (n_symbols,)
    score : ndarray of float64, shape (n_symbols,), or None
        The newest ranking; None where nothing ranks.
    joint : bool
        Whether the method finds the side of a name itself, unless the ranking's ends say it.

    Raises
    ------
    StrategyError
        If fewer names are left than the ends take, or none; if all scores are alike and both ends
        are asked for. A long side then holds everybody: nobody is better than the others, and the
        order of the columns is no opinion.
    """
    if score is not None:
        may = may & np.isfinite(score)
    columns = np.flatnonzero(may)
    if columns.size == 0:
        raise StrategyError("no name can be chosen")
    if score is None:
        own = LONG if choice.side == "long" else EITHER
        return Chosen(columns, np.full(len(columns), own), np.full(len(columns), np.nan))
    best = columns[np.argsort(-score[columns], kind="stable")]  # ties by the order of columns
    if choice.take and len(best) > 1 and np.ptp(score[columns]) == 0.0:
        if choice.side != "long":
            raise StrategyError("all scores are alike, so the ranking has no ends")
        n_top, n_bottom = min(choice.n_most or len(best), len(best)), 0
    else:
        n_top, n_bottom = _sizes(choice, len(best), joint)
    side = np.zeros(len(may), np.int64)
    side[best[:n_top]] = LONG
    if n_bottom:
        side[best[-n_bottom:]] = SHORT
    free = choice.side != "long" and joint and not choice.take
    kept = columns if free else np.flatnonzero(side)
    return Chosen(kept, np.zeros(len(kept), np.int64) if free else side[kept], score[kept])


def _sizes(choice: Choice, n_ranked: int, joint: bool) -> tuple[int, int]:
    """How many names of a ranking are held long and short."""
    both = choice.side != "long"
    ends: Mapping[str, float] = choice.take or (
        {"top": 0.5, "bottom": 0.5} if both else {"top": 1.0}
    )
    sizes = [_size(ends[end], n_ranked) if end in ends else 0 for end in ("top", "bottom")]
    if not both:
        sizes[0] = min(sizes[0], choice.n_most or n_ranked, n_ranked)
    elif choice.n_most and (choice.take or not joint):
        sizes = [min(sizes[0], (choice.n_most + 1) // 2), min(sizes[1], choice.n_most // 2)]
    if sum(sizes) > n_ranked:
        raise StrategyError(
            f"{n_ranked} names are ranked, and take asks for {sizes[0]} + {sizes[1]}"
        )
    return sizes[0], sizes[1]


def _size(wanted: float, n_ranked: int) -> int:
    """Whole number: so many names. Share: so many of those ranked, at least one."""
    if isinstance(wanted, int):
        return wanted
    return max(1, int(n_ranked * wanted + 1e-9))  # 0.1 of 120 are 12, whatever rounding says

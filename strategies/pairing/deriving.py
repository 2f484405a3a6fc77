"""Spreads as series that a forecaster can learn: one for each pair of each formation."""

from dataclasses import replace

import numpy as np

from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.records import ELIGIBLE, Floats, Panel
from tradewind.strategies.pairing.forming import Formed, due_bars, walk
from tradewind.strategies.pairing.settings import Plan


def derive(plan: Plan, panel: Panel) -> Panel:
    """Value of a long spread of each pair, as if it were a symbol.

    Parameters
    ----------
    plan : Plan
    panel : Panel

    Returns
    -------
    Panel
        A column for each place of each formation. It begins with the formation, so that a window
        has something to read, but may be learned from and forecast (``eligible``) only from the
        formation's last bar on: that this pair would be chosen was not known before. A log return
        of it is what one unit of gross value in the spread earned.
    """
    n_episodes = plan.per_formation * len(due_bars(plan, panel))
    shape = (panel.n_bars, n_episodes)
    opened, value, volume = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    eligible = np.zeros(shape)
    adjusted = forward_adjusted(panel)
    for formed in walk(plan, panel):
        rows = slice(formed.first, formed.stop)
        for i, pair in enumerate(formed.pairs):
            if formed.refused[i]:
                continue
            e, own = formed.number * plan.per_formation + i, list(pair)
            opened[rows, e], value[rows, e] = _bars(formed, i, adjusted.open[rows, own])
            volume[rows, e] = adjusted.volume[rows, own].sum(axis=1)
            eligible[formed.bar : formed.stop, e] = 1.0
    gap = np.isnan(value) | np.isnan(opened) | np.isnan(volume)
    opened, value, volume = (np.where(gap, np.nan, one) for one in (opened, value, volume))
    return replace(
        panel, symbols=_names(plan, panel), open=opened, high=np.maximum(opened, value),
        low=np.minimum(opened, value), close=value, volume=volume,
        columns={ELIGIBLE: eligible}, calendars=(), ends=np.full(n_episodes, -1, np.int64),
    )  # fmt: skip


def _names(plan: Plan, panel: Panel) -> tuple[str, ...]:
    given = plan.search.given
    return tuple(
        f"{panel.dates[bar]} {'/'.join(given[i]) if given else f'no. {i + 1}'}"
        for bar in due_bars(plan, panel)
        for i in range(plan.per_formation)
    )


def _bars(formed: Formed, i: int, opens: Floats) -> tuple[Floats, Floats]:
    """(open, close) of one unit of gross value in a spread that is bought, 1 at the first bar.

    Between them nobody knows where the spread was: its high and low are the two.
    """
    n, there = formed.n_formation, formed.legs.there[i]
    share = formed.share[:, i][:, there].copy()
    share[: n - 1] = share[n - 1]  # as it is known at the end of the formation
    close = formed.legs.close[:, i][:, there]
    with np.errstate(invalid="ignore", divide="ignore"):
        earned = (share[:-1] * (close[1:] / close[:-1] - 1.0)).sum(axis=1)
        early = (share[:-1] * (opens[1:] / close[:-1] - 1.0)).sum(axis=1)
    value = np.concatenate([[1.0], np.cumprod(1.0 + np.nan_to_num(earned))])
    opened = np.concatenate([[1.0], value[:-1] * (1.0 + early)])
    value[1:][np.isnan(earned)] = np.nan
    return opened, value

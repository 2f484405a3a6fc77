"""Spreads of the pairs of one formation, and what they say, from bars up to each row."""

from typing import NamedTuple

import numpy as np

from tradewind.engine.errors import StrategyError
from tradewind.engine.records import Bools, Floats
from tradewind.strategies.pairing import breaks, copulas, hedge
from tradewind.strategies.pairing import ornstein_uhlenbeck as process
from tradewind.strategies.pairing.johansen import johansen
from tradewind.strategies.pairing.settings import Neutral, Plan, Spread

FLAT = 1e-10  # standard deviation of a spread, log price, below which it is rounding


class Legs(NamedTuple):
    """Prices of the legs of some pairs: formation first, then the bars they may trade on."""

    close: Floats  # (n_bars, n_pairs, n_legs), NaN in legs a pair does not have
    prices: Floats  # the same, logarithms where asked
    there: Bools  # (n_pairs, n_legs)
    n_formation: int
    horizon: int  # bars that the pairs are expected to trade on, as the calendar of the past has it


class Series(NamedTuple):
    """What is known of each pair at each bar, (n_bars, n_pairs) where nothing else is said."""

    coefficient: Floats  # (n_bars, n_pairs, n_legs) units of a spread's own kind
    spread: Floats
    mean: Floats
    deviation: Floats
    signal: Floats
    broken: Bools
    fault: tuple[str, ...]  # (n_pairs,) why a pair cannot be traded, "" where it can


def series(legs: Legs, plan: Plan) -> Series:
    """Spread, its mean and deviation, the signal and the alarm of each pair.

    Parameters
    ----------
    legs : Legs
    plan : Plan
    """
    told = plan.spread
    prices = _rebased(legs, told)
    coefficient, spread, fault = _hedged(prices, legs, told)
    mean, deviation = _level(spread, legs, told)
    if told.hedge == "kalman" and not told.window:
        spread, mean, deviation = _innovations(prices, told)
    n = legs.n_formation
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.nan_to_num(np.abs(spread[:n])).max(axis=0)
        flat = ~(deviation[n - 1] > FLAT * np.maximum(1.0, size))
        deviate = (spread - mean) / np.where(deviation > 0.0, deviation, np.nan)
    fault = [
        why or ("its spread does not move" if still else "")
        for why, still in zip(fault, flat, strict=True)
    ]
    signal = deviate
    if told.kind == "ou":
        signal, mean, deviation, fault = _optimal(spread, legs, told, fault)
    elif told.kind == "copula":
        signal, fault = _cumulated(legs, fault)
    bad = np.array([bool(why) for why in fault])
    signal = np.where(bad, np.nan, signal)
    return Series(
        coefficient, spread, mean, deviation, signal, _broken(spread, deviate, legs, plan),
        tuple(fault),
    )  # fmt: skip


def _rebased(legs: Legs, told: Spread) -> Floats:
    """Prices as the hedge reads them: for one to one as indices that begin with the money."""
    if told.hedge != "one":
        return legs.prices
    start = legs.n_formation - 1 if told.rebase else 0
    formation, later = legs.prices.copy(), legs.prices
    with np.errstate(divide="ignore", invalid="ignore"):
        if told.log:
            formation = formation - formation[0]
            later = later - later[start]
        else:
            formation = formation / formation[0]
            later = later / later[start]
    later[: legs.n_formation] = formation[: legs.n_formation]
    return np.asarray(later)


def _hedged(prices: Floats, legs: Legs, told: Spread) -> tuple[Floats, Floats, list[str]]:
    """(coefficients, spread, why not) of each pair."""
    n_bars, n_pairs, n_legs = prices.shape
    n = legs.n_formation
    coefficient = np.zeros(prices.shape)
    coefficient[:, :, 0] = 1.0
    fault = [""] * n_pairs
    intercept = np.zeros((n_bars, n_pairs))
    if told.hedge == "one":
        coefficient[:, :, 1] = -1.0
    elif n_legs == 2 and told.hedge != "johansen":
        slope, intercept = _line(prices, n, told)
        coefficient[:, :, 1] = -slope
    else:
        for i in range(n_pairs):
            own = np.flatnonzero(legs.there[i])
            vector, constant, fault[i] = _vector(prices[:n, i][:, own], told)
            coefficient[:, i, own] = vector
            intercept[:, i] = constant
    spread = np.nansum(coefficient * prices, axis=2) - intercept
    lacks = (np.isnan(prices) & legs.there).any(axis=2)
    spread = np.where(lacks, np.nan, spread)
    for i in range(n_pairs):
        now = coefficient[n - 1, i, legs.there[i]]
        if not fault[i] and not np.isfinite(now).all():
            fault[i] = "one of its legs does not move"
        elif not fault[i] and not ((now > 0).any() and (now < 0).any()):
            fault[i] = "its hedge would hold all legs on one side"
    return coefficient, spread, fault


def _line(prices: Floats, n: int, told: Spread) -> tuple[Floats, Floats]:
    """(slope, intercept) of the first leg on the second, known at each bar."""
    y, x = prices[:, :, 0], prices[:, :, 1]
    if told.hedge == "kalman":
        filtered = hedge.kalman(y, x, delta=told.delta, noise=told.noise)
        return filtered.slope, filtered.intercept
    total = told.hedge == "tls"
    if told.hedge_window:
        line = hedge.rolling(y, x, told.hedge_window, total=total)
        return line.slope, line.intercept
    fitted = hedge.fitted(y[:n], x[:n], total=total)
    return (
        np.broadcast_to(fitted.slope, y.shape).copy(),
        np.broadcast_to(fitted.intercept, y.shape).copy(),
    )


def _innovations(prices: Floats, told: Spread) -> tuple[Floats, Floats, Floats]:
    """(innovation, zero, its deviation) of a Kalman filter: what the bar before did not expect.

    What is left after the bar is smaller than it was, because the filter has followed it.
    """
    found = hedge.kalman(prices[:, :, 0], prices[:, :, 1], delta=told.delta, noise=told.noise)
    return found.innovation, np.zeros_like(found.innovation), found.deviation


def _vector(prices: Floats, told: Spread) -> tuple[Floats, float, str]:
    """(coefficients with 1 first, mean of their combination, why not) of one basket."""
    if told.hedge == "johansen":
        try:
            vector = johansen(prices).hedge
        except StrategyError as error:
            return np.full(prices.shape[1], np.nan), 0.0, str(error).removeprefix("johansen: ")
    else:
        others = prices[:, 1:] - prices[:, 1:].mean(axis=0)
        target = prices[:, 0] - prices[:, 0].mean()
        if np.linalg.matrix_rank(others) < others.shape[1]:
            return np.full(prices.shape[1], np.nan), 0.0, "its legs are collinear"
        vector = np.concatenate([[1.0], -np.linalg.lstsq(others, target, rcond=None)[0]])
    return vector, float((prices @ vector).mean()), ""


def _level(spread: Floats, legs: Legs, told: Spread) -> tuple[Floats, Floats]:
    """(mean, standard deviation) of the spread as known at each bar."""
    n = legs.n_formation
    if not told.window:
        with np.errstate(invalid="ignore"):
            mean = np.zeros(spread.shape[1]) if told.hedge == "one" else spread[:n].mean(axis=0)
            deviation = spread[:n].std(axis=0, ddof=1)
        return (
            np.broadcast_to(mean, spread.shape).copy(),
            np.broadcast_to(deviation, spread.shape).copy(),
        )
    mean, deviation = np.full(spread.shape, np.nan), np.full(spread.shape, np.nan)
    w = told.window
    views = np.lib.stride_tricks.sliding_window_view(spread, w, axis=0)
    known = ~np.isnan(views)
    enough = known.mean(axis=2) >= hedge.LEAST_SHARE
    count = np.maximum(known.sum(axis=2), 2)
    total = np.where(known, views, 0.0).sum(axis=2) / count
    away = np.where(known, views - total[:, :, None], 0.0)
    mean[w - 1 :] = np.where(enough, total, np.nan)
    deviation[w - 1 :] = np.where(enough, np.sqrt((away**2).sum(axis=2) / (count - 1)), np.nan)
    return mean, deviation


def _optimal(
    spread: Floats, legs: Legs, told: Spread, fault: list[str]
) -> tuple[Floats, Floats, Floats, list[str]]:
    """(signal in thresholds, mean, reach, why not) by an Ornstein-Uhlenbeck fit."""
    fitted = process.fit(spread[: legs.n_formation])
    reach = process.thresholds(fitted, told.round_trip).reach
    fault = [
        why or ("its spread did not come back" if np.isnan(own) else "")
        for why, own in zip(fault, reach, strict=True)
    ]
    whole = np.broadcast_to
    mean, width = whole(fitted.mean, spread.shape).copy(), whole(reach, spread.shape).copy()
    return (spread - mean) / width, mean, width, fault


def _cumulated(legs: Legs, fault: list[str]) -> tuple[Floats, list[str]]:
    """(signal, why not) of the copula of the two legs' returns, cumulated since the formation.

    The weaker of what both legs say where they agree, 0 where they do not: each adds how far its
    conditional probability lies from one half (Xie, Liew, Wu and Zou 2016).
    """
    n = legs.n_formation
    n_bars, n_pairs, _ = legs.close.shape
    signal = np.full((n_bars, n_pairs), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs: Floats = np.log(legs.close)
    step = _changes(logs)
    for i in range(n_pairs):
        if fault[i]:
            continue
        own = step[:, i][:, :2]
        formed = own[1:n]
        formed = formed[~np.isnan(formed).any(axis=1)]
        u, v = copulas.ranks(formed[:, 0], formed[:, 0]), copulas.ranks(formed[:, 1], formed[:, 1])
        try:
            copula = copulas.fit_best(u, v)
        except StrategyError as error:
            fault[i] = str(error).removeprefix("copula: ")
            continue
        later = own[n:]
        first, second = copulas.conditional(
            copula,
            copulas.ranks(later[:, 0], formed[:, 0]),
            copulas.ranks(later[:, 1], formed[:, 1]),
        )
        a, b = np.nancumsum(first - 0.5), np.nancumsum(second - 0.5)
        weaker = np.sign(a) * np.minimum(np.abs(a), np.abs(b))
        signal[n - 1, i] = 0.0
        signal[n:, i] = np.where(
            np.isnan(first) | np.isnan(second), np.nan, np.where(a * b < 0.0, weaker, 0.0)
        )
    return signal, fault


def _changes(values: Floats) -> Floats:
    """Change of each value from the row before, NaN in the first."""
    return np.concatenate([np.full_like(values[:1], np.nan), np.diff(values, axis=0)])


def _broken(spread: Floats, deviate: Floats, legs: Legs, plan: Plan) -> Bools:
    """Whether each pair has come apart, as known at each bar."""
    n, watch = legs.n_formation, plan.watch
    broken = np.zeros(spread.shape, np.bool_)
    if watch.level > 0.0 and len(spread) > n:
        broken[n:] |= breaks.mean_shift(
            spread[:n], spread[n:], watch.level, horizon=legs.horizon,
            hedged=plan.spread.hedge != "one",
        )  # fmt: skip
    if watch.bars and len(spread) > n:
        broken[n:] |= breaks.stays_away(deviate[n:], watch.beyond, watch.bars)
    return broken


def shares(coefficient: Floats, legs: Legs, told: Spread, beta: Floats) -> Floats:
    """Signed share of each leg in a long spread's gross value, shape of ``coefficient``.

    Parameters
    ----------
    coefficient : ndarray of float64, shape (n_bars, n_pairs, n_legs)
    legs : Legs
    told : Spread
    beta : ndarray of float64, shape (n_pairs, n_legs)
        To the market, over the formation.
    """
    by_value = told.log or told.hedge == "one"
    value = coefficient if by_value else coefficient * legs.close
    value = np.where(legs.there, value, 0.0)
    long, short = np.maximum(value, 0.0), np.maximum(-value, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = _neutral(value, long, short, told.neutral, beta)
        return np.asarray(value / np.abs(value).sum(axis=2, keepdims=True))


def _neutral(value: Floats, long: Floats, short: Floats, kind: Neutral, beta: Floats) -> Floats:
    if kind == "hedge":
        return value
    if kind == "beta":
        longs, shorts = (long * beta).sum(axis=2), (short * beta).sum(axis=2)
        ratio = np.where((longs > 0.0) & (shorts > 0.0), longs / shorts, np.nan)
    else:
        ratio = long.sum(axis=2) / short.sum(axis=2)
    return long - short * ratio[:, :, None]

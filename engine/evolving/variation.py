"""How new portfolios come from old ones: moves on names and on weights.

Uniform moves on a vector of weights hardly ever exchange one name for another, which is what a
limit on the number of names makes hard. Here a child takes names from both parents, and a mutation
swaps, adds, drops, tilts or shifts. Whatever comes out is repaired.
"""

import numpy as np

from tradewind.engine.evolving.limits import Limits
from tradewind.engine.records import Floats

REACH = 0.25  # by which a child may lie beyond its parents
MIX = 0.3  # of the children take each name from one parent, the others lie between both
CONCENTRATIONS = (0.3, 1.0, 10.0)  # Dirichlet: a few large weights, any, nearly equal
TILT = 0.5  # standard deviation of the logarithm of a weight's factor


def sampled(n: int, limits: Limits, returns: Floats, rng: np.random.Generator) -> Floats:
    """First candidates: random names at random weights, and some led by the returns of the span.

    Parameters
    ----------
    n : int
    limits : Limits
    returns : ndarray of float64, shape (n_bars, n_symbols)
        Of the span that is optimised on, 0 where a name has none.
    rng : Generator
    """
    n_symbols = returns.shape[1]
    most = min(limits.most, n_symbols)
    counts = rng.integers(min(limits.least, most), most + 1, n)
    order = rng.random((n, n_symbols)).argsort(axis=1).argsort(axis=1)
    shape = np.asarray(CONCENTRATIONS)[rng.integers(0, len(CONCENTRATIONS), n)]
    weights = rng.gamma(shape[:, None], 1.0, (n, n_symbols)) + 1e-12
    found = np.where(order < counts[:, None], weights, 0.0)
    led = led_by(returns, most)[: n // 2]
    found[: len(led)] = led
    return np.asarray(found)


def led_by(returns: Floats, most: int) -> Floats:
    """Candidates between the names that rose most and those that varied least.

    Rank of mean and of volatility, mixed in eleven proportions, equal and in inverse proportion to
    the volatility. They are known from the span itself, so they are as much in sample as all else.
    """
    mean, vol = returns.mean(axis=0), np.maximum(returns.std(axis=0), 1e-12)
    rank_mean = mean.argsort().argsort().astype(float)
    rank_calm = (-vol).argsort().argsort().astype(float)
    rows = []
    for share in np.linspace(0.0, 1.0, 11):
        best = np.argsort(-(share * rank_mean + (1.0 - share) * rank_calm), kind="stable")[:most]
        for weight in (np.ones(len(mean)), 1.0 / vol, 1.0 / vol**2):
            row = np.zeros(len(mean))
            row[best] = weight[best] / weight[best].sum()
            rows.append(row)
    return np.array(rows)


def crossed(one: Floats, other: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Two children of each pair, each array of shape (n_pairs, n_symbols)."""
    n, n_symbols = one.shape
    share = rng.uniform(-REACH, 1.0 + REACH, (n, 1))
    first = share * one + (1.0 - share) * other
    second = (1.0 - share) * one + share * other
    take = rng.random((n, n_symbols)) < 0.5
    mixes = rng.random((n, 1)) < MIX
    first = np.where(mixes, np.where(take, one, other), first)
    second = np.where(mixes, np.where(take, other, one), second)
    return np.maximum(first, 0.0), np.maximum(second, 0.0)


def mutated(weights: Floats, rng: np.random.Generator) -> Floats:
    """Each row after one of five moves, chosen at random."""
    n, n_symbols = weights.shape
    rows = np.arange(n)
    held = weights > 0.0
    # A random name among those held, and one among the others, of each row.
    chance = rng.random((n, n_symbols))
    inside = np.where(held, chance, -1.0).argmax(axis=1)
    outside = np.where(held, -1.0, chance).argmax(axis=1)
    second = np.where(held, chance, 2.0).argmin(axis=1)
    move = rng.integers(0, 5, n)
    step = rng.random(n)
    out = weights.copy()
    mine, theirs = weights[rows, inside], weights[rows, second]
    swap, add, shift, tilt, drop = (move == i for i in range(5))
    out[rows[swap], outside[swap]] = mine[swap]
    out[rows[swap], inside[swap]] = 0.0
    out[rows[add], outside[add]] = (step * 2.0 * weights.max(axis=1))[add]
    out[rows[shift], inside[shift]] = ((1.0 - step) * mine)[shift]
    out[rows[shift], second[shift]] = (theirs + np.where(inside == second, 1.0, step) * mine)[shift]
    tilted = weights * np.exp(TILT * rng.standard_normal((n, n_symbols)))
    out[tilt] = tilted[tilt]
    out[rows[drop], inside[drop]] = 0.0
    return out

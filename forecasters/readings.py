"""What the numbers a network ends with mean, without torch: a process that trades reads them too.

Each reading is the reading of a head (:mod:`tradewind.forecasters.heads`), which adds the loss. Its
fields are what a config may say about it: ``head: {kind: quantile, levels: [0.1, 0.5, 0.9]}``.
Outputs are in units of scale: trailing volatility times sqrt(horizon).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Le

from tradewind.engine.errors import ConfigError
from tradewind.engine.records import Floats
from tradewind.engine.scoring.statistics import normal_quantile

LOG_STD_LIMIT = 4.0  # |log std| in units of scale: beyond it lies no market
SCORE_LIMIT = 4.0  # |Phi^-1(P(up))|: 1 in 30,000 is as sure as anyone may be
NU_LEAST, NU_MOST = 2.1, 100.0  # degrees of freedom: a finite variance, and practically Gaussian
LEAST_STD = 1e-6  # of scale, where a distribution is given by quantiles that coincide

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)


class Said(NamedTuple):
    """What a head says about windows, in log return over the horizon."""

    mean: Floats  # (n,)
    std: Floats  # (n,) > 0
    quantiles: Floats  # (n, n_levels)


@dataclass(frozen=True, kw_only=True)
class Reading(ABC):
    """From the last layer's K numbers to a forecast.

    Attributes
    ----------
    sequential : bool
        Learned from runs of windows that neither overlap nor leave out a bar.
    mean_is_return : bool
        Whether the mean is an expected return; else only mean / std has a meaning.
    """

    sequential: ClassVar[bool] = False
    mean_is_return: ClassVar[bool] = True

    @property
    def n_outputs(self) -> int:
        """K."""
        return 1

    @property
    def levels(self) -> tuple[float, ...]:
        """Probabilities of the quantiles it gives, increasing."""
        return ()

    @abstractmethod
    def bend(self, raw: Floats) -> Floats:
        """Bring the linear layer's numbers to where they have a meaning: (n, K) -> (n, K)."""

    @abstractmethod
    def said(self, output: Floats, scale: Floats) -> Said:
        """Forecasts of outputs (n, K) at scales (n,)."""


@dataclass(frozen=True, kw_only=True)
class Gaussian(Reading):
    """Mean and log standard deviation."""

    @property
    def n_outputs(self) -> int:
        """Mean, log std."""
        return 2

    def bend(self, raw: Floats) -> Floats:
        """See :class:`Reading`."""
        output = raw.copy()
        output[:, 1] = _limited(raw[:, 1], LOG_STD_LIMIT)
        return output

    def said(self, output: Floats, scale: Floats) -> Said:
        """See :class:`Reading`."""
        return Said(output[:, 0] * scale, np.exp(output[:, 1]) * scale, _none(output))


@dataclass(frozen=True, kw_only=True)
class StudentT(Reading):
    """Mean, log scale and degrees of freedom above 2; std = scale * sqrt(nu / (nu - 2)).

    Attributes
    ----------
    levels : tuple of float
        Probabilities whose quantiles are given beside mean and std.
    """

    levels: tuple[float, ...] = LEVELS

    def __post_init__(self) -> None:
        """Refuse levels that are none."""
        _check_levels("student_t", self.levels, least=0)

    @property
    def n_outputs(self) -> int:
        """Mean, log scale, degrees of freedom."""
        return 3

    def bend(self, raw: Floats) -> Floats:
        """See :class:`Reading`."""
        span = NU_MOST - NU_LEAST
        nu = NU_LEAST + _limited(_softplus(raw[:, 2]), span)
        return np.stack((raw[:, 0], _limited(raw[:, 1], LOG_STD_LIMIT), nu), axis=1)

    def said(self, output: Floats, scale: Floats) -> Said:
        """See :class:`Reading`."""
        from scipy.special import stdtrit

        mean, width, nu = output[:, 0] * scale, np.exp(output[:, 1]) * scale, output[:, 2]
        z = stdtrit(nu[:, None], np.array(self.levels))  # (n, n_levels)
        return Said(mean, width * np.sqrt(nu / (nu - 2.0)), mean[:, None] + width[:, None] * z)


@dataclass(frozen=True, kw_only=True)
class Quantile(Reading):
    """Quantiles that cannot cross: the middle one, and positive steps away from it.

    Mean and std are those of the normal distribution whose quantiles at ``levels`` come nearest in
    least squares; for a normal distribution they are exact.

    Attributes
    ----------
    levels : tuple of float
        Probabilities, increasing, at least two.
    """

    levels: tuple[float, ...] = LEVELS

    def __post_init__(self) -> None:
        """Refuse levels that are none."""
        _check_levels("quantile", self.levels, least=2)

    @property
    def n_outputs(self) -> int:
        """One per level."""
        return len(self.levels)

    @property
    def middle(self) -> int:
        """Index of the level nearest to one half."""
        return int(np.argmin(np.abs(np.array(self.levels) - 0.5)))

    def bend(self, raw: Floats) -> Floats:
        """See :class:`Reading`."""
        k = self.middle
        below = np.cumsum(_softplus(raw[:, :k])[:, ::-1], axis=1)[:, ::-1]
        above = np.cumsum(_softplus(raw[:, k + 1 :]), axis=1)
        centre = raw[:, k : k + 1]
        return np.concatenate((centre - below, centre, centre + above), axis=1)

    def said(self, output: Floats, scale: Floats) -> Said:
        """See :class:`Reading`."""
        z = np.array([normal_quantile(level) for level in self.levels])
        offset = z - z.mean()
        std = np.maximum(output @ (offset / (offset @ offset)), LEAST_STD)
        mean = output.mean(axis=1) - std * z.mean()
        return Said(mean * scale, std * scale, output * scale[:, None])


@dataclass(frozen=True, kw_only=True)
class Direction(Reading):
    """Probability of a positive return, kept as a score: P(up) = Phi(mean / std).

    The std is the trailing volatility, which is not learned.
    """

    mean_is_return: ClassVar[bool] = False

    def bend(self, raw: Floats) -> Floats:
        """See :class:`Reading`."""
        return _limited(raw, SCORE_LIMIT)

    def said(self, output: Floats, scale: Floats) -> Said:
        """See :class:`Reading`."""
        return Said(output[:, 0] * scale, scale.copy(), _none(output))


@dataclass(frozen=True, kw_only=True)
class Volatility(Reading):
    """Log of the volatility over the horizon; a mean of 0, which says nothing about direction."""

    def bend(self, raw: Floats) -> Floats:
        """See :class:`Reading`."""
        return _limited(raw, LOG_STD_LIMIT)

    def said(self, output: Floats, scale: Floats) -> Said:
        """See :class:`Reading`."""
        return Said(np.zeros(len(output)), np.exp(output[:, 0]) * scale, _none(output))


@dataclass(frozen=True, kw_only=True)
class Position(Reading):
    """Position in [-1, 1], kept as a score: position = mean / std; std is trailing volatility.

    Attributes
    ----------
    cost_bps : float
        Paid for each unit of turnover while learning, basis points of what is traded.
    objective : str
        ``sharpe``: net Sharpe ratio of all positions of a batch; ``softmin``: a soft minimum over
        its runs, so that no stretch of time is given up for another; ``mean``: net mean return.
    run : int
        Consecutive holding periods of one symbol that a batch keeps together.
    temperature : float
        Of the soft minimum, in Sharpe per period: near 0 the worst run counts alone.
    """

    cost_bps: Annotated[float, Ge(0), Le(1_000)] = 2.0
    objective: Literal["sharpe", "softmin", "mean"] = "sharpe"
    run: Annotated[int, Ge(2), Le(10_000)] = 32
    temperature: Annotated[float, Gt(0), Le(100)] = 0.2

    sequential: ClassVar[bool] = True
    mean_is_return: ClassVar[bool] = False

    def bend(self, raw: Floats) -> Floats:
        """See :class:`Reading`."""
        positions: Floats = np.tanh(raw)
        return positions

    def said(self, output: Floats, scale: Floats) -> Said:
        """See :class:`Reading`."""
        return Said(output[:, 0] * scale, scale.copy(), _none(output))


READINGS: Mapping[str, type[Reading]] = {
    "direction": Direction,
    "gaussian": Gaussian,
    "position": Position,
    "quantile": Quantile,
    "student_t": StudentT,
    "volatility": Volatility,
}

HeadConfig = str | Mapping[str, Any]
"""A name of :data:`READINGS`, or a mapping of ``kind`` and that reading's parameters."""


def reading_of(head: HeadConfig, who: str) -> Reading:
    """Reading that a config names.

    Parameters
    ----------
    head : str or mapping
        See :data:`HeadConfig`.
    who : str
        For messages: whose head it is.

    Raises
    ------
    ConfigError
        If there is none of that name, or it does not take these parameters.
    """
    from tradewind.engine.config.yaml import Document
    from tradewind.engine.registry import check

    params = {} if isinstance(head, str) else dict(head)
    kind = head if isinstance(head, str) else params.pop("kind", None)
    if not isinstance(kind, str):
        raise ConfigError(
            f"{who}: head has no 'kind'; write a name, or kind and its parameters, for example "
            "head: {kind: quantile, levels: [0.1, 0.5, 0.9]}"
        )
    if kind not in READINGS:
        near = get_close_matches(kind, READINGS, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        known = ", ".join(sorted(READINGS))
        raise ConfigError(f"{who}: unknown head {kind!r}{hint}; known: {known}")
    cls = READINGS[kind]
    try:
        return cls(**check(cls, params, Document(who, Path(), {"head": params}, {}), key="head"))
    except TypeError as error:
        raise ConfigError(f"{who}: head {kind}: {error}") from None


def _check_levels(kind: str, levels: tuple[float, ...], *, least: int) -> None:
    rising = all(a < b for a, b in pairwise((0.0, *levels, 1.0)))
    if not rising or len(levels) < least:
        raise ConfigError(
            f"head {kind}: levels are {list(levels)}; wanted {'two or more ' if least else ''}"
            "probabilities between 0 and 1, increasing"
        )


def _limited(raw: Floats, limit: float) -> Floats:
    limited: Floats = limit * np.tanh(raw / limit)
    return limited


def _softplus(raw: Floats) -> Floats:
    return np.asarray(np.logaddexp(0.0, raw))


def _none(output: Floats) -> Floats:
    return np.empty((len(output), 0))

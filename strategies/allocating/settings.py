"""What an allocation is told, and what of it contradicts itself."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from tradewind.engine.bars.formation import Every
from tradewind.engine.errors import StrategyError

Side = Literal["long", "long_short", "neutral"]
Covariance = Literal["sample", "ewma", "ledoit_wolf", "factor"]
Mean = Literal["forecasts", "scores", "history"]
RankBy = Literal["scores", "forecasts"]
Ends = dict[Literal["top", "bottom"], int | float]

SLACK = 1e-9


class Choice(NamedTuple):
    """Which names are held, and on which side."""

    side: Side
    take: Mapping[str, float]  # int: names, float: share of what is ranked; empty: everything
    rank_by: RankBy | None
    names: tuple[str, ...]  # empty: every symbol of the panel
    n_most: int  # names held, 0: no limit
    rebalance: Every | Literal["signals"]


class Estimation(NamedTuple):
    """What weights are estimated from."""

    lookback: int  # returns
    max_gaps: float  # share of the lookback's bars that a name may lack
    covariance: Covariance
    halflife: float
    n_factors: int
    mean: Mean | None
    ic: float


class Bounds(NamedTuple):
    """Limits of the portfolio, in fractions of equity; ``sector_cap`` of its gross weight."""

    gross: float
    net: float
    cap: float
    sector_cap: float  # inf: none

    @property
    def legs(self) -> tuple[float, float]:
        """Gross weight of the long and of the short leg."""
        return (self.gross + self.net) / 2.0, (self.gross - self.net) / 2.0


def bounds_of(
    side: Side, gross: float, net: float | None, cap: float, sector_cap: float | None
) -> Bounds:
    """Limits with the net weight that the side means; raises StrategyError for a contradiction."""
    if side == "long_short":
        if net is None:
            raise StrategyError(
                "allocation: side long_short needs 'net', the long less the short weight: "
                "'gross: 1.6, net: 1' is 130 long and 30 short"
            )
        if not abs(net) <= gross:
            raise StrategyError(
                f"allocation: net {net:g} cannot exceed gross {gross:g}; lower net or raise gross"
            )
    elif net is not None:
        raise StrategyError(
            f"allocation: net is what side {side} says it is; leave it out, or use side long_short"
        )
    meant = {"long": gross, "neutral": 0.0, "long_short": net}[side]
    assert meant is not None
    return Bounds(gross, meant, cap, float("inf") if sector_cap is None else sector_cap)


def refuse_contradictions(choice: Choice, bounds: Bounds) -> None:
    """Raise StrategyError for what no data can make possible."""
    _refuse_ends(choice)
    if choice.side != "long" and 0 < choice.n_most < 2:
        raise StrategyError(
            f"allocation: count 1 leaves no name for one of the two legs of side {choice.side}; "
            "allow at least 2"
        )
    for leg, total, most in zip(("long", "short"), bounds.legs, _most(choice), strict=True):
        if total > 0.0 and most * bounds.cap < total * (1.0 - SLACK):
            raise StrategyError(
                f"allocation: at most {most} names of at most {bounds.cap:g} each hold "
                f"{most * bounds.cap:g}, and the {leg} leg is to hold {total:g}; raise cap "
                "(or count, or take), or lower gross"
            )


def _refuse_ends(choice: Choice) -> None:
    """Raise StrategyError where the ends of the ranking do not fit the side."""
    for end, n in choice.take.items():
        if isinstance(n, bool) or not n > 0 or (isinstance(n, float) and n > 1.0):
            raise StrategyError(
                f"allocation: take.{end} is {n!r}; wanted a share above 0 and up to 1.0, or a "
                "whole number of names"
            )
    if not choice.take:
        return
    if choice.side == "long" and set(choice.take) != {"top"}:
        raise StrategyError(
            "allocation: side long takes names from the top alone; remove take.bottom, or use side "
            "long_short or neutral"
        )
    if choice.side != "long" and set(choice.take) != {"top", "bottom"}:
        raise StrategyError(
            f"allocation: side {choice.side} needs both ends of the ranking; write "
            "take: {top: 0.1, bottom: 0.1}"
        )
    shares = [n for n in choice.take.values() if isinstance(n, float)]
    if sum(shares) > 1.0 + SLACK:
        raise StrategyError(
            f"allocation: take asks for {sum(shares):g} of all names; both ends together are at "
            "most 1"
        )


def _most(choice: Choice) -> tuple[float, float]:
    """Most names that either leg can hold; inf where only the data says."""
    inf = float("inf")
    ends = [choice.take.get(end, inf) for end in ("top", "bottom")]
    most = [n if isinstance(n, int) else inf for n in ends]
    if choice.names:
        most = [min(n, len(choice.names)) for n in most]
    if choice.n_most and choice.side == "long":
        most = [min(n, choice.n_most) for n in most]
    elif choice.n_most and choice.take:
        most = [min(most[0], (choice.n_most + 1) // 2), min(most[1], choice.n_most // 2)]
    elif choice.n_most:
        most = [min(n, choice.n_most - 1) for n in most]
    return most[0], most[1]


def refuse_around_fixed(weights: Mapping[str, float], side: Side, cap: float | None) -> None:
    """Raise StrategyError where fixed weights are not what the other keys allow."""
    for name, weight in weights.items():
        if cap is not None and not abs(weight) <= cap * (1.0 + SLACK):
            raise StrategyError(
                f"allocation: weights.{name} is {weight:g} and cap is {cap:g}; change one of them"
            )
        if weight < 0.0 and side == "long":
            raise StrategyError(
                f"allocation: weights.{name} is {weight:g}, a short position; use side long_short"
            )
    if not any(weights.values()):
        raise StrategyError("allocation: weights hold nothing; give at least one other than 0")
    total = sum(weights.values())
    if side == "neutral" and abs(total) > SLACK:
        raise StrategyError(
            f"allocation: weights add up to {total:g}, which is not neutral; let them add up to 0, "
            "or use side long_short"
        )

"""How much was traded, in words, and how often which cap cut a wish."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tradewind.engine.config.sizing import (
    AtrRiskConfig,
    FixedNotionalConfig,
    FixedUnitsConfig,
    KellyConfig,
    RiskParityConfig,
    SizingBlock,
    TargetWeightConfig,
    ThrottleConfig,
    VolatilityTargetConfig,
)
from tradewind.engine.records import Records
from tradewind.engine.report.section import Context, Section, render
from tradewind.engine.report.words import number, percent, plural
from tradewind.engine.types import Cut, Happening

NAMED = 4  # symbols named beside a cap


class Cap(NamedTuple):
    """One row of the table."""

    name: str
    limit: str
    cuts: int
    where: str


def sizing(context: Context) -> Section | None:
    """Kind of sizing as a sentence, a row for each cap; None where the strategy sizes itself."""
    run = context.run
    if run.manifest.get("strategy_of") == "backtrader":
        return None
    rule = run.config.sizing
    cuts = cuts_of(run.simulation.events)
    rows = list(_caps(rule, cuts, run.panel.symbols))
    html = render(
        "sizing.html",
        sentence=sentence(rule, run.panel.n_symbols),
        rows=rows,
        total=len(cuts),
    )
    return Section("sizing", "How much was traded", html, "Sizing")


def cuts_of(events: Records) -> Records:
    """Events in which a cap lowered a wish."""
    found: Records = events[events["kind"] == Happening.CUT]
    return found


def sentence(rule: SizingBlock, n_symbols: int) -> str:
    """What strength 1 meant."""
    match rule:
        case TargetWeightConfig(weight=weight):
            share = f"{percent(weight or 1.0 / n_symbols)} of equity"
            return f"A full position was {share}."
        case FixedUnitsConfig(units=units):
            return f"A full position was {_plain(units)} units, whatever they cost."
        case FixedNotionalConfig(notional=notional):
            return f"A full position was worth {_plain(notional)}, whatever the account had become."
        case VolatilityTargetConfig():
            share = percent(rule.share or 1.0 / n_symbols)
            return (
                f"A full position had {share} of the capital, scaled to a volatility of "
                f"{percent(rule.vol_annual)} a year as estimated over {rule.lookback} bars."
            )
        case AtrRiskConfig(multiple=multiple):
            own = (
                "; a wish without a stop was refused"
                if multiple is None
                else f", or {_plain(multiple)} average true ranges of {rule.lookback} bars away "
                "where the wish brought none"
            )
            return f"A full position lost {percent(rule.risk)} of equity at its stop{own}."
        case KellyConfig():
            return (
                f"A full position was {_plain(rule.fraction)} times the forecast's mean over its "
                "variance, as a weight; nothing where strategy and forecast disagreed."
            )
        case RiskParityConfig():
            return (
                f"Positions shared a gross weight of {percent(rule.budget)} in inverse proportion "
                f"to their volatility over {rule.lookback} bars."
            )
    return f"A full position was what {type(rule).__name__} says."


def _caps(rule: SizingBlock, cuts: Records, symbols: tuple[str, ...]) -> Iterator[Cap]:
    """Rows in the order in which the caps are applied."""
    limits: list[tuple[Cut, str, str | None]] = [
        (Cut.DRAWDOWN, "drawdown throttle", _fall(rule.throttle)),
        (Cut.PYRAMIDING, "pyramiding", _additions(rule.pyramiding)),
        (Cut.NAME, "per name", _of_equity(rule.max_weight)),
        (Cut.GROUP, "per group", _of_equity(rule.caps.group)),
        (Cut.GROSS, "gross", _of_equity(rule.caps.gross)),
    ]
    for cut, name, limit in limits:
        rows = cuts[cuts["amount"] == cut]
        if limit or len(rows):
            yield Cap(name, limit or "none", len(rows), _where(rows, symbols))


def _fall(throttle: ThrottleConfig | None) -> str | None:
    if throttle is None:
        return None
    return f"strength shrinks from {percent(throttle.start)} to {percent(throttle.to)} lost"


def _additions(most: int | None) -> str | None:
    return None if most is None else plural(most, "addition")


def _of_equity(cap: float | None) -> str | None:
    return None if cap is None else f"{percent(cap)} of equity"


def _where(rows: Records, symbols: tuple[str, ...]) -> str:
    """Symbols cut most often, with how often."""
    counted = Counter(rows["symbol"].tolist()).most_common()
    named = ", ".join(f"{symbols[k]} {number(n, 0)}" for k, n in counted[:NAMED])
    return named + (f" and {len(counted) - NAMED} more" if len(counted) > NAMED else "")


def _plain(value: float) -> str:
    """Number without trailing zeros, thousands apart."""
    return np.format_float_positional(value, trim="-") if value < 1_000 else f"{value:,.10g}"

"""The head of a page: what was run, and one sentence on what came of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from tradewind.engine.config.costs import SlippageConfig
from tradewind.engine.config.fees import AnyFeesConfig, PerShareFeesConfig, TieredFeesConfig
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.spread import (
    BySymbolSpreadConfig,
    ColumnSpreadConfig,
    ConstantSpreadConfig,
    QuotesSpreadConfig,
    SpreadConfig,
)
from tradewind.engine.report.gap import Gap
from tradewind.engine.report.section import Context, render
from tradewind.engine.report.words import is_number, moment, number, percent, plural, plus_minus


def headline(context: Context) -> Markup:
    """Name, verdict and the facts a reader asks for first."""
    return render(
        "headline.html",
        run=context.run,
        verdict=verdict(context),
        evidence=evidence(context),
        facts=_facts(context),
    )


def verdict(context: Context) -> str:
    """One sentence: better than the benchmark or not, after costs, and whether that means much."""
    ours, theirs = context.block("strategy"), context.block("benchmark")
    if len(context.run.simulation.fills) == 0:
        return "The strategy never traded: there is nothing to judge."
    if not is_number(ours.get("sharpe")):
        return "After costs the account did not move enough for a Sharpe ratio."
    mine = f"Sharpe {_with_error(ours)}"
    if not is_number(theirs.get("sharpe")):
        earned = "made" if float(ours["sharpe"]) > 0 else "lost"
        return f"After costs the strategy {earned} money: {mine}, {_against_zero(ours)}."
    gap = Gap.of(ours)
    better = "beats" if float(ours["sharpe"]) > float(theirs["sharpe"]) else "does not beat"
    return (
        f"After costs the strategy {better} its benchmark, {context.benchmark_name}: "
        f"{mine} against {_with_error(theirs)}{_noise(gap)}."
    )


def _with_error(block: Mapping[str, Any]) -> str:
    return plus_minus(block["sharpe"], block.get("sharpe_se"))


def _against_zero(block: Mapping[str, Any]) -> str:
    error = block.get("sharpe_se")
    if not is_number(error) or error <= 0:
        return "with no standard error to judge it by"
    away = abs(block["sharpe"]) / error
    return f"{number(away, 1)} standard errors from zero" + ("" if away >= 2 else ", within noise")


def _noise(gap: Gap) -> str:
    if gap.is_noise:
        return ", a difference within one standard error: chance would do the same"
    away = number(abs(gap.errors), 1)
    if abs(gap.errors) < 2:
        return f", a difference of {away} standard errors: weak evidence"
    return f", a difference of {away} standard errors"


def evidence(context: Context) -> str:
    """How much was earned, at what risk, over how long."""
    ours, theirs = context.block("strategy"), context.block("benchmark")
    years = context.years
    parts = []
    if is_number(ours.get("annual_return")):
        rival = theirs.get("annual_return")
        beside = f" against {percent(rival)}" if is_number(rival) else ""
        parts.append(f"It returned {percent(ours['annual_return'])} a year{beside}")
    if is_number(ours.get("max_drawdown")):
        parts.append(f"fell {percent(abs(ours['max_drawdown']))} from its peak at worst")
    text = " and ".join(parts)
    trades = plural(int(np.count_nonzero(context.run.trades["exit_bar"] >= 0)), "closed trade")
    length = f"over {number(years, 1)} out-of-sample years and {trades}"
    return f"{text}, {length}." if text else f"Measured {length}."


def _facts(context: Context) -> list[tuple[str, str]]:
    run, config = context.run, context.run.config
    dates = context.dates
    symbols = run.panel.symbols
    shown = ", ".join(symbols[:6]) + (f" and {len(symbols) - 6} more" if len(symbols) > 6 else "")
    return [
        ("Evaluated", f"{moment(dates[0])} to {moment(dates[-1])}" if len(dates) else "no bars"),
        (plural(len(symbols), "symbol").capitalize(), shown),
        ("Strategy", config.strategy.kind),
        ("Forecaster", config.forecaster.kind if config.forecaster else "none"),
        ("Costs", _costs(context)),
        ("Data", f"{_sources(config)}, {len(dates):,} bars of {run.panel.interval}"),
    ]


def _sources(config: RunConfig) -> str:
    """Where the bars came from."""
    each = config.data.sources or (config.data,)
    return ", ".join(dict.fromkeys(one.source for one in each))


def _costs(context: Context) -> str:
    costs = context.run.config.costs
    borrow = costs.borrow_rule
    rate = "from a file" if borrow.path else f"{percent(borrow.annual)} a year"
    return (
        f"fee {_fee(costs.fee_rule)}, spread {_spread(costs.spread)}, "
        f"slippage {_slippage(costs.slippage_rule)}, borrow {rate}"
    )


def _fee(rule: AnyFeesConfig) -> str:
    """Commission in a few words."""
    if isinstance(rule, TieredFeesConfig):
        said = f"by {plural(len(rule.tiers), 'tier')} of monthly value"
    elif isinstance(rule, PerShareFeesConfig):
        said = f"{rule.per_unit:g} a unit"
    else:
        said = f"{rule.taker_bps:g} bps a side"
        if rule.maker_bps not in (None, rule.taker_bps):
            said += f" ({rule.maker_bps:g} as maker)"
    limits = [f"at least {rule.minimum:g}"] if rule.minimum else []
    limits += [f"at most {percent(rule.maximum)}"] if rule.maximum else []
    return f"{said} ({' and '.join(limits)} an order)" if limits else said


def _slippage(rule: SlippageConfig) -> str:
    """Slippage in a few words: the parts that are not zero."""
    parts = [
        f"{rule.bps:g} bps" if rule.bps else "",
        f"{rule.fixed:g} a unit" if rule.fixed else "",
        f"{rule.ticks:g} {'tick' if rule.ticks == 1 else 'ticks'}" if rule.ticks else "",
        f"{percent(rule.impact)} at the bar's volume" if rule.impact else "",
    ]
    return " plus ".join(filter(None, parts)) or "none"


def _spread(spread: SpreadConfig) -> str:
    """A spread in a few words."""
    if isinstance(spread, ConstantSpreadConfig):
        return f"{spread.bps:g} bps"
    if isinstance(spread, BySymbolSpreadConfig):
        return "by symbol"
    if isinstance(spread, ColumnSpreadConfig):
        return f"from column {spread.column}"
    if isinstance(spread, QuotesSpreadConfig):
        return "from quotes"
    return f"estimated ({spread.estimator}, {spread.window} bars)"

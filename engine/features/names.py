"""From the name of a feature to the feature."""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial

from tradewind.engine.errors import ConfigError, DataError
from tradewind.engine.features import cross, dates, indicators
from tradewind.engine.features.feature import Feature
from tradewind.engine.features.own import LAGGED, PLAIN
from tradewind.engine.features.ta_columns import INDICATORS
from tradewind.engine.features.tape import Tape
from tradewind.engine.records import Floats

LONGEST = 5_000  # bars; a longer lag is a slip of the pen
FARTHEST = 1_000  # bars ahead
Across = Callable[[Tape, Feature], Floats]

# prefix -> (function of a feature across symbols, one line)
ACROSS: Mapping[str, tuple[Across, str]] = {
    "rank": (cross.rank, "share of the members below, in (0, 1)"),
    "cross_z": (cross.z_score, "distance from the members' mean in their standard deviations"),
    "market": (cross.average, "equal-weighted mean over the members"),
    "group": (cross.group_average, "the same over the symbol's group (data.groups)"),
}
# prefix -> (return that an own return is held against, one line)
AGAINST: Mapping[str, tuple[Callable[[Tape], Floats], str]] = {
    "market": (cross.market_return, "the members' mean return"),
    "group": (cross.group_return, "the mean return of the symbol's group"),
}


def known() -> dict[str, str]:
    """Every feature with what it is.

    ``N`` stands for a number of bars, ``return_N`` after a prefix for any feature, ``SPY`` for any
    symbol of the data, ``NAME`` for a column of it.
    """
    listing = {f"{name}_N": row[3] for name, row in LAGGED.items()}
    listing |= {name: row[2] for name, row in PLAIN.items()}
    listing |= {f"{prefix}.return_N": f"return_N: {row[1]}" for prefix, row in ACROSS.items()}
    for prefix, (_, line) in AGAINST.items():
        listing[f"{prefix}.beta_N"] = f"slope of the own one-bar return on {line}, over N bars"
        listing[f"{prefix}.residual_N"] = f"own one-bar return less that slope times {line}"
    listing |= {
        "other.SPY.return_N": f"another symbol's feature, the latest of {cross.STALE} rows",
        "other.SPY.ratio_N": "log ratio of prices against its N-bar mean, in standard deviations",
        "other.SPY.beta_N": "slope of the own one-bar return on another symbol's, over N bars",
        "other.SPY.residual_N": "own one-bar return less that slope times the other's",
    }
    listing |= {f"calendar.{name}": row[1] for name, row in dates.OF_A_DAY.items()}
    listing |= {f"calendar.{name}": row[1] for name, row in dates.OF_A_SESSION.items()}
    listing["ahead_N.calendar.weekday"] = "a feature of the calendar for the session N ahead"
    listing["ahead_N.column.NAME"] = "a column N bars ahead, if data.known_ahead declares it"
    listing["column.NAME"] = "a column that came with the data"
    listing |= {f"ta.{name}": f"ta.{r.path}.{r.method}" for name, r in INDICATORS.items()}
    return listing


def feature(name: str) -> Feature:
    """Look up a feature.

    Parameters
    ----------
    name : str
        ``range``, ``return_5``, ``ta.momentum_rsi``, ``column.spread``, ``rank.return_5``,
        ``market.beta_60``, ``other.SPY.return_1``, ``calendar.weekday``,
        ``ahead_5.calendar.month_end`` ...

    Raises
    ------
    ConfigError
        If there is none of that name or it may not be used; the message says why.
    """
    if name in PLAIN:
        return Feature(name, PLAIN[name][1], PLAIN[name][0])
    prefix, _, rest = name.partition(".")
    if not rest:
        return _lagged(name)
    if prefix == "ta":
        bare, filled, _ = rest.partition(":fillna")
        recipe = indicators.indicator(bare, fillna=bool(filled))
        return Feature(name, recipe.warmup, partial(indicators.compute, bare))
    if prefix == "column":
        return Feature(name, 1, partial(_column, name=rest))
    if prefix == "calendar":
        return _calendar(name, rest, 0)
    if prefix == "other":
        return _other(name, rest)
    if prefix in ACROSS:
        return _across(name, prefix, rest)
    ahead = re.fullmatch(r"ahead_(\d+)", prefix)
    if ahead is None:
        raise ConfigError(f"features: unknown feature {name!r}{_hint(name)}")
    return _ahead(name, int(ahead[1]), rest)


def _lagged(name: str) -> Feature:
    found = re.fullmatch(r"([a-z_]+)_(\d+)", name)
    if found is None or found[1] not in LAGGED:
        raise ConfigError(f"features: unknown feature {name!r}{_hint(name)}")
    compute, needs, least, _ = LAGGED[found[1]]
    n = _bars(name, found[2], least)
    return Feature(name, needs(n), partial(_of_bars, function=compute, n=n))


def _across(name: str, prefix: str, rest: str) -> Feature:
    against = re.fullmatch(r"(beta|residual)_(\d+)", rest)
    if against is not None and prefix in AGAINST:
        n = _bars(name, against[2], 2)
        return Feature(name, n + 1, _held_against(against[1], n, AGAINST[prefix][0]))
    inner = _inner(name, rest)
    return Feature(name, inner.warmup, partial(_through, function=ACROSS[prefix][0], inner=inner))


def _held_against(
    kind: str, n: int, reference: Callable[[Tape], Floats]
) -> Callable[[Tape], Floats]:
    function = cross.beta if kind == "beta" else cross.residual
    return partial(_referred, function=function, n=n, reference=reference)


def _other(name: str, rest: str) -> Feature:
    """``SYMBOL.feature``; both may hold dots, so the longest name of a feature is looked for."""
    symbol, _, tail = rest.partition(".")
    refusal: ConfigError | None = None
    while tail:
        found = re.fullmatch(r"(ratio|beta|residual)_(\d+)", tail)
        if found is not None:
            return _pair(name, symbol, found[1], _bars(name, found[2], 2))
        try:
            inner = _inner(name, tail)
        except ConfigError as error:
            refusal = refusal or error
            symbol, tail = f"{symbol}.{tail.partition('.')[0]}", tail.partition(".")[2]
            continue
        compute = partial(_of_other, inner=inner, symbol=symbol)
        return Feature(name, inner.warmup, compute)
    raise refusal or ConfigError(
        f"features: {name!r} names no feature of {rest}; write other.{rest}.return_5"
    )


def _pair(name: str, symbol: str, kind: str, n: int) -> Feature:
    if kind == "ratio":
        return Feature(name, n, partial(_of_bars, function=partial(_ratio_to, symbol), n=n))
    reference = partial(cross.other_return, symbol=symbol)
    return Feature(name, n + 1, _held_against(kind, n, reference))


def _ratio_to(symbol: str, tape: Tape, n: int) -> Floats:
    return cross.price_ratio(tape, n, symbol)


def _calendar(name: str, bare: str, ahead: int) -> Feature:
    held = [*dates.OF_A_DAY, *dates.OF_A_SESSION]
    if bare not in held:
        near = get_close_matches(bare, held, 1)
        stem = name.removesuffix(bare)
        hint = f" (did you mean {stem + near[0]!r}?)" if near else ""
        raise ConfigError(f"features: unknown feature {name!r}{hint}; there are {', '.join(held)}")
    return Feature(name, 1, partial(dates.day_feature, name=bare, ahead=ahead))


def _ahead(name: str, n: int, rest: str) -> Feature:
    if not 1 <= n <= FARTHEST:
        raise ConfigError(f"features: {name} looks {n} bars ahead; wanted 1 to {FARTHEST}")
    kind, _, bare = rest.partition(".")
    if kind == "calendar" and bare:
        return _calendar(name, bare, n)
    if kind == "column" and bare:
        return Feature(name, 1, partial(_known_ahead, name=bare, n=n))
    raise ConfigError(
        f"features: {name!r} would look ahead: only the calendar and columns that "
        f"data.known_ahead declares are known {n} bars before; write ahead_{n}.calendar.weekday or "
        f"ahead_{n}.column.NAME"
    )


def _inner(name: str, rest: str) -> Feature:
    """Feature behind a prefix; messages name the whole."""
    try:
        return feature(rest)
    except ConfigError as error:
        told = str(error).removeprefix("features: ")
        raise ConfigError(f"features: {name}: {told}") from None


def _bars(name: str, digits: str, least: int) -> int:
    n = int(digits)
    if not least <= n <= LONGEST:
        raise ConfigError(f"features: {name} spans {n} bars; wanted {least} to {LONGEST}")
    return n


# What follows is handed to partial(): functions at the top of a module travel to other processes.


def _of_bars(tape: Tape, *, function: Callable[[Tape, int], Floats], n: int) -> Floats:
    return function(tape, n)


def _through(tape: Tape, *, function: Across, inner: Feature) -> Floats:
    return function(tape, inner)


def _referred(
    tape: Tape,
    *,
    function: Callable[[Tape, int, Floats], Floats],
    n: int,
    reference: Callable[[Tape], Floats],
) -> Floats:
    return function(tape, n, reference(tape))


def _of_other(tape: Tape, *, inner: Feature, symbol: str) -> Floats:
    return cross.other(tape, inner, symbol)


def _column(tape: Tape, *, name: str) -> Floats:
    if not tape.has_column(name):
        held = ", ".join(tape.panel.columns) or "none"
        raise DataError(
            f"features: the data has no column {name!r}; further columns: {held}. A column that "
            "holds no numbers is left out when the data is read"
        )
    return tape.column(name)


def _known_ahead(tape: Tape, *, name: str, n: int) -> Floats:
    kept = f"ahead_{n}.{name}"
    if not tape.has_column(kept):
        held = ", ".join(c for c in tape.panel.columns if c.startswith("ahead_")) or "none"
        raise DataError(
            f"features: ahead_{n}.column.{name} is not declared as known {n} bars ahead (declared: "
            f"{held}); if it is, say so with data.known_ahead: {{{name}: [{n}]}}"
        )
    return tape.column(kept)


def _hint(name: str) -> str:
    number = re.search(r"\d+$", name)
    choices = {k.replace("_N", f"_{number[0]}" if number else "_5"): k for k in known()}
    choices |= {k.removeprefix("ta."): k for k in known() if k.startswith("ta.")}
    near = get_close_matches(name, choices, 1)
    if near:
        close = near[0] if not choices[near[0]].startswith("ta.") else choices[near[0]]
        return f" (did you mean {close!r}?)"
    return "; they are return_N, scaled_return_N, vol_N ..., see docs/forecasting.md"

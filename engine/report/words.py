"""Numbers and codes as a person reads them; percent exists only here."""

from collections.abc import Mapping
from math import floor, isfinite, log10
from typing import Any, TypeGuard

import numpy as np

from tradewind.engine.types import Reason

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"

REASONS: Mapping[Reason, tuple[str, str]] = {
    Reason.WORKING: ("still working", "had neither filled nor ended when the run stopped"),
    Reason.FILLED: ("filled", "filled in full"),
    Reason.PARTLY_FILLED: ("partly filled", "the account could not carry the rest"),
    Reason.CANCELLED_REBALANCE: ("replaced", "a newer decision for the same symbol replaced it"),
    Reason.REJECTED_CASH: ("no cash", "the cash at hand did not pay for it"),
    Reason.REJECTED_LEVERAGE: ("leverage cap", "it would have gone over the leverage cap"),
    Reason.REJECTED_MINIMUM: ("too small", "below the smallest order the account sends"),
    Reason.DELISTED: (
        "delisted",
        "no longer trades; what is held is closed at its last price",
    ),
    Reason.END_OF_DATA: ("end of data", "no bar followed the decision"),
    Reason.REJECTED_SIZING: (
        "no size",
        "not enough history, price or equity to size it with",
    ),
    Reason.CANCELLED_USER: ("cancelled", "the strategy withdrew it"),
    Reason.CANCELLED_REPLACED: ("changed", "the strategy sent it again with other terms"),
    Reason.CANCELLED_OCO: ("other of a pair", "another order of its group was filled"),
    Reason.CANCELLED_BRACKET: (
        "bracket over",
        "its entry never filled, its sibling did, or the position was gone",
    ),
    Reason.CANCELLED_REDUCE_ONLY: ("nothing to reduce", "no position was left to reduce"),
    Reason.CANCELLED_REST: (
        "rest cancelled",
        "its first bar, or the bar's volume, left a part over",
    ),
    Reason.CANCELLED_LIQUIDATION: ("margin call", "its symbol was liquidated"),
    Reason.EXPIRED: ("expired", "its time was over"),
    Reason.REJECTED_PRICE: ("bad price", "a price was missing, contradictory or not positive"),
    Reason.REJECTED_NOT_SHORTABLE: ("not shortable", "the symbol or the account allows no shorts"),
    Reason.REJECTED_BORROW: ("no borrow", "nothing could be borrowed to sell short"),
    Reason.REJECTED_CAP: ("sizing cap", "a cap of the sizing left nothing of it"),
    Reason.LIQUIDATED: ("liquidation", "a margin call closed the position"),
    Reason.RECALLED: ("recall", "what was lent was called back and bought in"),
    Reason.REJECTED_RISK: ("risk limit", "the gate in front of a live market refused it"),
    Reason.REJECTED_VENUE: ("broker", "a broker outside refused it"),
}


def reason(code: int) -> tuple[str, str]:
    """Name of a reason and what it means; a code this version does not know stays a code."""
    if code not in set(Reason):
        return f"code {code}", "not known to this version"
    known = Reason(code)
    return REASONS.get(known, (known.name.lower().replace("_", " "), ""))


def is_number(value: Any) -> TypeGuard[float]:
    """Whether ``value`` is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def number(value: Any, digits: int = 2) -> str:
    """Fixed digits, thousands apart, a true minus sign."""
    if not is_number(value):
        return _odd(value)
    text = f"{value:,.{digits}f}"
    if text.startswith("-"):
        # A rounded zero has no sign.
        text = MINUS + text[1:] if any(c in "123456789" for c in text) else text[1:]
    return text


def percent(value: Any, digits: int = 1) -> str:
    """Fraction as percent."""
    return f"{number(value * 100, digits)}%" if is_number(value) else _odd(value)


def signed(value: Any, digits: int = 2) -> str:
    """Like :func:`number`, with a plus sign where it is above zero."""
    return _plus(number(value, digits), value)


def signed_percent(value: Any, digits: int = 1) -> str:
    """Like :func:`percent`, with a plus sign where it is above zero."""
    return _plus(percent(value, digits), value)


def money(value: Any, beside: float = 0.0) -> str:
    """Currency, without cents where it or the largest number ``beside`` it is 1,000 or more."""
    large = is_number(value) and max(abs(value), abs(beside)) >= 1_000
    return number(value, 0 if large else 2)


def significant(value: Any, digits: int = 3) -> str:
    """So many digits that count, for numbers of any size."""
    if not is_number(value):
        return _odd(value)
    if value == 0:
        return "0"
    places = max(digits - 1 - floor(log10(abs(value))), 0)
    return number(value, places) if places <= 8 else f"{value:.{digits - 1}e}".replace("-", MINUS)


def p_value(value: Any) -> str:
    """Chance, with a floor: beyond three decimals it says nothing more."""
    if not is_number(value):
        return _odd(value)
    return "< 0.001" if value < 0.001 else number(value, 3)


def plus_minus(value: Any, error: Any, digits: int = 2) -> str:
    """Number with its standard error, which no line break may part from it."""
    tail = f"\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{number(error, digits)}"
    return number(value, digits) + (tail if is_number(error) else "")


def moment(date: np.datetime64) -> str:
    """Day of a daily bar, else its close to the minute, UTC."""
    return str(date)[:16].replace("T", " ")


def plural(count: int, noun: str) -> str:
    """``1 trade``, ``2 trades``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _plus(text: str, value: Any) -> str:
    positive = is_number(value) and value > 0 and any(c in "123456789" for c in text)
    return f"+{text}" if positive else text


def _odd(value: Any) -> str:
    """What stands where no finite number does."""
    if isinstance(value, float) and not isfinite(value) and value == value:
        return "∞" if value > 0 else f"{MINUS}∞"
    return value if isinstance(value, str) else MISSING

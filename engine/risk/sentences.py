"""A refusal as a person reads it, from what a journal holds of it."""

from collections.abc import Mapping
from typing import Any

from tradewind.engine.errors import JournalError
from tradewind.engine.risk.facts import RULES, Refusal

WAY_OUT: Mapping[str, str] = {
    "malformed": "correct the order in the strategy",
    "duplicate": "the strategy asks again; raise or drop duplicate_s if it means to",
    "halted": "it is let through after 'unhalt'",
    "price_collar": "ask at a price nearer to the market, or widen price_collar",
    "protection": "correct the stop or target that it was asked with",
    "entry": "it follows its entry",
    "killed": "only 'tradewind paper resume --thaw' lifts it; what reduces passes",
    "frozen": "'tradewind paper resume --thaw' lifts it, and a new day a daily loss; what reduces "
    "passes",
    "no_price": "it passes once the symbol has a price",
    "no_equity": "nothing that adds passes while the account is worth nothing",
    "stale": "it passes once the feed has a new tick",
    "not_shortable": "sell no more than is held, or ask with reduce_only",
    "orders_per_minute": "it may be asked again when the minute is over",
    "max_order_notional": "ask for less, or in parts",
    "max_weight": "ask for less; what works on the same side counts as filled",
    "max_gross": "ask for less; a sale makes room once it has filled",
}
"""Rule -> what lets an order like that through."""


def parsed(facts: Mapping[str, Any]) -> Refusal:
    """Refusal of a journal's event.

    Raises
    ------
    JournalError
        If it is none, or its rule is not one of :data:`RULES`.
    """
    try:
        refusal = Refusal(int(facts["number"]), str(facts["rule"]), str(facts["reason"]))
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError(f"journal: not a refusal of the gate ({error!r})") from None
    if refusal.rule not in RULES:
        raise JournalError(
            f"journal: order {refusal.number} was refused by {refusal.rule!r}, wanted one of "
            f"{', '.join(RULES)}"
        )
    return refusal


def described(facts: Mapping[str, Any]) -> str:
    """Sentence with order, rule, reason and way out; raises as :func:`parsed` does."""
    refusal = parsed(facts)
    symbol, qty = facts.get("symbol", ""), facts.get("qty")
    asked = f"order {refusal.number}"
    if symbol and isinstance(qty, int | float):
        asked += f", to {'buy' if qty > 0 else 'sell'} {abs(qty):,.6g} {symbol}"
    return (
        f"{asked}, was refused ({refusal.rule}): {refusal.reason}. {_begun(WAY_OUT[refusal.rule])}."
    )


def _begun(words: str) -> str:
    return words[:1].upper() + words[1:]

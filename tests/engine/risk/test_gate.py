"""What each limit refuses and what still passes: tables; equity is 1,000, every price 10."""

from typing import Any, NamedTuple

import pytest

from tests.risk_asking import (
    LIMIT,
    MARKET,
    NAN,
    STOP,
    STOP_LIMIT,
    TRAILING,
    gate,
    order,
    refused,
    seen,
)
from tradewind.engine.risk.facts import RULES, Asked


class Case(NamedTuple):
    says: str
    limits: dict[str, Any]
    situation: dict[str, Any]
    asked: list[Asked]
    want: dict[int, str]


WEIGHT = {"max_weight": 0.5}  # 500: fifty units
GROSS = {"max_gross": 1.0}  # 1,000: a hundred units
LONG, SHORT = (50.0, 0.0, 0.0), (-50.0, 0.0, 0.0)

LIMITS = [
    Case("an order that fills the weight to the brim passes, and one more unit does not",
         WEIGHT, {}, [order(1, 50), order(2, 1)], {2: "max_weight"}),
    Case("a short position weighs as much as a long one",
         WEIGHT, {}, [order(1, -51)], {1: "max_weight"}),
    Case("what works on the same side counts as filled",
         WEIGHT, {"working": [order(1, 40, limit=9.0)]}, [order(2, 11)], {2: "max_weight"}),
    Case("what works on the other side does not make room",
         WEIGHT, {"held": LONG, "working": [order(1, -20, limit=11.0)]}, [order(2, 1)],
         {2: "max_weight"}),
    Case("earlier orders of one decision count, refused ones do not",
         WEIGHT, {}, [order(1, 60), order(2, 30), order(3, 30), order(4, 20)],
         {1: "max_weight", 3: "max_weight"}),
    Case("what only takes leaves more to open for what crosses, wherever it stands in a decision",
         WEIGHT, {"held": (20.0, 0.0, 0.0)},
         [order(1, -70), order(2, -20, stop=9.0, reduce_only=True)], {1: "max_weight"}),
    Case("another symbol has a weight of its own",
         WEIGHT, {"held": LONG}, [order(1, 50, "BB")], {}),
    Case("a position that the market has made too heavy may not grow, and may shrink",
         WEIGHT, {"held": (80.0, 0.0, 0.0)}, [order(1, 1), order(2, -10)], {1: "max_weight"}),
    Case("an order that crosses to the other side is one that adds there",
         WEIGHT, {"held": LONG}, [order(1, -101)], {1: "max_weight"}),
    Case("it may cross as far as the limit",
         WEIGHT, {"held": LONG}, [order(1, -100)], {}),
    Case("weights are of equity, so without any nothing that adds passes",
         WEIGHT, {"held": LONG, "equity": -5.0}, [order(1, 1, "BB"), order(2, -50)],
         {1: "no_equity"}),
    Case("nor where nobody knows it",
         GROSS, {"held": LONG, "equity": NAN}, [order(1, 1, "BB"), order(2, -50)],
         {1: "no_equity"}),
    Case("all positions together may weigh so much",
         GROSS, {"held": (40.0, -40.0, 0.0)}, [order(1, 20, "CC"), order(2, 1, "CC")],
         {2: "max_gross"}),
    Case("the worse side of each symbol counts",
         GROSS, {"held": (40.0, 0.0, 0.0), "working": [order(1, -90, limit=11.0)]},
         [order(2, 50, "BB"), order(3, 1, "BB")], {3: "max_gross"}),
    Case("a sale that has not filled makes no room",
         GROSS, {"held": (100.0, 0.0, 0.0)}, [order(1, -100), order(2, 100, "BB")],
         {2: "max_gross"}),
    Case("or makes it at once where the config says so",
         GROSS | {"frees_gross": "sent"}, {"held": (100.0, 0.0, 0.0)},
         [order(1, -100), order(2, 100, "BB"), order(3, 1, "CC")], {3: "max_gross"}),
    Case("but not one at a limit, nor one that was sent before and has not filled",
         GROSS | {"frees_gross": "sent"},
         {"held": (50.0, 50.0, 0.0), "working": [order(1, -50)]},
         [order(2, -50, "BB", limit=11.0), order(3, 50, "CC")], {3: "max_gross"}),
    Case("a purchase that closes a short makes room in the same way",
         GROSS | {"frees_gross": "sent"}, {"held": (-100.0, 0.0, 0.0)},
         [order(1, 100), order(2, -100, "BB"), order(3, -1, "BB")], {3: "max_gross"}),
    Case("to go from one side to the other takes the larger of the two, not their sum",
         GROSS, {"held": (100.0, 0.0, 0.0)}, [order(1, -100), order(2, -100)], {}),
    Case("of a stop and a target in one group the larger counts, for one alone can fill",
         WEIGHT, {"held": LONG},
         [order(1, -60, stop=9.0, oco=1), order(2, -100, limit=12.0, oco=1), order(3, -1)],
         {3: "max_weight"}),
    Case("each group counts for itself, and so does each side of one",
         WEIGHT, {"working": [order(1, 30, stop=11.0, oco=1), order(2, -50, stop=9.0, oco=1)]},
         [order(3, 30, limit=9.0, oco=1), order(4, 21, limit=9.0, oco=2),
          order(5, 20, limit=9.0, oco=2), order(6, -1, limit=11.0, oco=2)],
         {4: "max_weight", 6: "max_weight"}),
    Case("an entry of a group takes from the sum what the larger of it takes",
         GROSS, {"working": [order(1, 60, limit=9.0, oco=1)]},
         [order(2, 80, stop=11.0, oco=1), order(3, 20, "BB"), order(4, 1, "BB")],
         {4: "max_gross"}),
    Case("without a price of something held nobody knows the sum",
         GROSS, {"held": (0.0, 5.0, 0.0), "price": (10.0, NAN, 10.0)},
         [order(1, 1), order(2, -5, "BB")], {1: "max_gross"}),
    Case("one order is worth so much at the last price, whichever side it is on",
         {"max_order_notional": 100.0}, {"held": (0.0, 50.0, 0.0)},
         [order(1, 10), order(2, 10.1), order(3, -10.1), order(4, -50, "BB")],
         {2: "max_order_notional", 3: "max_order_notional"}),
    Case("notional is in the account's currency, the collar in the symbol's",
         {"max_order_notional": 100.0, "price_collar": 0.1},
         {"price": (10.0,) * 3, "quote": (1_000.0,) * 3},
         [order(1, 10, limit=1_050.0), order(2, 1, limit=10.0)], {2: "price_collar"}),
    Case("what has no price, or one of nothing, cannot be added to, but can be left",
         {}, {"held": (5.0, 5.0, 0.0), "price": (NAN, 0.0, 10.0)},
         [order(1, 1), order(2, 1, "BB"), order(3, -5), order(4, -5, "BB")],
         {1: "no_price", 2: "no_price"}),
]  # fmt: skip

SWITCHES = [
    Case("nothing of a halted symbol passes, not even what reduces or protects",
         {"halted": ("AA",)}, {"held": LONG},
         [order(1, 1), order(2, -50), order(3, -50, stop=9.0, reduce_only=True, parent=3),
          order(4, 1, "BB")], {1: "halted", 2: "halted", 3: "halted"}),
    Case("what may not be shorted may be bought, sold again, and bought back",
         {"not_shortable": ("AA", "CC")}, {"held": (0.0, 0.0, -5.0)},
         [order(1, 10), order(2, -1), order(3, 5, "CC"), order(4, -1, "CC"), order(5, -1, "BB")],
         {2: "not_shortable", 4: "not_shortable"}),
    Case("all of it may be sold once, but not twice",
         {"not_shortable": ("AA",)}, {"held": LONG},
         [order(1, -30), order(2, -20), order(3, -1)], {3: "not_shortable"}),
    Case("nor past zero",
         {"not_shortable": ("AA",)}, {"held": LONG}, [order(1, -50.5)], {1: "not_shortable"}),
    Case("a part may be sold beside the stop and target of the rest",
         {"not_shortable": ("AA",)}, {"held": LONG},
         [order(1, -20), order(2, -30, stop=9.0, reduce_only=True, parent=2),
          order(3, -30, limit=12.0, reduce_only=True, parent=2)], {}),
    Case("a stop and a target that end each other sell what is held once",
         {"not_shortable": ("AA", "BB")},
         {"held": (50.0, 50.0, 0.0), "working": [order(1, -50, stop=9.0, oco=1)]},
         [order(2, -50, limit=12.0, oco=1), order(3, -50, "BB", stop=9.0, oco=2, reduce_only=True),
          order(4, -50, "BB", limit=12.0, oco=2), order(5, -1, "BB", limit=12.0)],
         {5: "not_shortable"}),
    Case("a plain exit beside a stop could sell short what the stop has sold; reduce_only cannot",
         {"not_shortable": ("AA",)},
         {"held": LONG, "working": [order(1, -50, stop=9.0, reduce_only=True, parent=0)]},
         [order(2, -50), order(3, -50, reduce_only=True)], {2: "not_shortable"}),
]  # fmt: skip

PRICES = [
    Case("prices of what adds lie within the collar, on both sides",
         {"price_collar": 0.1}, {},
         [order(1, 1, limit=9.0), order(2, 1, limit=8.99), order(3, 1, limit=11.01),
          order(4, 1, stop=11.0), order(5, 1, stop=11.01), order(6, 1, stop=10.5, limit=11.01),
          order(7, 1)],
         {2: "price_collar", 3: "price_collar", 5: "price_collar", 6: "price_collar"}),
    Case("a stop or a target that only takes may rest far away",
         {"price_collar": 0.1}, {"held": (50.0, 50.0, 0.0)},
         [order(1, -1, stop=5.0, limit=4.6), order(2, -1, limit=20.0),
          order(3, -50, "BB", stop=5.0, reduce_only=True),
          order(4, -50, "BB", limit=20.0, reduce_only=True)], {}),
    Case("but not where it trades at once, far from the market",
         {"price_collar": 0.1}, {"held": (50.0, -50.0, 0.0)},
         [order(1, -1, limit=8.99), order(2, -1, stop=11.01), order(3, -1, stop=5.0, limit=4.4),
          order(4, 1, "BB", limit=11.01), order(5, 1, "BB", stop=8.99)],
         dict.fromkeys((1, 2, 3, 4, 5), "price_collar")),
    Case("a child is measured from its entry",
         {"price_collar": 0.1}, {},
         [order(1, 10, stop=11.0), order(2, -10, stop=10.5, reduce_only=True, parent=1),
          order(3, -10, limit=30.0, reduce_only=True, parent=1)], {}),
    Case("an entry whose protection cannot be sent is not sent",
         {"price_collar": 0.1}, {},
         [order(1, 10), order(2, -10, stop=9.5, reduce_only=True, parent=1),
          order(3, -10, limit=5.0, reduce_only=True, parent=1), order(4, 1)],
         {1: "protection", 2: "entry", 3: "price_collar"}),
    Case("a stop of what is held stays where only its target cannot be meant",
         {"price_collar": 0.1}, {"held": LONG},
         [order(1, -50, stop=9.5, reduce_only=True, parent=1),
          order(2, -50, limit=5.0, reduce_only=True, parent=1)], {2: "price_collar"}),
    Case("what no order can have is refused whatever it does",
         {}, {"held": LONG},
         [order(1, 0.0), order(2, NAN), order(3, float("inf")), order(4, 1, "ZZ"),
          order(5, -5, kind=LIMIT), order(6, -5, limit=-1.0), order(7, -5, kind=STOP),
          order(8, -5, stop=5.0, kind=STOP_LIMIT), order(9, -5, limit=float("inf")),
          order(10, -5, kind=TRAILING), order(11, -5, kind=MARKET)],
         dict.fromkeys(range(1, 10), "malformed")),
    Case("nothing that adds is sent on an old tick, or on none",
         {"stale_s": 5.0}, {"held": LONG, "at": 10.0, "tick": (4.9, 5.0, NAN)},
         [order(1, 1), order(2, 1, "BB"), order(3, 1, "CC"), order(4, 1, "CC", limit=9.0),
          order(5, -50)], {1: "stale", 3: "stale", 4: "stale"}),
    Case("a tick from the future says that the clock was put back",
         {"stale_s": 5.0}, {"tick": (6.0, 5.0, 0.0)}, [order(1, 1), order(2, 1, "BB")],
         {1: "stale"}),
]  # fmt: skip


@pytest.mark.parametrize("case", LIMITS + SWITCHES + PRICES, ids=lambda case: case.says)
def test_the_gate_refuses_what_the_table_says(case: Case) -> None:
    one = gate(**case.limits)
    assert refused(one, case.asked, **case.situation) == case.want


@pytest.mark.parametrize("case", LIMITS + SWITCHES + PRICES, ids=lambda case: case.says)
def test_without_the_limit_only_what_cannot_be_meant_is_refused(case: Case) -> None:
    always = {"malformed", "no_price"}
    found = refused(gate(), case.asked, **case.situation)
    assert found == {number: rule for number, rule in case.want.items() if rule in always}


def test_every_rule_is_in_a_table_or_has_a_test_of_its_own() -> None:
    in_tables = {rule for case in LIMITS + SWITCHES + PRICES for rule in case.want.values()}
    assert set(RULES) - in_tables == {"killed", "frozen", "duplicate", "orders_per_minute"}


def test_a_refusal_says_what_was_found_and_what_is_wanted() -> None:
    (no,) = gate(max_weight=0.5).check([order(1, 60)], seen())
    assert no.reason == "AA: at the worst it would weigh 60.00% of equity, 50.00% is allowed"
    (no,) = gate(price_collar=0.1).check([order(1, 60, limit=12.0)], seen())
    assert no.reason == "AA: its limit 12 lies 20.0% above 10, 10.0% is allowed"
    (no,) = gate(stale_s=2.0).check([order(1, 60)], seen(at=9.5))
    assert no.reason == "AA: its last tick is 9.5 s old, 2 s are allowed"

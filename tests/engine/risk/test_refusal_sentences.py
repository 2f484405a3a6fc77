"""Refusals as a journal holds them, read by a person."""

import pytest

from tests.risk_asking import gate, order, seen
from tradewind.engine.errors import JournalError
from tradewind.engine.risk.facts import RULES
from tradewind.engine.risk.sentences import WAY_OUT, described, parsed


def test_a_refusal_is_a_sentence_with_numbers_and_a_way_out() -> None:
    (no,) = gate(max_weight=0.5).check([order(7, -60)], seen())
    assert described({**no._asdict(), "symbol": "AA", "qty": -60.0}) == (
        "order 7, to sell 60 AA, was refused (max_weight): AA: at the worst it would weigh 60.00% "
        "of equity, 50.00% is allowed. Ask for less; what works on the same side counts as filled."
    )


def test_it_comes_back_from_a_journal_as_it_was() -> None:
    (no,) = gate(max_weight=0.5).check([order(7, -60)], seen())
    assert parsed({**no._asdict(), "symbol": "AA"}) == no
    assert described(no._asdict()).startswith("order 7, was refused")


def test_every_rule_has_a_way_out() -> None:
    assert set(WAY_OUT) == set(RULES)


@pytest.mark.parametrize("facts", [{}, {"number": "x", "rule": "stale", "reason": ""}])
def test_what_is_no_refusal_is_told(facts: dict[str, str]) -> None:
    with pytest.raises(JournalError, match="not a refusal"):
        parsed(facts)


def test_a_rule_that_nobody_knows_is_told() -> None:
    with pytest.raises(JournalError, match="'luck', wanted one of malformed"):
        parsed({"number": 1, "rule": "luck", "reason": "none"})

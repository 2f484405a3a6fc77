"""What the gate remembers: the last minute, losses, switches; and all of it over a restart."""

import json

import pytest

from tests.risk_asking import NAN, gate, order, refused, seen
from tradewind.engine.config.paper import RiskConfig
from tradewind.engine.errors import ConfigError, JournalError
from tradewind.engine.risk.facts import Asked, Breach
from tradewind.engine.risk.gate import Gate


class TestPace:
    def test_orders_of_the_last_sixty_seconds_count(self) -> None:
        one = gate(max_orders_per_minute=2)
        assert refused(one, [order(1, 1), order(2, 1), order(3, 1)]) == {3: "orders_per_minute"}
        assert refused(one, [order(4, 1)], at=59.9) == {4: "orders_per_minute"}
        assert refused(one, [order(5, 1), order(6, 1), order(7, 1)], at=60.0) == {
            7: "orders_per_minute"
        }

    def test_refused_orders_do_not_count(self) -> None:
        one = gate(max_orders_per_minute=1, max_order_notional=100.0)
        assert refused(one, [order(1, 11), order(2, 10)]) == {1: "max_order_notional"}

    def test_what_reduces_counts_and_passes(self) -> None:
        one = gate(max_orders_per_minute=1)
        asked = [order(1, -10), order(2, 1, "BB"), order(3, -10)]
        assert refused(one, asked, held=(50.0, 0.0, 0.0)) == {2: "orders_per_minute"}

    def test_an_entry_and_what_protects_it_count_once(self) -> None:
        one = gate(max_orders_per_minute=2)
        bracket = [
            order(1, 10), order(2, -10, stop=9.0, reduce_only=True, parent=1),
            order(3, -10, limit=12.0, reduce_only=True, parent=1),
        ]  # fmt: skip
        assert refused(one, [*bracket, order(4, 1), order(5, 1)]) == {5: "orders_per_minute"}

    def test_a_clock_that_goes_back_opens_no_window(self) -> None:
        one = gate(max_orders_per_minute=1)
        assert refused(one, [order(1, 1)], at=100.0) == {}
        assert refused(one, [order(2, 1)], at=-3600.0) == {2: "orders_per_minute"}
        assert refused(one, [order(3, 1)], at=100.0) == {3: "orders_per_minute"}
        assert refused(one, [order(4, 1)], at=159.0) == {4: "orders_per_minute"}
        assert refused(one, [order(5, 1)], at=160.0) == {}

    def test_after_a_person_thaws_a_wrong_clock_costs_a_minute_at_most(self) -> None:
        one = gate(max_orders_per_minute=1)
        assert refused(one, [order(1, 1)], at=1e6) == {}
        one.thaw()
        assert refused(one, [order(2, 1)], at=0.0) == {2: "orders_per_minute"}
        assert refused(one, [order(3, 1)], at=60.0) == {}


class TestDuplicates:
    def test_the_same_order_is_not_asked_for_twice(self) -> None:
        one = gate()
        assert refused(one, [order(1, 1)]) == {}
        assert refused(one, [order(1, 1)]) == {1: "duplicate"}
        assert refused(one, [order(0, -1)], held=(9.0, 0.0, 0.0)) == {0: "duplicate"}

    def test_nor_one_that_was_refused(self) -> None:
        one = gate(max_order_notional=100.0)
        assert refused(one, [order(1, 11)]) == {1: "max_order_notional"}
        assert refused(one, [order(1, 1)]) == {1: "duplicate"}

    def test_orders_alike_are_held_apart(self) -> None:
        one = gate(duplicate_s=1.0)
        assert refused(one, [order(1, 1), order(2, 1)]) == {2: "duplicate"}
        assert refused(one, [order(3, 1)], at=1.0) == {3: "duplicate"}
        assert refused(one, [order(4, 1)], at=1.1) == {}

    @pytest.mark.parametrize(
        "other", [order(2, 2), order(2, -1), order(2, 1, "BB"), order(2, 1, limit=9.0)], ids=str
    )
    def test_orders_that_differ_are_not(self, other: Asked) -> None:
        assert refused(gate(duplicate_s=1.0), [order(1, 1), other]) == {}

    def test_without_the_limit_a_strategy_may_repeat_itself(self) -> None:
        assert refused(gate(), [order(1, 1), order(2, 1)]) == {}

    def test_what_reduces_may_be_repeated(self) -> None:
        one = gate(duplicate_s=1.0)
        assert refused(one, [order(1, -5), order(2, -5)], held=(10.0, 0.0, 0.0)) == {}


ADDS, CLOSES = order(1, 1), order(2, -50)


class TestLosses:
    def test_a_day_begins_with_what_the_last_one_left(self) -> None:
        one = gate(max_daily_loss=0.1)
        assert one.mark(seen(equity=1_000.0, day=1)) is None
        assert one.mark(seen(equity=950.0, day=1)) is None
        assert one.mark(seen(equity=856.0, day=2)) is None
        breach = one.mark(seen(equity=855.0, day=2))
        assert breach == Breach(
            "max_daily_loss",
            "max_daily_loss: equity 855.00 is 10.00% below 950.00, and less than 10.00% is allowed",
            False,
        )

    def test_it_is_told_once_and_lifted_by_the_next_day(self) -> None:
        one = gate(max_daily_loss=0.1)
        one.mark(seen(equity=1_000.0, day=1))
        assert one.mark(seen(equity=890.0, day=1)) is not None
        assert one.mark(seen(equity=880.0, day=1)) is None
        found = refused(one, [ADDS, CLOSES], held=(50.0, 0.0, 0.0), equity=880.0)
        assert found == {1: "frozen"}
        assert one.mark(seen(equity=880.0, day=2)) is None
        assert not one.frozen and refused(one, [order(3, 1)]) == {}

    def test_a_day_that_comes_before_lifts_nothing(self) -> None:
        one = gate(max_daily_loss=0.1)
        one.mark(seen(equity=1_000.0, day=5))
        one.mark(seen(equity=890.0, day=5))
        one.mark(seen(equity=890.0, day=4))
        assert one.frozen

    def test_a_drawdown_outlives_days_until_a_person_thaws(self) -> None:
        one = gate(max_drawdown=0.2)
        one.mark(seen(equity=1_000.0, day=1))
        one.mark(seen(equity=1_500.0, day=2))
        breach = one.mark(seen(equity=1_200.0, day=3))
        assert breach is not None and breach.rule == "max_drawdown"
        one.mark(seen(equity=1_600.0, day=9))
        assert one.frozen
        one.thaw()
        assert one.mark(seen(equity=1_200.0, day=9)) is None and not one.frozen
        assert one.mark(seen(equity=960.0, day=9)) is not None

    def test_a_drawdown_while_a_day_is_over_is_seen(self) -> None:
        one = gate(max_daily_loss=0.1, max_drawdown=0.2)
        one.mark(seen(equity=1_000.0, day=1))
        one.mark(seen(equity=890.0, day=1))
        breach = one.mark(seen(equity=790.0, day=1))
        assert breach is not None and breach.rule == "max_drawdown"
        one.mark(seen(equity=900.0, day=2))
        assert one.frozen.startswith("max_drawdown")

    def test_where_both_trip_the_one_that_lasts_is_told_with_both_reasons(self) -> None:
        one = gate(max_daily_loss=0.1, max_drawdown=0.2, on_breach="flatten")
        one.mark(seen(equity=1_000.0))
        breach = one.mark(seen(equity=500.0))
        assert breach is not None and breach.rule == "max_drawdown" and breach.flatten
        assert "max_daily_loss: " in breach.reason and one.flattens

    def test_a_person_who_froze_does_not_put_the_stops_to_sleep(self) -> None:
        one = gate(max_drawdown=0.2, on_breach="flatten")
        one.mark(seen(equity=1_000.0))
        one.freeze("lunch")
        breach = one.mark(seen(equity=700.0))
        assert breach is not None and breach.flatten and one.frozen == "lunch"

    def test_equity_that_nobody_knows_trips_nothing_and_moves_nothing(self) -> None:
        one = gate(max_drawdown=0.2)
        one.mark(seen(equity=1_000.0))
        assert one.mark(seen(equity=NAN)) is None and one.peak == 1_000.0

    def test_an_account_that_is_wiped_out_trips(self) -> None:
        one = gate(max_daily_loss=0.9)
        assert one.mark(seen(equity=-1.0)) is not None
        (used,) = one.used(seen(equity=-1.0))
        assert used.share == float("inf")


class TestSwitches:
    @pytest.mark.parametrize("switch", ["freeze", "kill"])
    @pytest.mark.parametrize("reason", ["a doubt", ""])
    def test_a_switch_stops_what_adds_until_it_is_thawed(self, switch: str, reason: str) -> None:
        one = gate()
        getattr(one, switch)(reason)
        again = Gate(RiskConfig(), one.symbols).restore(json.loads(json.dumps(one.state())))
        protect = order(3, -50, "BB", stop=9.0, reduce_only=True, parent=3)
        found = refused(again, [ADDS, CLOSES, protect], held=(50.0, 50.0, 0.0))
        assert found == {1: {"freeze": "frozen", "kill": "killed"}[switch]}
        again.mark(seen(day=99))
        assert refused(again, [order(4, 1)]) != {}
        again.thaw()
        assert refused(again, [order(5, 1)]) == {}

    def test_a_bracket_is_frozen_as_one(self) -> None:
        one = gate()
        one.freeze("a doubt")
        asked = [order(1, 10), order(2, -10, stop=9.0, reduce_only=True, parent=1)]
        assert refused(one, asked) == {1: "frozen", 2: "entry"}

    def test_a_symbol_is_halted_and_let_go_by_a_person(self) -> None:
        one = gate(halted=("BB",))
        one.halt("AA", "")
        one.unhalt("BB")
        again = gate(halted=("BB",)).restore(one.state())
        assert refused(again, [order(1, 1), order(2, 1, "BB")]) == {1: "halted"}

    def test_an_unknown_symbol_names_the_nearest(self) -> None:
        for key in ("not_shortable", "halted"):
            with pytest.raises(ConfigError, match=rf"paper.risk.{key}: 'A' .*mean 'AA'\?"):
                gate(**{key: ("A",)})
        with pytest.raises(ConfigError, match="halt: 'XYZ' is not traded by this run"):
            gate().halt("XYZ", "")

    def test_a_state_that_is_none_is_told(self) -> None:
        with pytest.raises(JournalError, match="go on from an earlier snapshot"):
            gate().restore({"halted": {}})


def over_a_restart(one: Gate) -> Gate:
    return Gate(one.config, one.symbols).restore(json.loads(json.dumps(one.state())))


def test_a_restart_forgets_neither_the_minute_nor_likeness_nor_a_number() -> None:
    one = gate(max_orders_per_minute=2, duplicate_s=5.0)
    one.check([order(1, 1), order(2, 2)], seen())
    again = over_a_restart(one)
    assert refused(again, [order(3, 3), order(2, 9)]) == {
        3: "orders_per_minute", 2: "duplicate"
    }  # fmt: skip
    assert refused(over_a_restart(again), [order(4, 1)]) == {4: "duplicate"}


def test_a_restart_forgets_neither_a_loss_stop_nor_what_losses_are_measured_from() -> None:
    one = gate(max_daily_loss=0.1, max_drawdown=0.5, on_breach="flatten")
    one.mark(seen(equity=1_000.0))
    again = over_a_restart(one)
    assert again.mark(seen(equity=899.0)) is not None
    last = over_a_restart(again)
    assert last.frozen and last.flattens and last.mark(seen(equity=890.0)) is None


def test_the_page_is_told_how_much_of_each_limit_is_used_at_the_worst() -> None:
    one = gate(
        max_weight=0.5, max_gross=1.0, max_orders_per_minute=4, max_daily_loss=0.1,
        max_drawdown=0.2,
    )  # fmt: skip
    one.mark(seen(equity=1_000.0))
    one.check([order(1, 10), order(2, -5, "BB")], seen())
    now = seen((10.0, -5.0, 0.0), equity=950.0, working=[order(3, 9, "BB"), order(4, 9)])
    used = {u.limit: (round(u.used, 4), u.of, round(u.share, 4)) for u in one.used(now)}
    assert used == {
        "max_weight": (0.2, 0.5, 0.4),
        "max_gross": (0.2526, 1.0, 0.2526),
        "orders_per_minute": (2.0, 4.0, 0.5),
        "max_drawdown": (0.05, 0.2, 0.25),
        "max_daily_loss": (0.05, 0.1, 0.5),
    }
    later = one.used(seen(at=61.0))
    assert next(u for u in later if u.limit == "orders_per_minute").used == 0.0


class TestReplacements:
    OLD = order(1, 40, limit=9.0)

    def asked(self, limits: dict[str, float], new: Asked, *more: Asked) -> dict[int, str]:
        one = gate(**limits)
        found = one.check([new, *more], seen()._replace(instead={new.number: self.OLD}))
        return {refusal.number: refusal.rule for refusal in found}

    def test_what_is_refused_counts_as_what_it_was_to_replace(self) -> None:
        more = [order(3, 10), order(4, 1)]
        assert self.asked({"max_weight": 0.5}, order(2, 51, limit=9.0), *more) == {
            2: "max_weight", 4: "max_weight"
        }  # fmt: skip

    def test_what_passes_counts_in_its_place(self) -> None:
        more = [order(3, 20), order(4, 1)]
        assert self.asked({"max_weight": 0.5}, order(2, 30, limit=9.0), *more) == {
            4: "max_weight"
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("new", "rule"),
        [(order(2, 39, limit=9.0), None), (order(2, 41, limit=9.0), "max_weight"),
         (order(2, 39, limit=9.5), "max_weight"), (order(2, -39, limit=9.0), "max_weight")],
        ids=["fewer units pass", "more do not", "nor another price", "nor the other side"],
    )  # fmt: skip
    def test_an_order_over_a_limit_may_be_made_smaller(self, new: Asked, rule: str | None) -> None:
        assert self.asked({"max_weight": 0.1}, new).get(2) == rule


class TestStrays:
    def test_what_works_and_adds_is_named_while_nothing_may_add(self) -> None:
        working = [
            order(1, 10, limit=9.0), order(2, -30, stop=9.0, reduce_only=True),
            order(3, -20, limit=11.0), order(4, -1, limit=11.0), order(5, 1, "BB", limit=9.0),
        ]  # fmt: skip
        one, now = gate(), seen((50.0, 0.0, 0.0), working=working)
        assert one.strays(now) == []
        one.kill("a doubt")
        assert [(no.number, no.rule) for no in one.strays(now)] == [
            (1, "killed"), (4, "killed"), (5, "killed")
        ]  # fmt: skip

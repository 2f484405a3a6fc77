"""The rule on markets small enough to follow by eye: when pairs open, close, wait and give up."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tradewind.engine.bars.adjusting import DIVIDEND, SPLIT
from tradewind.engine.config.run import RunConfig, StrategyConfig
from tradewind.engine.costs import costs
from tradewind.engine.executors import cerebro, reference
from tradewind.engine.executors.state import NO_PATH, PLAIN_EXECUTION, Account, Terms
from tradewind.engine.executors.terms import market as market_terms
from tradewind.engine.protocols import View
from tradewind.engine.records import DAY_NS, Floats, Panel, Simulation
from tradewind.engine.sizing import fixed_weight
from tradewind.strategies.deciding import decide_by
from tradewind.strategies.pairing.retelling import retell
from tradewind.strategies.pairing.trades import PairTrade, leg_risk, trades
from tradewind.strategies.pairing.trading import PairInputs, PairParams, rule

NAN = float("nan")
INF = float("inf")
CASH = 10_000.0


class Told:
    """A strategy that is told its inputs."""

    warmup = 1
    memory = 200

    def __init__(self, inputs: PairInputs, **changes: Any) -> None:
        plain = PairParams(2.0, 0.0, INF, INF, -INF, 1.0, 1, INF, INF, 1.0, 2.0, False)
        self.params = plain._replace(**changes)
        self.rule, self.inputs = rule, inputs
        self.memory = (9 + inputs.leg.shape[1]) * inputs.row.shape[1] + 1

    def prepare(self, panel: Panel, signals: Any) -> PairInputs:
        del panel, signals
        return self.inputs

    def decide(self, view: View) -> Any:
        return decide_by(self.rule, self.params, view)


def market(close: Any, **columns: Any) -> Panel:
    """Bars that open where they close; NaN = no bar."""
    values = np.array(close, np.float64)
    opened = np.array(columns.get("open", close), np.float64)
    volume = np.where(np.isnan(values), NAN, 1e6)
    names = tuple("ABCDEF"[: values.shape[1]])
    ts = (np.arange(len(values)) + 1) * DAY_NS
    high, low = np.fmax(opened, values), np.fmin(opened, values)
    return Panel(names, ts, opened, high, low, values, volume)


def inputs_of(
    panel: Panel, signal: Any, legs: Any = ((0, 1),), row: Any = None, **changes: Any
) -> PairInputs:
    """Dollar for dollar; one slot for each column of ``signal``."""
    said = np.array(signal, np.float64).reshape(panel.n_bars, -1)
    n_slots = said.shape[1]
    leg = np.array(legs, np.int64)
    rows = np.tile(np.arange(n_slots), (panel.n_bars, 1)) if row is None else np.array(row)
    share = np.tile(np.array([0.5, -0.5]), (*said.shape, 1))
    made = PairInputs(
        rows.astype(np.int64), leg, said, share, np.zeros(said.shape),
        np.zeros(said.shape, np.bool_), np.full(len(leg), 0.1), panel.close,
        np.ones(panel.shape),
    )  # fmt: skip
    return made._replace(**changes)


def terms_of(
    n: int, fee_bps: float = 0.0, spread_bps: float = 0.0, not_shortable: tuple[int, ...] = ()
) -> Terms:
    shortable = np.ones(n, np.bool_)
    shortable[list(not_shortable)] = False
    account = Account(CASH, 4.0, False, 0.0, False, 0.0, shortable)
    return Terms(
        costs(fee_bps, spread_bps, 0.0, 0.0), fixed_weight(1.0, n), account, PLAIN_EXECUTION
    )


def run(panel: Panel, strategy: Told, **changes: Any) -> tuple[Simulation, list[PairTrade]]:
    """Trade without costs, then tell the trades; both executors must agree on every fill."""
    terms = terms_of(panel.n_symbols, **changes)
    found = reference.simulate(strategy, strategy.inputs, panel, terms, start=0)
    other = cerebro.simulate(strategy, strategy.inputs, panel, terms, start=0)
    for name in ("symbol", "bar", "qty", "price"):
        np.testing.assert_allclose(found.fills[name], other.fills[name], err_msg=name)
    course = retell(strategy.inputs, strategy.params, found, panel, 0)
    return found, trades(course, strategy.inputs, panel, found, strategy.params.at_close)


def fills(found: Simulation) -> list[tuple[int, int, float]]:
    return [(int(f["bar"]), int(f["symbol"]), float(f["qty"])) for f in found.fills]


FLAT = [[100.0, 50.0]] * 8


def test_a_dear_spread_is_sold_and_bought_back_where_it_crosses() -> None:
    panel = market(FLAT)
    found, told = run(panel, Told(inputs_of(panel, [0, 2.5, 2, 1, 0.2, -0.1, 0, 0])))
    assert fills(found) == [(2, 0, -50.0), (2, 1, 100.0), (6, 0, 50.0), (6, 1, -100.0)]
    (one,) = told
    assert (one.opened, one.closed, one.side, one.why) == (1, 5, -1.0, "came back")
    assert one.units == (-50.0, 100.0) and one.value == 10_000.0


def test_legs_earn_what_their_prices_did_and_pay_their_own_costs() -> None:
    close = [[100, 50], [100, 50], [100, 50], [104, 50], [104, 49], [104, 49], [104, 49], [104, 49]]
    panel = market(close)
    found, told = run(panel, Told(inputs_of(panel, [0, -3, -3, -1, 1, 0, 0, 0])), fee_bps=10.0)
    (one,) = told
    assert one.earned == (50 * 4.0, 100 * 1.0)
    assert one.cost == pytest.approx(1e-3 * (5_000 + 5_000 + 5_200 + 4_900))
    assert one.net == pytest.approx(float(found.equity[-1]) - CASH)
    assert leg_risk(told, found) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("signal", "changes", "closed", "why"),
    [
        ([0, -2, -3, -5, -5, -5, 0, 0], {"stop": 4.0}, 3, "ran beyond the stop"),
        ([0, -2, -2, -2, -2, -2, -2, -2], {"time_stop": 3.0}, 4, "took too long"),
        ([0, -2, -2, 0.5, 0, 0, 0, 0], {"exit": -1.0}, -1, ""),
        ([0, -2, -2, 0.5, 1.0, 0, 0, 0], {"exit": -1.0}, 4, "came back"),
    ],
)
def test_what_closes_a_pair(signal: Any, changes: Any, closed: int, why: str) -> None:
    panel = market(FLAT)
    _, told = run(panel, Told(inputs_of(panel, signal), **changes))
    assert (told[0].closed, told[0].why) == (closed, why)
    assert len(told) == 1  # stopped pairs are barred, timed ones must come back first


def test_a_pair_that_took_too_long_may_come_again_once_it_came_back() -> None:
    panel = market(FLAT)
    _, told = run(panel, Told(inputs_of(panel, [-2, -2, -2, -2, -1, -2, -2, 0]), time_stop=2.0))
    assert [(one.opened, one.closed) for one in told] == [(0, 2), (5, 7)]


def test_a_pair_that_came_apart_is_closed_and_barred_until_it_is_formed_anew() -> None:
    panel = market(FLAT)
    broken = np.array([[0], [0], [0], [1], [1], [0], [0], [0]], np.bool_)
    row = [[0]] * 6 + [[1]] * 2
    told = run(
        panel,
        Told(
            inputs_of(panel, [-3] * 8, ((0, 1), (0, 1)), row, broken=broken, volatility=np.ones(2))
        ),
    )[1]
    assert [(one.opened, one.closed, one.why) for one in told] == [
        (0, 3, "the pair came apart"), (6, -1, ""),
    ]  # fmt: skip


def test_the_end_of_a_trading_period_closes_and_the_next_pair_may_open_at_once() -> None:
    panel = market([[100.0, 50.0, 20.0]] * 8)
    row = [[0]] * 4 + [[1]] * 4
    inputs = inputs_of(panel, [-3] * 8, ((0, 1), (0, 2)), row, volatility=np.ones(2))
    found, told = run(panel, Told(inputs))
    assert [(one.opened, one.closed, one.columns) for one in told] == [
        (0, 4, (0, 1)),
        (4, -1, (0, 2)),
    ]
    assert told[0].why == "its trading period ended"
    assert [f for f in fills(found) if f[0] == 5] == [(5, 1, 100.0), (5, 2, -250.0)]  # A is kept


def test_the_widest_go_first_where_there_is_room_for_one() -> None:
    panel = market([[100.0, 50.0, 20.0, 10.0]] * 6)
    signal = [[-2, -3], [-2, -3], [-2, 1], [-2, 0], [-2, 0], [-2, 0]]
    _, told = run(panel, Told(inputs_of(panel, signal, ((0, 1), (2, 3)), volatility=np.ones(2))))
    assert [(one.opened, one.slot) for one in told] == [(0, 1), (2, 0)]  # freed money goes on


def test_pairs_that_share_a_name_send_one_order_for_it() -> None:
    panel = market([[100.0, 50.0, 20.0]] * 5)
    signal = [[-2, 2]] * 5
    inputs = inputs_of(panel, signal, ((0, 1), (0, 2)), volatility=np.ones(2))
    found, told = run(panel, Told(inputs, open_at_most=2))
    assert fills(found) == [(1, 1, -50.0), (1, 2, 125.0)]  # A: bought by one, sold by the other
    assert len(told) == 2 and leg_risk(told, found) == pytest.approx(0.0, abs=1e-9)


def test_whole_units_are_kept_and_a_pair_without_a_unit_in_a_leg_is_not_opened() -> None:
    panel = market([[3_000.0, 70.0]] * 4)
    found, _ = run(panel, Told(inputs_of(panel, [-2] * 4)))
    assert fills(found) == [(1, 0, 1.0), (1, 1, -71.0)]
    dear = market([[6_000.0, 70.0]] * 4)
    assert not run(dear, Told(inputs_of(dear, [-2] * 4)))[1]
    parts, _ = run(dear, Told(inputs_of(dear, [-2] * 4), lot=0.0))
    assert fills(parts)[0][2] == pytest.approx(5_000 / 6_000)


def test_risk_and_caps_scale_the_pair_and_never_one_leg() -> None:
    panel = market(FLAT)
    calm, _ = run(panel, Told(inputs_of(panel, [-2] * 8), risk=0.05))
    assert fills(calm) == [(1, 0, 25.0), (1, 1, -50.0)]  # half of it: volatility 0.1
    capped, _ = run(panel, Told(inputs_of(panel, [-2] * 8), name_cap=0.2))
    assert fills(capped) == [(1, 0, 20.0), (1, 1, -40.0)]


def test_a_leg_that_cannot_be_sold_short_ends_the_pair_after_the_patience() -> None:
    panel = market(FLAT)
    found, told = run(panel, Told(inputs_of(panel, [-2] * 8)), not_shortable=(1,))
    assert told[0].why == "a leg was not filled"
    assert told[0].closed == 3  # two bars of patience behind the first
    assert [f for f in fills(found) if f[1] == 0] == [(1, 0, 50.0), (4, 0, -50.0)]
    assert len(told) == 1


def test_the_risk_of_a_leg_alone_is_told_apart() -> None:
    close = [[100, 50], [100, 50], [100, 50], [110, 50], [110, 50], [110, 50], [110, 50], [110, 50]]
    panel = market(close)
    found, told = run(panel, Told(inputs_of(panel, [-2] * 8)), not_shortable=(1,))
    assert float(found.equity[-1]) - CASH == pytest.approx(500.0)  # A alone
    assert sum(one.net for one in told) + leg_risk(told, found) == pytest.approx(500.0)


def test_a_halted_leg_is_waited_for_and_the_other_is_held_with_it() -> None:
    close: Any = [[100, 50]] * 3 + [[100, NAN]] + [[100, 50]] * 4
    panel = market(close)
    found, told = run(panel, Told(inputs_of(panel, [-2, -2, -2, NAN, 1, 0, 0, 0])))
    assert fills(found) == [(1, 0, 50.0), (1, 1, -100.0), (5, 0, -50.0), (5, 1, 100.0)]
    assert told[0].why == "came back"


def test_a_leg_that_stops_trading_takes_the_pair_with_it() -> None:
    close: Any = [[100, 50]] * 3 + [[100, NAN]] * 5
    panel = market(close)
    found, told = run(panel, Told(inputs_of(panel, [-2, -2, -2] + [NAN] * 5)))
    assert told[0].why == "a leg was taken away or stopped trading"
    held = sum(f[2] for f in fills(found) if f[1] == 0)
    assert held == 0.0 and fills(found)[-1][0] == told[0].closed + 1


def test_a_split_in_one_leg_is_no_reason_to_trade_and_its_new_units_are_sold() -> None:
    panel = market([[100.0, 50.0]] * 4 + [[50.0, 50.0]] * 4)
    grown, split = np.ones(panel.shape), np.ones(panel.shape)
    grown[4:, 0] = split[4, 0] = 2.0
    panel = replace(panel, columns={SPLIT: split, DIVIDEND: np.zeros(panel.shape)})
    strategy = Told(inputs_of(panel, [-2, -2, -2, -2, -2, -2, 1, 0], grown=grown))
    config = RunConfig(strategy=StrategyConfig(kind="pairs"))
    with_splits = market_terms(config, panel, path=NO_PATH)
    found = reference.simulate(
        strategy, strategy.inputs, panel, terms_of(2), start=0, market=with_splits
    )
    assert fills(found) == [(1, 0, 50.0), (1, 1, -100.0), (7, 0, -100.0), (7, 1, 100.0)]
    course = retell(strategy.inputs, strategy.params, found, panel, 0)
    (one,) = trades(course, strategy.inputs, panel, found, False)
    assert one.units == (50.0, -100.0) and one.earned == pytest.approx((0.0, 0.0))


def test_a_forecast_that_does_not_agree_keeps_a_pair_shut() -> None:
    panel = market(FLAT)
    due = np.array([[-1.0], [0.0], [NAN], [0.3], [0.3], [-0.2], [0.0], [0.0]])
    _, told = run(panel, Told(inputs_of(panel, [-2] * 8, due=due), due=0.2))
    assert [(one.opened, one.closed, one.why) for one in told] == [(3, 5, "the forecast turned")]


def test_at_the_close_orders_meet_the_next_close() -> None:
    close = [[100, 50], [100, 50], [102, 50], [102, 50]]
    opened = [[100, 50], [100, 50], [101, 50], [102, 50]]
    panel = market(close, open=opened)
    found, _ = run(panel, Told(inputs_of(panel, [0, -2, -2, -2]), at_close=True))
    assert float(found.fills["price"][0]) == 102.0


def test_many_settings_in_one_call_are_those_of_single_runs() -> None:
    from tradewind.engine.executors.batch import simulate_many

    draw = np.random.default_rng(3)
    close: Floats = 50 * np.exp(np.cumsum(draw.normal(0, 0.01, (300, 4)), axis=0))
    panel = market(close)
    signal = np.cumsum(draw.normal(0, 0.4, (300, 2)), axis=0)
    inputs = inputs_of(panel, signal, ((0, 1), (2, 3)), volatility=np.ones(2))
    settings = [Told(inputs, entry=e, exit=x) for e in (1.0, 2.0, 3.0) for x in (-0.5, 0.0)]
    terms = terms_of(4, fee_bps=1.0, spread_bps=4.0)
    batch = simulate_many(settings, inputs, panel, terms, start=0, threads=2)
    for i, one in enumerate(settings):
        alone = reference.simulate(one, inputs, panel, terms, start=0)
        assert batch.equity[i] == alone.equity[-1]
        assert batch.fills[i] == len(alone.fills) > 0

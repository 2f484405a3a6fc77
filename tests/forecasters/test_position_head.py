"""The position head against a backtest of the same positions, and its gradients by hand."""

import numpy as np
import pytest
import torch

from tradewind.engine.causality import probe
from tradewind.engine.errors import ConfigError
from tradewind.engine.records import Floats
from tradewind.forecasters import Lstm
from tradewind.forecasters.heads.position import FLAT, KEPT, UNKNOWN, PositionHead
from tradewind.forecasters.inputs.framing import Framing
from tradewind.forecasters.inputs.windows import Samples
from tradewind.forecasters.readings import Position

BPS = 1e-4


def head_of(objective: str = "sharpe", cost_bps: float = 25.0, run: int = 4) -> PositionHead:
    return PositionHead(1, Position(objective=objective, cost_bps=cost_bps, run=run))  # type: ignore[arg-type]


def samples_of(n_bars: int = 120, horizon: int = 1) -> tuple[Samples, Floats]:
    """Windows of three symbols, two of which have gaps and begin late."""
    framing = Framing("Net", ("return_1",), 3, horizon, horizon, 0.2, 10)
    samples, scale = framing.labelled(probe(seed=3, n_bars=n_bars, n_symbols=3))
    return samples, scale[samples.row]


def backtest(samples: Samples, scale: Floats, position: Floats, cost_bps: float) -> list[float]:
    """Net return of each holding period, in units of scale; plain bookkeeping."""
    earned, capital, symbol = [], 0.0, -1
    for k in range(samples.n):
        if samples.symbol[k] != symbol:  # each symbol's book begins with nothing
            capital, symbol = 0.0, samples.symbol[k]
        wanted = position[k] / scale[k]
        cost = abs(wanted - capital) * cost_bps * BPS
        earned.append(wanted * float(np.expm1(samples.target[k])) - cost)
        capital = wanted
    return earned


def test_the_loss_is_minus_the_sharpe_ratio_of_a_backtest_of_the_same_positions() -> None:
    samples, scale = samples_of()
    own = samples.where(samples.symbol == 0)  # without a gap
    scale = scale[samples.symbol == 0]
    head = head_of(run=120)
    target = head.targets(own, scale)
    assert np.abs(target[:, 0]).max() < 5.0
    position = np.sin(np.arange(own.n) * 0.7)
    net = np.array(backtest(own, scale, position, 25.0))
    gross = np.array(backtest(own, scale, position, 0.0))
    assert gross.mean() - net.mean() > 0.01
    found = head.loss(torch.from_numpy(position)[:, None], torch.from_numpy(target))
    assert float(found) == pytest.approx(-net.mean() / np.sqrt(net.var() + 1e-8), rel=1e-12)
    mean = head_of("mean", run=120)
    found = mean.loss(torch.from_numpy(position)[:, None], torch.from_numpy(target))
    assert float(found) == pytest.approx(-net.mean(), rel=1e-12)


@pytest.mark.parametrize("objective", ["sharpe", "mean", "softmin"])
def test_the_gradient_is_that_of_the_formula_to_1e_8(objective: str) -> None:
    samples, scale = samples_of()
    head = head_of(objective, run=7)
    target = torch.from_numpy(head.targets(samples, scale))
    draw = torch.Generator().manual_seed(5)
    raw = torch.randn(samples.n, 1, generator=draw, dtype=torch.float64).requires_grad_()
    head.loss(head.bend(raw), target).backward()  # type: ignore[no-untyped-call]
    assert raw.grad is not None
    by_hand = gradient(raw.detach().numpy()[:, 0], target.numpy(), objective, 0.2)
    scale_of = np.abs(by_hand).max()
    assert scale_of > 1e-4
    np.testing.assert_allclose(raw.grad.numpy()[:, 0], by_hand, rtol=0, atol=1e-8 * scale_of)


def gradient(raw: Floats, target: Floats, objective: str, temperature: float) -> Floats:
    """Derivative of the loss by each last-layer number, written out."""
    position, (gain, toll, before) = np.tanh(raw), target.T
    above = np.where(before == KEPT, np.roll(position * toll, 1), 0.0)
    side = np.sign(position * toll - above) * (before != UNKNOWN)
    net = position * gain - side * (position * toll - above)
    mean, n = net.mean(), len(net)
    spread = np.sqrt(net.var() + 1e-8)
    if objective == "mean":
        by_net = np.full(n, -1.0 / n)
    elif objective == "sharpe":
        by_net = -(1.0 / spread - mean * (net - mean) / spread**3) / n
    else:
        run = np.cumsum(before != KEPT) - 1
        sharpe = np.bincount(run, net) / np.bincount(run) / spread
        weight = np.exp(-sharpe / temperature) / np.exp(-sharpe / temperature).sum()
        by_spread = (weight * sharpe).sum() / spread
        by_net = (
            -weight[run] / np.bincount(run)[run] / spread + by_spread * (net - mean) / n / spread
        )
    later = np.append((by_net * side)[1:] * (before[1:] == KEPT), 0.0)  # what the next row pays
    by_position = by_net * (gain - side * toll) + later * toll
    return np.asarray(by_position * (1.0 - position**2))


def test_a_run_ends_at_its_length_at_a_missing_period_and_with_its_symbol() -> None:
    samples, scale = samples_of()
    gone = np.ones(samples.n, bool)
    gone[[10, 30]] = False
    samples, scale = samples.where(gone), scale[gone]
    head = head_of(run=6)
    run, before = head.runs(samples), head.targets(samples, scale)[:, 2]
    for k in range(1, samples.n):
        follows = samples.symbol[k] == samples.symbol[k - 1]
        follows = follows and samples.bar[k] == samples.bar[k - 1] + 1
        if run[k] == run[k - 1]:
            assert follows
            assert before[k] == KEPT
        else:
            assert not follows or (run == run[k - 1]).sum() == 6
            assert before[k] == (UNKNOWN if samples.symbol[k] == samples.symbol[k - 1] else FLAT)
    assert before[0] == FLAT
    assert np.bincount(run).max() == 6


def test_the_soft_minimum_approaches_the_worst_run() -> None:
    target = torch.tensor([[g, 0.0, b] for g, b in [(2, 1), (2, 0), (-1, 2), (-1, 0), (1, 2)]])
    target = target.double()
    ones = torch.ones(5, 1, dtype=torch.float64)
    net = target[:, 0].numpy()
    cold = PositionHead(1, Position(objective="softmin", temperature=1e-3))
    assert float(cold.loss(ones, target)) == pytest.approx(1.0 / net.std(), rel=1e-2)
    hot = PositionHead(1, Position(objective="softmin", temperature=100))
    wanted = -np.mean([2.0, -1.0, 1.0]) / net.std()
    assert float(hot.loss(ones, target)) == pytest.approx(wanted, abs=0.02)


def test_holding_periods_that_overlap_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"Lstm: stride 1 with horizon 5; head 'position' learns"):
        Lstm(head="position", stride=1)
    assert Lstm(head="position", stride=5)._stride == 5
    assert Lstm(head="position", pooled=False)._stride == 5


def test_where_nothing_can_be_earned_the_better_side_is_held_for_good() -> None:
    panel = probe(seed=3, n_bars=300, n_symbols=3)
    forecaster = Lstm(
        head={"kind": "position", "cost_bps": 300}, horizon=1, window=4, hidden=2, epochs=1,
        features=("scaled_return_1", "range"),
    )  # fmt: skip
    said = forecaster.fit(panel).predict(panel, first=280)
    position = said.mean / said.std
    assert np.unique(np.sign(position[np.isfinite(position)])).size == 1

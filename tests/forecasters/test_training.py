"""The training loop on a network small enough to see through."""

from threading import Barrier, Thread

import pytest
import torch
from torch import Generator, Tensor, nn

from tradewind.engine.errors import ForecastError
from tradewind.forecasters.training.loop import (
    Epoch,
    Examples,
    Schedule,
    evaluate,
    one_thread,
    train,
)

PLAIN = Schedule(epochs=30, patience=30, batch=16, learning_rate=0.05)


class Line(nn.Module):
    """Weighted sum of a window."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4))

    def forward(self, x: Tensor, who: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight


def squares(output: Tensor, target: Tensor) -> Tensor:
    return ((output - target) ** 2).mean()


def examples(n: int, seed: int, *, noise: float = 0.0) -> Examples:
    draw = Generator().manual_seed(seed)
    windows = torch.randn(n, 2, 2, generator=draw)
    target = windows.flatten(1) @ torch.tensor([1.0, -2.0, 0.5, 0.0])
    target = target + noise * torch.randn(n, generator=draw)
    return Examples(windows, torch.arange(n), target, torch.zeros(n, dtype=torch.int64))


def fit(schedule: Schedule, *, seed: int = 0, noise: float = 0.0) -> tuple[Line, tuple[Epoch, ...]]:
    network = Line()
    parts = examples(128, 1, noise=noise), examples(64, 2, noise=noise)
    curve = train(network, squares, *parts, schedule, Generator().manual_seed(seed))
    return network, curve


def test_it_finds_the_weights_that_made_the_data() -> None:
    network, curve = fit(PLAIN)
    torch.testing.assert_close(
        network.weight.detach(), torch.tensor([1.0, -2.0, 0.5, 0.0]), atol=1e-2, rtol=0
    )
    assert curve[-1].stopping < 0.01 * curve[0].stopping


def test_the_curve_starts_before_the_first_step() -> None:
    network = Line()
    parts = examples(128, 1), examples(64, 2)
    before = Epoch(*(evaluate(network, squares, part) for part in parts))
    _, curve = fit(PLAIN)
    assert curve[0] == before
    assert len(curve) == 31


def test_it_stops_after_patience_and_goes_back_to_the_best_epoch() -> None:
    schedule = Schedule(epochs=200, patience=3, batch=8, learning_rate=0.3)
    network, curve = fit(schedule, noise=3.0)
    best = min(range(len(curve)), key=lambda k: curve[k].stopping)
    assert len(curve) - 1 == best + 3 < 200
    assert evaluate(network, squares, examples(64, 2, noise=3.0)) == curve[best].stopping


def test_where_nothing_can_be_learned_the_start_is_kept() -> None:
    network = Line()
    draw = Generator().manual_seed(0)
    noise = Examples(
        torch.randn(64, 2, 2, generator=draw),
        torch.arange(64),
        torch.ones(64),
        torch.zeros(64).long(),
    )
    against = Examples(noise.windows, noise.index, -torch.ones(64), noise.who)

    def uphill(output: Tensor, target: Tensor) -> Tensor:
        return -(output * target).mean() + (output * target).mean() ** 2

    curve = train(network, uphill, noise, against, PLAIN, Generator().manual_seed(0))
    assert curve[0].stopping <= min(epoch.stopping for epoch in curve)
    assert network.weight.tolist() == [0.0] * 4


def test_the_same_seed_gives_the_same_bits_and_another_seed_other_ones() -> None:
    first, curve = fit(PLAIN, seed=5)
    torch.manual_seed(123)
    second, again = fit(PLAIN, seed=5)
    other, _ = fit(PLAIN, seed=6)
    assert torch.equal(first.weight, second.weight)
    assert curve == again
    assert not torch.equal(first.weight, other.weight)


def test_a_loss_that_is_not_a_number_is_named_with_its_epoch_and_what_to_do() -> None:
    network = Line()
    bad = examples(64, 1)
    bad.target[3] = float("nan")
    with pytest.raises(ForecastError) as error:
        train(network, squares, bad, examples(64, 2), PLAIN, Generator())
    assert "fitting part became nan in epoch 0" in str(error.value)
    with pytest.raises(ForecastError, match="lower learning_rate"):
        fit(Schedule(epochs=5, patience=5, batch=8, learning_rate=1e30))


def test_gradients_are_clipped() -> None:
    def steep(output: Tensor, target: Tensor) -> Tensor:
        return 1e6 * squares(output, target)

    network = Line()
    schedule = Schedule(epochs=1, patience=1, batch=128, learning_rate=0.1, clip=0.5)
    train(network, steep, examples(128, 1), examples(64, 2), schedule, Generator())
    grad = network.weight.grad  # of the one step, as the optimiser saw it
    assert grad is not None
    assert float(grad.norm()) == pytest.approx(0.5, rel=1e-4)


def test_threads_come_back_after_the_work_and_after_an_error() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with one_thread():
            assert torch.get_num_threads() == 1
            with one_thread():
                assert torch.get_num_threads() == 1
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with pytest.raises(KeyboardInterrupt), one_thread():
            raise KeyboardInterrupt
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_two_fits_side_by_side_give_the_bits_of_one_alone() -> None:
    alone, _ = fit(PLAIN, seed=1)
    found: list[Line] = []
    together = Barrier(2)

    def work() -> None:
        with one_thread():
            together.wait(timeout=60)
            found.append(fit(PLAIN, seed=1)[0])

    threads = [Thread(target=work) for _ in range(2)]
    before = torch.get_num_threads()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.get_num_threads() == before
    assert len(found) == 2
    assert all(torch.equal(line.weight, alone.weight) for line in found)


def test_batches_hold_whole_runs_in_order_and_every_window_once() -> None:
    run = torch.repeat_interleave(torch.arange(7), torch.tensor([5, 3, 5, 5, 1, 5, 5]))
    all_of_them = examples(29, 1)
    runs = Examples(
        all_of_them.windows, all_of_them.index, all_of_them.target, all_of_them.who, run
    )
    parts = runs.batches(10, Generator().manual_seed(3))
    assert sorted(torch.cat(parts).tolist()) == list(range(29))
    assert len(parts) == 2
    for part in parts:
        own = run[part]
        for number in set(own.tolist()):
            places = part[own == number]
            assert places.tolist() == torch.nonzero(run == number).flatten().tolist()
            at = torch.nonzero(own == number).flatten()
            assert (at.diff() == 1).all()
    other = torch.cat(runs.batches(10, Generator().manual_seed(4)))
    assert torch.cat(parts).tolist() != other.tolist()


def test_a_loss_of_runs_is_taken_over_all_windows_at_once() -> None:
    def spread(output: Tensor, target: Tensor) -> Tensor:
        return (output - target).std()

    many = examples(1_200, 1, noise=1.0)
    runs = Examples(many.windows, many.index, many.target, many.who, torch.arange(1_200) // 10)
    assert evaluate(Line(), spread, runs) == pytest.approx(float(many.target.std()), rel=1e-6)

"""Stacked machines, unrolled and fine-tuned."""

from dataclasses import replace

import pytest
import torch
from torch import Generator, Tensor

from tradewind.forecasters.machines import rbm
from tradewind.forecasters.machines.deep import Recipe, Rows, fit, probability, unrolled
from tradewind.forecasters.machines.rbm import Rbm
from tradewind.forecasters.training.loop import Schedule, one_thread

SHORT = Schedule(8, 8, 50, 0.01)
QUICK = Recipe(
    hidden=(12, 3), classifier=8,
    gaussian=rbm.Schedule(epochs=8, learning_rate=0.01),
    binary=rbm.Schedule(epochs=8, learning_rate=0.05),
    rebuild=SHORT, classify=SHORT, whole=SHORT,
)  # fmt: skip


def machines() -> list[Rbm]:
    draw = Generator().manual_seed(0)
    made = [
        Rbm.drawn(6, 5, "gaussian", draw, std=0.7),
        Rbm.drawn(5, 2, "bernoulli", draw, std=0.7),
    ]
    for machine in made:
        machine.hidden_bias.normal_(generator=draw)
        machine.visible_bias.normal_(generator=draw)
    return made


def rows(n: int, seed: int) -> Rows:
    """Two factors behind twelve inputs; the class is the sign of the first."""
    draw = Generator().manual_seed(seed)
    factors = torch.randn(n, 2, generator=draw)
    mixing = torch.randn(2, 12, generator=Generator().manual_seed(99))
    x = factors @ mixing + 0.3 * torch.randn(n, 12, generator=draw)
    return Rows((x - x.mean(0)) / x.std(0), (factors[:, 0] > 0).long())


def test_the_unrolled_coder_is_the_mean_field_pass_of_the_machines() -> None:
    stack = machines()
    x = torch.randn(9, 6, generator=Generator().manual_seed(1))
    rebuilder = unrolled(stack, Generator().manual_seed(2))
    first = stack[0].hidden_probability(x)
    code = stack[1].hidden_probability(first)
    back = stack[0].visible_mean(stack[1].visible_mean(code))
    with torch.inference_mode():
        torch.testing.assert_close(rebuilder.coder(x), code)
        torch.testing.assert_close(rebuilder(x[:, None], torch.zeros(9)), back)


def test_all_stages_learn_and_are_on_record() -> None:
    with one_thread():
        judge, curve = fit(rows(2_000, 1), rows(500, 2), QUICK, Generator().manual_seed(0))
        said = probability(judge, rows(1_000, 3).x)
    by_stage: dict[str, list[float]] = {}
    for point in curve:
        by_stage.setdefault(point.stage, []).append(point.stopping)
    assert list(by_stage) == ["rbm 1", "rbm 2", "rebuild", "classify", "whole"]
    for losses in by_stage.values():
        assert min(losses) < losses[0]
    right = (said > 0.5).long() == rows(1_000, 3).above
    assert float(right.float().mean()) > 0.9


def test_without_pretraining_only_the_last_stage_runs() -> None:
    with one_thread():
        _, curve = fit(
            rows(300, 1), rows(100, 2), replace(QUICK, pretrain=False), Generator().manual_seed(0)
        )
    assert {point.stage for point in curve} == {"whole"}


@pytest.mark.parametrize("pretrain", [True, False])
def test_the_seed_decides_and_the_epochs_are_told(pretrain: bool) -> None:
    recipe = replace(QUICK, pretrain=pretrain)
    told: list[str] = []

    def learned(seed: int) -> Tensor:
        judge, _ = fit(
            rows(300, 1), rows(100, 2), recipe, Generator().manual_seed(seed),
            watch=lambda point: told.append(point.stage),
        )  # fmt: skip
        return probability(judge, rows(50, 3).x)

    with one_thread():
        assert torch.equal(learned(1), learned(1))
        assert not torch.equal(learned(1), learned(2))
    assert told

"""How far contrastive divergence is off the gradient it stands for, as a picture.

``python benchmarks/rbm_bias.py [--out docs/rbm-bias.svg]``. Machines small enough to sum over every
state (6 visible, 8 hidden units) learn from rows of two factors; after every few epochs the mean
of CD-k over many chains is set against the exact gradient of the likelihood.
"""

import argparse
from pathlib import Path

import torch
from torch import Generator, Tensor

from tradewind.forecasters.machines import exact, rbm
from tradewind.forecasters.machines.rbm import Dice, Gradient, Rbm, divergence

VISIBLE, HIDDEN, ROWS, CHAINS = 6, 8, 40, 500
STEPS = (1, 2, 5, 10, 25)
EPOCHS, EVERY = 300, 20
KINDS: tuple[rbm.Visible, ...] = ("gaussian", "bernoulli")


def data(kind: rbm.Visible) -> Tensor:
    """Rows of two factors, as z-scores or as zeros and ones."""
    draw = Generator().manual_seed(3)
    factors = torch.randn(ROWS, 2, generator=draw, dtype=torch.float64)
    mixing = torch.randn(2, VISIBLE, generator=draw, dtype=torch.float64)
    x = factors @ mixing + 0.5 * torch.randn(ROWS, VISIBLE, generator=draw, dtype=torch.float64)
    return (x - x.mean(0)) / x.std(0) if kind == "gaussian" else (x > 0).double()


def off(machine: Rbm, rows: Tensor, steps: int) -> float:
    """Length of the error of the mean of CD-k, relative to the exact gradient's."""
    wanted = exact.gradient(machine, rows)
    dice = Dice(Generator().manual_seed(5))
    # ``noise``: only chains that draw their visible units sample the machine at all.
    total = [torch.zeros_like(part) for part in wanted]
    for _ in range(CHAINS):
        found, _ = divergence(machine, rows, steps=steps, dice=dice, noise=True)
        for sum_, part in zip(total, found, strict=True):
            sum_ += part / CHAINS
    return float(_length(Gradient(*(a - b for a, b in zip(total, wanted, strict=True)))) /
                 _length(wanted))  # fmt: skip


def _length(gradient: Gradient) -> Tensor:
    return torch.sqrt(sum((part.square().sum() for part in gradient), torch.zeros(())))


def curves(kind: rbm.Visible) -> tuple[list[int], dict[int, list[float]], list[float]]:
    """(epochs, error of each k, exact log likelihood) along a training with CD-1."""
    rows = data(kind)
    machine = Rbm.drawn(VISIBLE, HIDDEN, kind, Generator().manual_seed(1), dtype=torch.float64)
    plan = rbm.Schedule(epochs=EVERY, batch=ROWS, learning_rate=0.05, settled=0, momentum=0.5)
    at: list[int] = []
    fit: list[float] = []
    errors: dict[int, list[float]] = {k: [] for k in STEPS}
    for epoch in range(0, EPOCHS + 1, EVERY):
        if epoch:
            rbm.train(machine, rows, rows, plan, Generator().manual_seed(epoch))
        at.append(epoch)
        fit.append(float(exact.log_likelihood(machine, rows)))
        for k in STEPS:
            errors[k].append(off(machine, rows, k))
    return at, errors, fit


def main() -> int:
    """Draw both kinds of machine side by side."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/rbm-bias.svg"))
    given = parser.parse_args()
    plt.rcParams |= {"svg.hashsalt": "tradewind", "svg.fonttype": "none"}
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    for axis, kind in zip(axes, KINDS, strict=True):
        at, errors, fit = curves(kind)
        for k, found in errors.items():
            axis.plot(at, found, label=f"CD-{k}")
        axis.set(title=f"{kind} visible units", xlabel="epochs of CD-1", ylim=(0, None))
        print(kind, "log likelihood", f"{fit[0]:.3f} to {fit[-1]:.3f}")
        print({k: round(found[-1], 3) for k, found in errors.items()})
    axes[0].set_ylabel("error of the mean, share of the gradient")
    axes[1].legend()
    figure.savefig(given.out, metadata={"Date": None})
    print(f"wrote {given.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Epochs over windows: a bare loop of torch, ours, and many networks at once."""

from collections.abc import Callable
from time import perf_counter, process_time
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from tradewind.forecasters.heads.gaussian import GaussianHead
from tradewind.forecasters.inputs.windows import Scaling
from tradewind.forecasters.networks.attention import PatchTstEncoder, TransformerEncoder
from tradewind.forecasters.networks.base import Encoder, Network
from tradewind.forecasters.networks.convolution import TcnEncoder
from tradewind.forecasters.networks.recurrent import GruEncoder, LstmEncoder, RnnEncoder
from tradewind.forecasters.networks.sums import DLinearEncoder, NhitsEncoder, NLinearEncoder
from tradewind.forecasters.training.grouped import train_grouped
from tradewind.forecasters.training.jobs import Job
from tradewind.forecasters.training.loop import Examples, Run, Schedule, one_epoch

WINDOW, FEATURES, HIDDEN = 60, 8, 64
Turn = Callable[[], float]  # one epoch; its processor seconds


class Workload(NamedTuple):
    """Windows to learn from, a view of one table, and what they are said to lead to."""

    windows: Tensor  # (n, T, F)
    target: Tensor  # (n,)

    @classmethod
    def of(cls, n: int, seed: int = 0) -> "Workload":
        """Noise; what there is to learn costs nothing."""
        draw = Generator().manual_seed(seed)
        table = torch.randn(n + WINDOW - 1, FEATURES, generator=draw)
        view = table.as_strided((n, WINDOW, FEATURES), (FEATURES, FEATURES, 1))
        return cls(view, torch.randn(n, generator=draw))

    def examples(self) -> Examples:
        """The same as our training loop takes it."""
        n = len(self.target)
        return Examples(self.windows, torch.arange(n), self.target, torch.ones(n).long())


class Bare(nn.Module):
    """A recurrent layer of torch's own and a number read out of its last state."""

    def __init__(self, kind: Callable[..., nn.RNNBase], hidden: int) -> None:
        super().__init__()
        self.cells, self.out = kind(FEATURES, hidden, batch_first=True), nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B,)."""
        states, _ = self.cells(x)  # (B, T, F) -> (B, T, H)
        out: Tensor = self.out(states[:, -1])[:, 0]  # (B, H) -> (B,)
        return out


def bare(work: Workload, kind: Callable[..., nn.RNNBase], hidden: int, batch: int) -> Turn:
    """Epochs of the loop anybody would write, on windows that lie ready in memory."""
    network = Bare(kind, hidden)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    x = work.windows.contiguous()

    def epoch() -> float:
        begun = process_time()
        for at in torch.split(torch.randperm(len(x)), batch):
            loss = nn.functional.mse_loss(network(x[at]), work.target[at])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        return process_time() - begun

    return epoch


def encoders(hidden: int) -> dict[str, Callable[[Generator], Encoder]]:
    """Each family at about this width, by name."""
    n, window = FEATURES, WINDOW
    return {
        "rnn": lambda g: RnnEncoder(n, hidden=hidden, layers=1, generator=g),
        "gru": lambda g: GruEncoder(n, hidden=hidden, layers=1, generator=g),
        "lstm": lambda g: LstmEncoder(n, hidden=hidden, layers=1, generator=g),
        "tcn": lambda g: TcnEncoder(n, channels=hidden // 2, levels=5, kernel=3, generator=g),
        "dlinear": lambda g: DLinearEncoder(n, window=window, smooth=25, sums=4, generator=g),
        "nlinear": lambda g: NLinearEncoder(n, window=window, sums=4, generator=g),
        "nhits": lambda g: NhitsEncoder(
            n, window=window, pools=(8, 4, 1), hidden=hidden, width=hidden // 2, generator=g
        ),
        "patchtst": lambda g: PatchTstEncoder(
            n, window=window, patch=12, hop=6, width=hidden, heads=4, layers=2, sums=4, generator=g
        ),
        "transformer": lambda g: TransformerEncoder(
            n, window=window, width=hidden, heads=4, layers=2, generator=g
        ),
    }


def network_of(family: str, hidden: int, *, bf16: bool = False, seed: int = 0) -> Network:
    """Untrained network with a Gaussian head, as a forecaster makes it."""
    generator = Generator().manual_seed(seed)
    encoder = encoders(hidden)[family](generator)
    head = GaussianHead(encoder.width)
    return Network(encoder, head, dropout=0.1, names=1, embedding=0, generator=generator, bf16=bf16)


def ours(work: Workload, family: str, hidden: int, batch: int, *, bf16: bool = False) -> Turn:
    """Epochs of our loop: windows gathered, dropout, likelihood, clipping and all."""
    network, generator = network_of(family, hidden, bf16=bf16), Generator().manual_seed(1)
    head = network.head
    assert isinstance(head, GaussianHead)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    run = Run(network, optimiser, generator)
    examples, schedule = work.examples(), Schedule(1, 1, batch, 1e-3)

    def epoch() -> float:
        begun = process_time()
        one_epoch(run, head.loss, examples, schedule)
        return process_time() - begun

    return epoch


def in_a_group(n_networks: int, n: int, hidden: int, device: torch.device, *, bf16: bool) -> float:
    """Samples per second of so many LSTMs trained at once, each on ``n`` windows for an epoch."""
    schedule = Schedule(1, 1, 128, 1e-3)
    jobs = [
        Job(
            network_of("lstm", hidden, bf16=bf16, seed=k),
            Scaling(torch.zeros(FEATURES).numpy(), torch.ones(FEATURES).numpy()),
            ("A",),
            Workload.of(n, k).examples(),
            Workload.of(16, k).examples(),
            schedule,
            Generator().manual_seed(k),
        )
        for k in range(n_networks)
    ]
    begun = perf_counter()
    train_grouped(jobs, device, lambda *_: None)
    return n * n_networks / (perf_counter() - begun)


def ceiling(rows: int, n: int, hidden: int, device: torch.device, *, bf16: bool) -> float:
    """Samples per second of torch's own LSTM of one network on batches of so many windows."""
    network = Bare(nn.LSTM, hidden).to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    x = torch.randn(rows, WINDOW, FEATURES, device=device)
    target = torch.randn(rows, device=device)
    steps = max(1, n // rows)
    begun = perf_counter()
    for step in range(steps + 1):
        if step == 1:  # the first one finds out how to go about it
            _wait(device)
            begun = perf_counter()
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            said = network(x)
        loss = nn.functional.mse_loss(said.float(), target)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    _wait(device)
    return steps * rows / (perf_counter() - begun)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

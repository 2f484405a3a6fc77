"""Temporal convolutions: a state made anew from a growing reach of bars."""

from torch import Generator, Tensor, nn
from torch.nn.functional import pad, relu

from tradewind.forecasters.networks.base import Encoder, bare


def convolution(
    n_in: int, n_out: int, generator: Generator, *, kernel: int = 1, dilation: int = 1
) -> nn.Conv1d:
    """A convolution over time with He's (2015) weights and no offset."""
    layer: nn.Conv1d = bare(nn.Conv1d, n_in, n_out, kernel, dilation=dilation)
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


class Block(nn.Module):
    """Two dilated causal convolutions and a way around them."""

    def __init__(
        self, n_in: int, n_out: int, generator: Generator, *, kernel: int, dilation: int
    ) -> None:
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.first = convolution(n_in, n_out, generator, kernel=kernel, dilation=dilation)
        self.second = convolution(n_out, n_out, generator, kernel=kernel, dilation=dilation)
        self.around = convolution(n_in, n_out, generator) if n_in != n_out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, D, T); a position sees itself and what came before it."""
        y = relu(self.first(pad(x, (self.reach, 0))))  # (B, C, T) -> (B, D, T)
        y = relu(self.second(pad(y, (self.reach, 0))))  # (B, D, T)
        return relu(y + self.around(x))  # (B, D, T)


class TcnEncoder(Encoder):
    """Residual blocks whose reach doubles; the last position."""

    def __init__(
        self, n_inputs: int, *, channels: int, levels: int, kernel: int, generator: Generator
    ) -> None:
        super().__init__(channels)
        widths = [n_inputs] + [channels] * levels
        self.blocks = nn.Sequential(
            *(
                Block(widths[k], widths[k + 1], generator, kernel=kernel, dilation=2**k)
                for k in range(levels)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B, H)."""
        states = self.blocks(x.transpose(1, 2))  # (B, F, T) -> (B, H, T)
        last: Tensor = states[:, :, -1]  # (B, H)
        return last

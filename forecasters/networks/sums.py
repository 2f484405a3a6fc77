"""Weighted sums over time: what a network must justify itself against."""

from torch import Generator, Tensor, nn
from torch.nn.functional import avg_pool1d, pad

from tradewind.forecasters.networks.base import Encoder, linear


class NLinearEncoder(Encoder):
    """Each feature as it is now, and weighted sums of how it differed before."""

    def __init__(self, n_inputs: int, *, window: int, sums: int, generator: Generator) -> None:
        super().__init__(n_inputs * sums)
        self.sums = linear(window, sums, generator)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B, F * S)."""
        series = x.transpose(1, 2)  # (B, F, T)
        now = series[:, :, -1:]  # (B, F, 1)
        sums: Tensor = self.sums(series - now) + now  # (B, F, S)
        return sums.flatten(1)  # (B, F * S)


class DLinearEncoder(Encoder):
    """Weighted sums of each feature's moving average, and of what is left of it."""

    def __init__(
        self, n_inputs: int, *, window: int, smooth: int, sums: int, generator: Generator
    ) -> None:
        super().__init__(n_inputs * sums)
        self.smooth = smooth
        self.of_trend, self.of_rest = (linear(window, sums, generator) for _ in range(2))

    def trend(self, series: Tensor) -> Tensor:
        """Centred average inside the window, its ends held: (B, F, T) -> (B, F, T)."""
        before = (self.smooth - 1) // 2
        held = pad(series, (before, self.smooth - 1 - before), mode="replicate")
        return avg_pool1d(held, self.smooth, stride=1)  # (B, F, T + S - 1) -> (B, F, T)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B, F * S)."""
        series = x.transpose(1, 2)  # (B, F, T)
        trend = self.trend(series)  # (B, F, T)
        sums: Tensor = self.of_trend(trend) + self.of_rest(series - trend)  # (B, F, S)
        return sums.flatten(1)  # (B, F * S)


class NhitsBlock(nn.Module):
    """What one time scale explains of a window, and what it says about what comes."""

    def __init__(
        self,
        n_inputs: int,
        *,
        window: int,
        pool: int,
        hidden: int,
        width: int,
        generator: Generator,
    ) -> None:
        super().__init__()
        self.pool, self.window, self.n_inputs = pool, window, n_inputs
        n_pooled = -(-window // pool)
        self.first = linear(n_inputs * n_pooled, hidden, generator)
        self.second = linear(hidden, hidden, generator)
        self.knots = linear(hidden, n_inputs * n_pooled, generator)
        self.outlook = linear(hidden, width, generator)

    def forward(self, series: Tensor) -> tuple[Tensor, Tensor]:
        """(B, F, T) -> what it explains (B, F, T), what it says (B, H)."""
        short = nn.functional.max_pool1d(series, self.pool, ceil_mode=True)  # (B, F, T / P)
        h = self.first(short.flatten(1)).relu()  # (B, D)
        h = self.second(h).relu()  # (B, D)
        knots = self.knots(h).unflatten(1, (self.n_inputs, -1))  # (B, F, T / P)
        explained = nn.functional.interpolate(
            knots, self.window, mode="linear", align_corners=True
        )  # (B, F, T)
        return explained, self.outlook(h)  # (B, F, T), (B, H)


class NhitsEncoder(Encoder):
    """Blocks from the slowest scale to the fastest, each on what the ones before left over."""

    def __init__(
        self,
        n_inputs: int,
        *,
        window: int,
        pools: tuple[int, ...],
        hidden: int,
        width: int,
        generator: Generator,
    ) -> None:
        super().__init__(width)
        self.blocks = nn.ModuleList(
            NhitsBlock(
                n_inputs, window=window, pool=pool, hidden=hidden, width=width, generator=generator
            )
            for pool in pools
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, F) -> (B, H)."""
        left = x.transpose(1, 2)  # (B, F, T)
        said = x.new_zeros(())  # (), then (B, H): a graph holds no number of rows
        for block in self.blocks:
            explained, more = block(left)  # (B, F, T), (B, H)
            left, said = left - explained, said + more
        return said

"""The script many begin with: per fold and symbol, features, windows and a network from scratch.

``python naive_walk.py BARS TRAIN REFIT FOLDS SYMBOLS EPOCHS HIDDEN`` prints the seconds it took. It
is written plainly, not badly: pandas columns, a list of windows, a DataLoader, Adam, torch's
default threads. It looks ahead nowhere, but works everything out anew in each fold.
"""

import json
import sys
from time import perf_counter, process_time

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

WINDOW, HORIZON = 60, 5


class Net(nn.Module):
    """LSTM and a line."""

    def __init__(self, n_features: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(n_features, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, T, F) -> (B,)."""
        states, _ = self.lstm(x)
        out: torch.Tensor = self.out(states[:, -1])
        return out.squeeze(-1)


def features(bars: pd.DataFrame) -> pd.DataFrame:
    """Eight columns like those of our default."""
    close = np.log(bars["close"])
    ret = close.diff()
    vol = ret.rolling(20).std()
    up, down = (
        ret.clip(lower=0).ewm(alpha=1 / 14).mean(),
        (-ret.clip(upper=0)).ewm(alpha=1 / 14).mean(),
    )
    fast, slow = close.ewm(span=12).mean(), close.ewm(span=26).mean()
    macd = fast - slow
    return pd.DataFrame(
        {
            "r1": ret / vol,
            "r5": close.diff(5) / vol,
            "r20": close.diff(20) / vol,
            "range": np.log(bars["high"] / bars["low"]),
            "volume": np.log(bars["volume"]) - np.log(bars["volume"]).rolling(20).mean(),
            "vol": np.log(vol),
            "rsi": up / (up + down),
            "macd": macd - macd.ewm(span=9).mean(),
        }
    )


def windows_of(bars: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every complete window, what came after it (NaN: not known yet), and its last bar."""
    table = features(bars).to_numpy()
    close = np.log(bars["close"].to_numpy())
    x, y, last = [], [], []
    for i in range(WINDOW - 1, len(table)):
        window = table[i - WINDOW + 1 : i + 1]
        if np.isfinite(window).all():
            x.append(window)
            y.append(close[i + HORIZON] - close[i] if i + HORIZON < len(close) else np.nan)
            last.append(i)
    return np.array(x, np.float32), np.array(y, np.float32), np.array(last)


def fit_and_predict(bars: pd.DataFrame, split: int, epochs: int, hidden: int) -> np.ndarray:
    """Train on what is known before ``split``, forecast the bars from it on."""
    x, y, last = windows_of(bars)
    train = (last < split - HORIZON) & np.isfinite(y)
    mean, std = x[train].mean((0, 1)), x[train].std((0, 1))
    x = (x - mean) / std
    scale = y[train].std()
    data = TensorDataset(torch.from_numpy(x[train]), torch.from_numpy(y[train] / scale))
    net = Net(x.shape[2], hidden)
    adam = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(epochs):
        for batch, target in DataLoader(data, batch_size=128, shuffle=True):
            loss = nn.functional.mse_loss(net(batch), target)
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
    with torch.no_grad():
        said: np.ndarray = net(torch.from_numpy(x[last >= split])).numpy() * scale
    return said


def main() -> int:
    """Walk forward."""
    n_bars, first, refit, n_folds, n_symbols, epochs, hidden = map(int, sys.argv[1:])
    draw = np.random.default_rng(0)
    begun, worked = perf_counter(), process_time()
    for _ in range(n_symbols):
        close = 100 * np.exp(np.cumsum(draw.normal(0, 0.01, n_bars)))
        spread = np.exp(np.abs(draw.normal(0, 0.005, n_bars)))
        volume = np.exp(draw.normal(12, 0.3, n_bars))
        bars = pd.DataFrame(
            {"close": close, "high": close * spread, "low": close / spread, "volume": volume}
        )
        for fold in range(n_folds):
            split = first + fold * refit
            said = fit_and_predict(bars[: min(split + refit, n_bars)], split, epochs, hidden)
            assert np.isfinite(said).all()
    found = {"seconds": perf_counter() - begun, "cpu_seconds": process_time() - worked}
    print(json.dumps({**found, "threads": torch.get_num_threads()}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

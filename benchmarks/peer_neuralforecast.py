"""neuralforecast's LSTM on as many windows of as many columns, in an environment of its own.

``python peer_neuralforecast.py BARS SERIES HIDDEN BATCH EPOCHS``; each line read asks for one fit,
answered by its processor seconds and the windows it learned from.
"""

import json
import logging
import sys
import warnings
from time import process_time

import numpy as np
import pandas as pd
import torch

WINDOW, OTHERS = 60, 7  # bars, and columns beside the one that is forecast


def frame(n_bars: int, n_series: int) -> pd.DataFrame:
    """Noise in the long form the library takes."""
    draw = np.random.default_rng(0)
    days = pd.date_range("2000-01-01", periods=n_bars, freq="D")
    parts = []
    for k in range(n_series):
        part = pd.DataFrame({"unique_id": f"S{k}", "ds": days, "y": draw.normal(size=n_bars)})
        for column in range(OTHERS):
            part[f"x{column}"] = draw.normal(size=n_bars)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def main() -> int:
    """Answer each line with a fit."""
    warnings.filterwarnings("ignore")
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.set_num_threads(1)
    from neuralforecast import NeuralForecast
    from neuralforecast.losses.pytorch import MSE
    from neuralforecast.models import LSTM

    n_bars, n_series, hidden, batch, epochs = map(int, sys.argv[1:])
    bars = frame(n_bars, n_series)
    n_windows = n_series * (n_bars - WINDOW)
    steps = max(1, round(epochs * n_windows / batch))

    def fit(n_steps: int) -> float:
        model = LSTM(
            h=1,
            input_size=WINDOW,
            encoder_n_layers=1,
            encoder_hidden_size=hidden,
            decoder_layers=1,
            decoder_hidden_size=hidden,
            hist_exog_list=[f"x{column}" for column in range(OTHERS)],
            loss=MSE(),
            max_steps=n_steps,
            batch_size=n_series,
            windows_batch_size=batch,
            scaler_type="identity",
            val_check_steps=n_steps,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        begun = process_time()
        NeuralForecast(models=[model], freq="D").fit(bars)
        return process_time() - begun

    fit(1)
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        seconds = fit(steps)
        print(json.dumps({"cpu_seconds": seconds, "samples": steps * batch}), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

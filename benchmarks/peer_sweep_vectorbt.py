"""One vectorbt run per setting of a cross of averages, for ``sweeps.py``.

``python peer_sweep_vectorbt.py BARS.npz SETTINGS.json``: open and close of one symbol; a list of
[fast, slow, short]. Prints one JSON object: seconds of each run, signals and Sharpe ratio included.
"""

import json
import sys
import warnings
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import vectorbt as vbt

warnings.filterwarnings("ignore")


def main() -> int:
    """Run every setting once, after one that compiles."""
    bars = np.load(sys.argv[1])
    settings = json.loads(Path(sys.argv[2]).read_text("utf-8"))
    index = pd.bdate_range("2000-01-03", periods=len(bars["close"]))
    open_, close = pd.Series(bars["open"], index), pd.Series(bars["close"], index)

    def run(fast: int, slow: int, short: bool) -> float:
        above = (close.rolling(fast).mean() > close.rolling(slow).mean()).shift(1, fill_value=False)
        known = np.arange(len(close)) >= slow
        found = vbt.Portfolio.from_signals(
            close, entries=above & known, exits=~above & known,
            short_entries=(~above & known) if short else None,
            short_exits=(above & known) if short else None,
            price=open_, fees=0.001, slippage=0.0005, init_cash=100_000, freq="1D",
        )  # fmt: skip
        return float(found.sharpe_ratio())

    run(*settings[0])
    took = []
    for setting in settings:
        begun = perf_counter()
        run(*setting)
        took.append(perf_counter() - begun)
    print(json.dumps({"seconds": took, "version": vbt.__version__}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Which bars a forecaster learns from and which it is then tested on."""

from dataclasses import dataclass

from tradewind.engine.config import WalkForwardConfig
from tradewind.engine.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Fold:
    """One fit and the block it predicts; rows of the panel, stops excluded.

    Attributes
    ----------
    number : int
        From 0, in time.
    train_start, train_stop : int
        Bars handed to ``fit``. The last training sample is ``horizon`` bars before the last of
        them, because its label ends there.
    test_start, test_stop : int
        Bars predicted.
    """

    number: int
    train_start: int
    train_stop: int
    test_start: int
    test_stop: int


def folds(n_bars: int, *, horizon: int, warmup: int, config: WalkForwardConfig) -> tuple[Fold, ...]:
    """Cut ``n_bars`` into test blocks, each with the bars to learn from before it.

    A sample at bar ``s`` carries the label of bars ``s + 1 ... s + horizon``. Handing ``fit`` no
    bar of the block keeps every label before it and ``horizon`` bars between the last sample and
    the block; a larger ``purge`` moves the end of training back by the difference, a smaller one
    changes nothing.

    Parameters
    ----------
    n_bars : int
        Length of the panel.
    horizon, warmup : int
        Of the forecaster, bars.
    config : WalkForwardConfig
        ``train`` bars before the first block; each block has ``refit`` bars, the last what is left.

    Returns
    -------
    tuple of Fold
        Blocks that cover bars ``train`` to ``n_bars - 1``, each exactly once.

    Raises
    ------
    ConfigError
        If there is no bar left to test on, or none to learn from.
    """
    held_back = max(0, (horizon if config.purge is None else config.purge) - horizon)
    needed = warmup + horizon + held_back
    if config.train < needed:
        raise ConfigError(
            f"walk_forward.train: {config.train} bars leave no training sample: the forecaster "
            f"needs {warmup} bars of warm-up, its label {horizon} more and the purge {held_back} "
            f"on top; set train to at least {needed}, or shorten the forecaster's window"
        )
    if n_bars <= config.train:
        raise ConfigError(
            f"walk_forward.train: {config.train} bars of training leave none to test on, the data "
            f"has {n_bars}; set train to at most {n_bars - 1}"
            f"{_or_more_data(n_bars, needed)}"
        )
    rolling = config.mode == "rolling"
    return tuple(
        Fold(
            number=number,
            train_start=start - config.train if rolling else 0,
            train_stop=start - held_back,
            test_start=start,
            test_stop=min(start + config.refit, n_bars),
        )
        for number, start in enumerate(range(config.train, n_bars, config.refit))
    )


def _or_more_data(n_bars: int, needed: int) -> str:
    if n_bars > needed:
        return ", or take more history (data.start, data.end)"
    return f" - this forecaster needs {needed} - so take more history (data.start, data.end)"

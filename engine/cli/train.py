"""``tradewind train``: fit a config's forecaster walk-forward into the cache."""


def train() -> None:
    """Fit the forecaster walk-forward and keep forecasts and checkpoints in the cache."""

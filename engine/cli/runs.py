"""``tradewind runs``, ``compare`` and ``report``: what was run before."""


def runs() -> None:
    """List the runs below the results folder."""


def compare() -> None:
    """Put runs side by side."""


def report() -> None:
    """Build the page of a run again from its folder."""

"""The page of a run."""

from tradewind.engine.report.run import Run


def render(run: Run) -> str:
    """One HTML file."""
    return f"<!doctype html><title>{len(run.trades)}</title>"

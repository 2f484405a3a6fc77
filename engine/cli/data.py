"""``tradewind data``: fetch, show and check market data."""

import typer

app = typer.Typer(
    help="Fetch, show and check market data.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def fetch() -> None:
    """Fetch."""


@app.command()
def show() -> None:
    """Show."""

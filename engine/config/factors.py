"""A file of factor returns that alpha is measured against."""

from pathlib import Path

from pydantic import Field

from tradewind.engine.config.block import Block


class FactorsConfig(Block):
    """Factors that alpha is what they leave."""

    path: Path = Field(description="CSV or Parquet file of a date and daily simple returns")
    names: tuple[str, ...] = Field(
        ("mkt_rf", "smb", "hml", "mom"), min_length=1, description="columns to regress on"
    )

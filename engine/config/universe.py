"""Who may be traded when: the ``data.universe:`` block of a config."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from tradewind.engine.config.block import Block


class UniverseConfig(Block):
    """A file of memberships, each known on its day."""

    path: Path = Field(description="CSV or Parquet file of memberships")
    end: Literal["exclusive", "inclusive"] = Field(
        "exclusive", description="whether the last date of an interval is still one of membership"
    )
    outside: tuple[str, ...] | Literal["all"] = Field(
        (), description="symbols of the data that are no members on purpose; all: any of them"
    )

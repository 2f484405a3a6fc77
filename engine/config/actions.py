"""Splits and dividends of raw prices: the ``data.actions:`` block of a config."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tradewind.engine.config.block import Block


class ColumnActionsConfig(Block):
    """Columns of the data, a row on the ex-date."""

    kind: Literal["columns"]
    split: str | None = Field(
        "split_ratio", min_length=1, description="new units per old; 1 or empty on other days"
    )
    dividend: str | None = Field(
        "ex_dividend", min_length=1, description="currency per new unit; 0 or empty on other days"
    )

    @model_validator(mode="after")
    def _something_is_named(self) -> "ColumnActionsConfig":
        if self.split is None and self.dividend is None:
            raise ValueError("names neither a split nor a dividend column; name one, or drop it")
        return self


class LeanActionsConfig(Block):
    """Factor files as QuantConnect's LEAN has them."""

    kind: Literal["lean"]
    path: Path = Field(description="folder with one file a symbol: msft.csv; or that file")


ActionsConfig = Annotated[ColumnActionsConfig | LeanActionsConfig, Field(discriminator="kind")]

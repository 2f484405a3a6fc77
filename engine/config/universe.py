"""Who may be traded when: the ``data.universe:`` block of a config."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from tradewind.engine.config.block import Block

FILTERS = ("min_price", "min_dollar_volume", "min_history")


class UniverseConfig(Block):
    """Memberships by a file, each known on its day, and filters measured at each close."""

    path: Path | None = Field(None, description="CSV or Parquet file of memberships")
    end: Literal["exclusive", "inclusive"] = Field(
        "exclusive", description="whether the last date of an interval is still one of membership"
    )
    outside: tuple[str, ...] | Literal["all"] = Field(
        (), description="symbols of the data that are no members on purpose; all: any of them"
    )
    min_price: float | None = Field(
        None, gt=0, description="lowest close as it was traded, currency of the symbol"
    )
    min_dollar_volume: float | None = Field(
        None,
        gt=0,
        description="lowest median over volume_window bars of close x volume as they were traded",
    )
    volume_window: int = Field(20, ge=1, le=10_000, description="bars")
    min_history: int | None = Field(None, ge=1, description="bars of the symbol, its own included")
    raw_close: str | None = Field(
        None, min_length=1, description="column of closes as traded, where prices are adjusted"
    )
    raw_volume: str | None = Field(
        None, min_length=1, description="column of volumes as traded; volume: the bars' own are"
    )

    @property
    def filters(self) -> tuple[str, ...]:
        """Names of the filters that are asked for."""
        return tuple(name for name in FILTERS if getattr(self, name) is not None)

    @model_validator(mode="after")
    def _something_says_who(self) -> Self:
        if self.path is None and not self.filters:
            raise ValueError(
                f"says neither who is a member (path) nor what a member must be "
                f"({', '.join(FILTERS)}); give one of them, or leave universe out"
            )
        if self.path is None and self.end != "exclusive":
            raise ValueError("end is about a file of memberships; name it with path, or leave end")
        if self.path is None and self.outside == "all":
            raise ValueError(
                "outside: all leaves nobody without a file of memberships; name the symbols"
            )
        return self

    @model_validator(mode="after")
    def _columns_are_read(self) -> Self:
        wanted = {
            "volume_window": ("min_dollar_volume",),
            "raw_volume": ("min_dollar_volume",),
            "raw_close": ("min_price", "min_dollar_volume"),
        }
        for key, filters in wanted.items():
            given = getattr(self, key) != type(self).model_fields[key].default
            if given and not set(filters) & set(self.filters):
                raise ValueError(
                    f"{key} means nothing without {' or '.join(filters)}; leave it out"
                )
        return self

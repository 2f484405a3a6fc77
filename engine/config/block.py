"""What every block of a config shares."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Bps = Annotated[float, Field(ge=0, le=1_000)]


class Block(BaseModel):
    """Base of every block: frozen, closed to unknown keys, defaults validated."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )


class KindBlock(BaseModel):
    """A block whose further keys belong to the class that ``kind`` names."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    kind: str = Field(description="registered name, or path/to/file.py:Class")

    @property
    def params(self) -> dict[str, Any]:
        """The keys that belong to the class."""
        return dict(self.model_extra or {})

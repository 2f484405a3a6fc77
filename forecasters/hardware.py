"""What a machine can train on: number formats and devices, and what is said without them."""

from collections.abc import Mapping
from typing import Any

import torch

from tradewind.engine.errors import ConfigError, ForecastError

PRECISIONS = ("float32", "bf16")


def check_precision(precision: str, who: str) -> None:
    """Refuse a number format there is none of; raises ConfigError."""
    if precision not in PRECISIONS:
        raise ConfigError(f"{who}: precision is {precision!r}; wanted {' or '.join(PRECISIONS)}")


def refuse_slow_bf16(precision: str, device: str, who: str) -> None:
    """Refuse bfloat16 where it would be emulated.

    Its results differ from those of float32, so going back to float32 in silence would make a
    forecast depend on the machine.

    Raises
    ------
    ForecastError
        If the device has no instructions for it.
    """
    if precision != "bf16" or _has_bf16(device):
        return
    raise ForecastError(
        f"{who}: precision bf16, but this {'GPU' if device == 'cuda' else 'CPU'} has no bfloat16 "
        "instructions; set precision: float32"
    )


def _has_bf16(device: str) -> bool:
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: Mapping[str, Any] = torch.cpu.get_capabilities()
    return any(bool(there) for name, there in capabilities.items() if "bf16" in name)

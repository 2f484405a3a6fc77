"""What a machine can train on: number formats and devices, and what is said without them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from tradewind.engine.errors import ConfigError, ForecastError

PRECISIONS = ("float32", "bf16")
DEVICES = ("cpu", "cuda", "auto")


def check_names(precision: str, device: str, who: str) -> None:
    """Refuse a number format or a kind of device there is none of; raises ConfigError."""
    for name, value, known in (("precision", precision, PRECISIONS), ("device", device, DEVICES)):
        if value not in known:
            raise ConfigError(f"{who}: {name} is {value!r}; wanted {' or '.join(known)}")


class Device(NamedTuple):
    """Where networks are trained, and why there if somewhere else was preferred."""

    kind: str  # cpu or cuda
    note: str = ""


def device_for(asked: str, who: str) -> Device:
    """Device that a forecaster is trained on.

    Raises
    ------
    ForecastError
        If CUDA was asked for and there is none.
    """
    if asked == "cpu":
        return Device("cpu")
    if torch.cuda.is_available():
        return Device("cuda")
    built = "this torch is built without CUDA" if torch.version.cuda is None else "no GPU is usable"
    if asked == "cuda":
        raise ForecastError(
            f"{who}: device cuda, but {built}; set device: cpu, or auto to take what is there"
        )
    return Device("cpu", f"device auto: trained on the CPU, {built}")


def refuse_absent(device: str, precision: str) -> None:
    """Refuse a device or a number format that is not to be had here, before any fit.

    Raises
    ------
    ConfigError
        Its message begins with the parameter.
    """
    try:
        kind = device_for(device, "device").kind
    except ForecastError as error:
        raise ConfigError(str(error)) from None
    try:
        refuse_slow_bf16(precision, kind, "precision")
    except ForecastError as error:
        raise ConfigError(str(error)) from None


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

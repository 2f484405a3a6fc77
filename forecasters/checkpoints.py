"""Fitted state on disk: weights as safetensors, the rest as JSON, each sealed with SHA-256.

Nothing is unpickled. Numbers in the JSON are written so that they come back as the same float64;
the seal is not a signature: it finds damage and mix-ups, not an adversary.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tradewind.engine import features
from tradewind.engine.errors import CheckpointError

FORMAT = 2  # raised whenever a file of this layout begins to mean something else
WEIGHTS = "weights.safetensors"
STATE = "state.json"
RECORDED = ("tradewind", "torch", "numpy", "ta")

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a forecaster keeps.

    Attributes
    ----------
    kind : str
        Class that wrote it: ``Lstm``.
    config : mapping
        Its constructor parameters.
    state : mapping
        Whatever else it fitted, as JSON.
    weights : mapping of str to ndarray
    """

    kind: str
    config: Mapping[str, Any]
    state: Mapping[str, Any]
    weights: Arrays


def write(folder: Path, checkpoint: Checkpoint) -> None:
    """Keep a fitted state below ``folder``, which is made; what was there is replaced.

    The weights are written first and the record that names their hash last, each under a temporary
    name: an interrupted write leaves the old checkpoint or one that is refused, never a mixture
    that loads.

    Raises
    ------
    CheckpointError
        If the folder cannot be written.
    """
    from safetensors.numpy import save

    weights = save({name: np.ascontiguousarray(a) for name, a in checkpoint.weights.items()})
    body = {
        "format": FORMAT,
        "kind": checkpoint.kind,
        "config": checkpoint.config,
        "features_version": features.VERSION,
        "state": checkpoint.state,
        "weights_sha256": sha256(weights).hexdigest(),
        "versions": {name: version(name) for name in RECORDED},
    }
    record = json.dumps(
        {"body": body, "body_sha256": _seal(body)}, indent=1, allow_nan=False, sort_keys=True
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in ((WEIGHTS, weights), (STATE, record.encode())):
            draft = folder / f".{name}.part"
            draft.write_bytes(content)
            draft.replace(folder / name)
    except OSError as error:
        raise CheckpointError(
            f"{folder}: the checkpoint cannot be written ({error}); choose another folder"
        ) from error


def read(folder: Path, *, kind: str, config: Mapping[str, Any]) -> Checkpoint:
    """Bring a fitted state back, if it is whole and belongs to this configuration.

    Parameters
    ----------
    folder : Path
    kind : str
        Class that asks.
    config : mapping
        Constructor parameters of the one that asks.

    Raises
    ------
    CheckpointError
        If a file is missing, damaged, of another format, of another configuration, or the two do
        not belong together.
    """
    body = _record(folder)
    _match(folder, body, "format", FORMAT)
    _match(folder, body, "kind", kind)
    _match(folder, body, "features_version", features.VERSION)
    wanted = json.loads(json.dumps(config))
    for key in sorted(wanted.keys() | body["config"].keys()):
        if body["config"].get(key, _ABSENT) != wanted.get(key, _ABSENT):
            raise CheckpointError(
                f"{folder}: made with {key} = {body['config'].get(key, 'absent')!r}, asked for "
                f"with {wanted.get(key, 'absent')!r}; use its parameters or fit again"
            )
    return Checkpoint(kind, body["config"], body["state"], _weights(folder, body))


def load(folder: Path) -> tuple[Checkpoint, str]:
    """Bring a fitted state back, whoever wrote it, with the seal of its record.

    Raises
    ------
    CheckpointError
        If a file is missing, damaged, of another format, or the two do not belong together.
    """
    body = _record(folder)
    _match(folder, body, "format", FORMAT)
    _match(folder, body, "features_version", features.VERSION)
    weights = _weights(folder, body)
    return Checkpoint(body["kind"], body["config"], body["state"], weights), _seal(body)


_ABSENT = object()


def _record(folder: Path) -> dict[str, Any]:
    """Body of the state file, after its seal was checked."""
    path = folder / STATE
    try:
        record = json.loads(path.read_bytes())
        body, seal = record["body"], record["body_sha256"]
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such file; is {folder} a checkpoint?") from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error})") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            f"{path}: is not a checkpoint's record ({type(error).__name__}: {error}); "
            "it is damaged, fit again"
        ) from error
    if not isinstance(body, dict) or _seal(body) != seal:
        raise CheckpointError(f"{path}: its content does not match its own SHA-256; fit again")
    if body.get("format") == FORMAT and not isinstance(body.get("config"), dict):
        raise CheckpointError(f"{path}: holds no configuration; fit again")
    return body


def _match(folder: Path, body: Mapping[str, Any], key: str, wanted: object) -> None:
    if body.get(key) != wanted:
        raise CheckpointError(
            f"{folder / STATE}: {key} is {body.get(key)!r}, wanted {wanted!r}; fit again"
        )


def _weights(folder: Path, body: Mapping[str, Any]) -> Arrays:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = folder / WEIGHTS
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error}); fit again") from error
    if sha256(content).hexdigest() != body.get("weights_sha256"):
        raise CheckpointError(
            f"{path}: {len(content)} bytes that do not match the SHA-256 in {STATE}; the file is "
            "damaged or belongs to another checkpoint, fit again"
        )
    try:
        return load(content)
    except (SafetensorError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path}: is not a safetensors file ({error}); fit again") from error


def check_shapes(folder: Path, found: Arrays, wanted: Arrays) -> None:
    """Compare weights by name, shape and type with what a network has.

    Raises
    ------
    CheckpointError
        On the first difference.
    """
    for name in sorted(found.keys() | wanted.keys()):
        have, want = (
            f"{a[name].dtype}{list(a[name].shape)}" if name in a else "absent"
            for a in (found, wanted)
        )
        if have != want:
            raise CheckpointError(
                f"{folder / WEIGHTS}: {name} is {have}, the network has {want}; fit again"
            )


def _seal(body: Mapping[str, Any]) -> str:
    """SHA-256 over the JSON in one canonical form."""
    return sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

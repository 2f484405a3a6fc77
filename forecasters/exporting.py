"""From a fitted forecaster to a folder that is served without torch."""

import json
import warnings
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import torch

from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.forecasters import checkpoints
from tradewind.forecasters.optional import importing
from tradewind.forecasters.serving.windows import GRAPHS, OUTPUT, WHO, WINDOWS
from tradewind.forecasters.training.fitted import Fitted
from tradewind.forecasters.training.loop import one_thread

OPSET = 17  # of ONNX: the oldest that has layer normalisation
ROWS = 2  # of the example a network is traced with; any number may be served


class Served(Protocol):
    """What is asked of a forecaster to be served."""

    @property
    def window(self) -> int:
        """Bars it looks at."""
        ...

    @property
    def served(self) -> Mapping[str, Any]:
        """How it is served: ``form`` among it."""
        ...

    @property
    def fitted(self) -> Mapping[str, Fitted] | None:
        """Trained networks by name."""
        ...

    def save(self, folder: Path) -> None:
        """Write its checkpoint."""
        ...


def export(forecaster: Served, folder: Path) -> None:
    """Write a checkpoint that :class:`LiveForecaster` opens, with the graphs it may need.

    One that carries a state is served from its weights alone; networks over windows become ONNX
    graphs, one each, recorded with their SHA-256 in ``graphs.json``.

    Parameters
    ----------
    forecaster : Served
        Fitted.
    folder : Path
        Made if it is not there; what was there is replaced.

    Raises
    ------
    ForecastError
        If nothing was fitted, or ``onnx`` is not installed.
    CheckpointError
        If the folder cannot be written.
    """
    folder = Path(folder)
    forecaster.save(folder)
    if forecaster.served["form"] == "stateful":
        return
    fitted = forecaster.fitted
    assert fitted is not None
    _, seal = checkpoints.load(folder)
    graphs = {}
    try:
        for number, (name, one) in enumerate(fitted.items()):
            content = graph_of(one, forecaster.window, type(forecaster).__name__)
            file = f"network-{number}.onnx"
            (folder / file).write_bytes(content)
            graphs[name] = (file, sha256(content).hexdigest())
        record = {"checkpoint": seal, "graphs": graphs}
        (folder / GRAPHS).write_text(json.dumps(record, indent=1), "utf-8")
    except OSError as error:
        raise CheckpointError(
            f"{folder}: the graphs cannot be written ({error}); choose another folder"
        ) from error


def graph_of(one: Fitted, window: int, who: str) -> bytes:
    """ONNX graph of a network: ``windows`` (B, T, F), ``who`` (B,) -> ``output`` (B, K)."""
    with importing("onnx", who=f"export of {who}", extra="live"):
        import onnx  # noqa: F401  torch writes with it
    x = torch.zeros(ROWS, window, _width(one))  # (B, T, F)
    numbers = torch.zeros(ROWS, dtype=torch.int64)  # (B,)
    any_rows = {name: {0: "rows"} for name in (WINDOWS, WHO, OUTPUT)}
    with one_thread(), warnings.catch_warnings(), TemporaryDirectory() as folder:
        # The exporter that needs no further package is called old, and warns of fixed batches,
        # which the tests of every family refute.
        warnings.simplefilter("ignore")
        out = Path(folder) / "network.onnx"
        try:
            torch.onnx.export(
                one.network.eval(), (x, numbers), out, input_names=[WINDOWS, WHO],
                output_names=[OUTPUT], dynamic_axes=any_rows, opset_version=OPSET, dynamo=False,
            )  # fmt: skip
        except torch.onnx.errors.OnnxExporterError as error:
            raise ForecastError(
                f"export of {who}: its network has an operation that ONNX lacks "
                f"({str(error).splitlines()[0]}); write the encoder in others"
            ) from error
        return out.read_bytes()


def _width(one: Fitted) -> int:
    """F: features that the network is given."""
    record = one.scaling.record()
    mean = record["mean"]
    return len(mean[0]) if isinstance(mean[0], list) else len(mean)

"""Networks over windows, served by ONNX Runtime on one thread, without torch."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from tradewind.engine.errors import CheckpointError
from tradewind.engine.records import Bools, Floats, Ints
from tradewind.forecasters.inputs.windows import LIMIT
from tradewind.forecasters.optional import importing
from tradewind.forecasters.readings import Said
from tradewind.forecasters.serving.checkpoint import Part, Served, numbers_of, pairs_of
from tradewind.forecasters.serving.server import Arrays, Serving

GRAPHS = "graphs.json"  # name of each network, its file and that one's SHA-256
WINDOWS, WHO, OUTPUT = "windows", "who", "output"  # of a graph


class Window:
    """The last bars of the symbols that one network serves, and its session."""

    def __init__(self, part: Part, symbols: tuple[str, ...], session: Any, window: int) -> None:
        self.session, self.window = session, window
        self.who = numbers_of(part.names, symbols)
        self.scales = pairs_of(part.scales, symbols)
        self.bars = np.zeros((len(symbols), window, self.scales.shape[2]), np.float32)
        self.run = np.zeros(len(symbols), np.int64)  # complete bars in a row
        # A graph of a network that knows nobody by name has lost the input.
        self.asks_who = WHO in {one.name for one in session.get_inputs()}

    def take(self, values: Floats, traded: Bools) -> None:
        """A bar of features (n, F); one that traded and lacks a feature breaks its window."""
        scaled = np.clip((values - self.scales[:, 0]) / self.scales[:, 1], -LIMIT, LIMIT)
        fresh = np.nan_to_num(scaled, nan=0.0).astype(np.float32)
        whole = np.isfinite(values).all(axis=1)
        if traded.all():
            self.bars[:, :-1] = self.bars[:, 1:]
            self.bars[:, -1] = fresh
        else:
            self.bars[traded] = np.concatenate((self.bars[traded, 1:], fresh[traded, None]), axis=1)
        self.run[traded] = np.where(whole, self.run + 1, 0)[traded]

    def outputs(self, at: Ints) -> Floats:
        """What the network says about the windows of some symbols, (n_at, K)."""
        given: dict[str, Any] = {WINDOWS: self.bars[at]}
        if self.asks_who:
            given[WHO] = self.who[at]
        return np.asarray(self.session.run([OUTPUT], given)[0], np.float64)


class WindowServer(Serving):
    """Windows of the networks of an exported checkpoint; see :class:`Serving`.

    A bar that a symbol does not have leaves its window as it is; one that it has, but with a
    feature missing, breaks it until ``window`` whole bars have come again, as in backtests.
    """

    form: ClassVar[str] = "window"

    def __init__(self, served: Served, symbols: Sequence[str]) -> None:
        super().__init__(served, symbols)
        sessions = sessions_of(served)
        self._columns = served.serving_of(self.symbols)
        self._windows = {
            name: Window(
                served.parts[name],
                tuple(self.symbols[k] for k in own),
                sessions[name],
                served.config["window"],
            )
            for name, own in self._columns.items()
        }

    @classmethod
    def open(cls, folder: Path, symbols: Sequence[str]) -> Self:
        """Server of an exported checkpoint's folder.

        Raises
        ------
        CheckpointError
            If the checkpoint or a graph is damaged or was never exported, or the network carries a
            state.
        ForecastError
            If ONNX Runtime is not installed.
        """
        return cls(Served.open(Path(folder)), symbols)

    def _bar(self, bar: Floats, traded: Bools | None) -> Said:
        said = self._nothing()
        had: Bools = np.asarray(np.isfinite(bar).any(axis=1) if traded is None else traded)
        for name, own in self._columns.items():
            window = self._windows[name]
            window.take(bar[own, :-1], had[own])
            vol = bar[own, -1]
            at = np.flatnonzero((window.run >= window.window) & had[own] & (vol > 0))
            if len(at):
                scale = vol[at] * np.sqrt(self.horizon)
                heard = self.reading.said(window.outputs(at), scale)
                for whole, part in zip(said, heard, strict=True):
                    whole[own[at]] = part
        return said

    def _bars(self, bars: Floats, traded: Bools | None) -> None:
        had: Bools = np.asarray(np.isfinite(bars).any(axis=2) if traded is None else traded)
        for name, own in self._columns.items():
            for bar, there in zip(bars, had, strict=True):
                self._windows[name].take(bar[own, :-1], there[own])

    def state(self) -> Arrays:
        """See :class:`Serving`."""
        found: Arrays = {}
        for name, one in self._windows.items():
            found |= {f"{name}/bars": one.bars.copy(), f"{name}/run": one.run.copy()}
        return found

    def take_over(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """See :class:`Serving`."""
        for name, one in self._windows.items():
            one.bars[:], one.run[:] = state[f"{name}/bars"], state[f"{name}/run"]


def sessions_of(served: Served) -> dict[str, Any]:
    """A session on one thread for each network of an exported checkpoint."""
    with importing("onnxruntime", who=f"{served.kind} over windows without torch", extra="live"):
        import onnxruntime as runtime
    path = served.folder / GRAPHS
    try:
        record = json.loads(path.read_bytes())
        seal, graphs = record["checkpoint"], record["graphs"]
    except FileNotFoundError:
        raise CheckpointError(
            f"{served.folder}: holds no graphs; write them with the forecaster's export(folder) "
            "where torch is installed"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error}); export again") from None
    if seal != served.seal or graphs.keys() != served.parts.keys():
        raise CheckpointError(f"{path}: belongs to another checkpoint; export again")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    sessions = {}
    for name, (file, digest) in graphs.items():
        try:
            content = (served.folder / file).read_bytes()
        except OSError as error:
            raise CheckpointError(f"{served.folder / file}: {error}; export again") from None
        if sha256(content).hexdigest() != digest:
            raise CheckpointError(
                f"{served.folder / file}: does not match the SHA-256 in {GRAPHS}; export again"
            )
        sessions[name] = runtime.InferenceSession(
            content, options, providers=["CPUExecutionProvider"]
        )
    return sessions

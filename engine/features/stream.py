"""Features kept up to date bar by bar, equal to those of the whole history in every bit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np

from tradewind.engine.errors import CheckpointError, DataError
from tradewind.engine.features import indicators
from tradewind.engine.features.feature import VERSION, Feature
from tradewind.engine.features.live import LiveTape, Memory
from tradewind.engine.features.names import feature
from tradewind.engine.features.recurrences import RECURRENCES
from tradewind.engine.features.ta_columns import INDICATORS
from tradewind.engine.features.tape import lay, long_gap
from tradewind.engine.records import FIELDS, Floats, Panel, label

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One bar of every symbol.

    Attributes
    ----------
    ts : int
        Close, UTC nanoseconds.
    open, high, low, close, volume : ndarray of float64, shape (n_symbols,)
        NaN in all five where a symbol has no bar.
    columns : mapping of str to ndarray of float64, shape (n_symbols,)
    """

    ts: int
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    columns: Mapping[str, Floats] = field(default_factory=dict)

    @classmethod
    def of(cls, panel: Panel, row: int) -> Self:
        """Row of a panel."""
        columns = {name: array[row] for name, array in panel.columns.items()}
        opens, highs, lows, closes, volumes = (getattr(panel, name)[row] for name in FIELDS)
        return cls(int(panel.ts[row]), opens, highs, lows, closes, volumes, columns)


class FeatureStream:
    """Features of the newest bar, from the newest bar and what was remembered.

    What a stream says equals :func:`tradewind.engine.features.compute` of all bars it was given, in
    every bit. All own, cross-sectional and calendar features and the indicators in ``RECURRENCES``
    take a time that does not grow with history; for other ``ta`` indicators (``recomputed``) all
    bars are kept and each new one makes them anew.

    Parameters
    ----------
    names : sequence of str
        Features; see :func:`tradewind.engine.features.known`.
    like : Panel
        Symbols, interval and calendars are taken from it, its bars are not.
    """

    def __init__(self, names: Sequence[str], like: Panel) -> None:
        self.names = tuple(names)
        self._features: tuple[Feature, ...] = tuple(feature(name) for name in names)
        self._like = _blank(like)
        self._memory = Memory(np.zeros(like.n_symbols, np.int64), np.full(like.n_symbols, -1))
        self._zeros, self._columns = np.zeros(like.n_symbols, np.int64), np.arange(like.n_symbols)
        self._long_gap = long_gap(like.interval)
        self._kept: list[Row] = []
        self.last_ts = -1
        self.recomputed = tuple(name for name in self.names if _made_anew(name))

    @property
    def symbols(self) -> tuple[str, ...]:
        """Whose features they are."""
        return self._like.symbols

    @classmethod
    def over(cls, panel: Panel, names: Sequence[str]) -> Self:
        """Stream that has seen every bar of a panel."""
        made = cls(names, panel)
        for row in range(panel.n_bars):
            made._step(Row.of(panel, row), said=row == panel.n_bars - 1)
        return made

    def update(self, row: Row) -> Floats:
        """Take the next bar in.

        Parameters
        ----------
        row : Row
            Later than all before it.

        Returns
        -------
        ndarray of float64, shape (n_symbols, n_features)
            NaN where a symbol has no bar or too little history.

        Raises
        ------
        DataError
            If the bar is not later than the last, or is not of these symbols.
        """
        return self._step(row, said=True)

    def _step(self, row: Row, *, said: bool) -> Floats:
        self._check(row)
        if self.recomputed:
            self._kept.append(row)
        n, memory = len(self.symbols), self._memory
        memory.age[(memory.last >= 0) & (row.ts - memory.last > self._long_gap)] = 0
        tape = LiveTape(
            self._like, self._zeros, self._columns, memory.age, memory,
            {name: getattr(row, name) for name in FIELDS}, row.columns, row.ts,
            _Kept(self._kept, self._like).indicator if said else self._nothing,
        )  # fmt: skip
        out = np.empty((len(self._features), n))
        with np.errstate(all="ignore"):  # as where tables are made: a ratio of nothing is NaN
            for k, one in enumerate(self._features):
                out[k] = one.compute(tape)
        np.copyto(out, np.nan, where=~tape.present)
        memory.age += tape.present
        np.copyto(memory.last, row.ts, where=tape.present)
        self.last_ts = row.ts
        return np.ascontiguousarray(out.T)

    def _nothing(self, name: str) -> Floats:
        return np.full(len(self.symbols), np.nan)

    def _check(self, row: Row) -> None:
        if row.ts <= self.last_ts:
            raise DataError(
                f"features: a bar that closes at {label(row.ts)} comes after one of "
                f"{label(self.last_ts)}; give bars in time, each once"
            )
        given = {name: getattr(row, name) for name in FIELDS} | dict(row.columns)
        for name, array in given.items():
            if array.shape != self._zeros.shape or array.dtype != np.float64:
                raise DataError(
                    f"features: {name} of the bar at {label(row.ts)} has shape {array.shape} and "
                    f"type {array.dtype}; wanted ({len(self.symbols)},) float64, a value for each "
                    "symbol and NaN for one without a bar"
                )

    def save(self, path: Path) -> None:
        """Write everything remembered to a file, whole or not at all.

        Raises
        ------
        CheckpointError
            If it cannot be written.
        """
        arrays: dict[str, Any] = {"about": np.array(self._about()), "age": self._memory.age}
        arrays["last"] = self._memory.last
        for number, slot in enumerate(self._memory.slots):
            arrays |= {f"slot/{number}/{name}": np.asarray(a) for name, a in slot.items()}
        if self._kept:
            arrays["kept/ts"] = np.array([row.ts for row in self._kept], np.int64)
            for name in FIELDS:
                arrays[f"kept/{name}"] = np.array([getattr(row, name) for row in self._kept])
        draft = path.with_name(f".{path.name}-{uuid4().hex}.tmp")
        try:
            with draft.open("wb") as file:
                np.savez(file, **arrays)
            draft.replace(path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise CheckpointError(
                f"{path}: the state of the features cannot be written: {error.strerror}; free "
                "space there or choose another place"
            ) from None

    def restore(self, path: Path) -> Self:
        """Take over what a stream of the same features and symbols remembered.

        Raises
        ------
        CheckpointError
            If the file is missing, damaged, or of other features, symbols or versions.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            about = str(arrays["about"])
            held, wanted = json.loads(about), json.loads(self._about())
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise CheckpointError(
                f"{path}: no state of features can be read ({error}); warm up from bars instead"
            ) from None
        self.last_ts = held.pop("last_ts")
        wanted.pop("last_ts")
        for name, value in wanted.items():
            if held.get(name) != value:
                raise CheckpointError(
                    f"{path}: {name} {held.get(name)!r}, wanted {value!r}; warm up from bars "
                    "instead"
                )
        self._memory = Memory(arrays["age"], arrays["last"], _slots(arrays))
        fields = [arrays.get(f"kept/{name}", ()) for name in FIELDS]
        kept = zip(arrays.get("kept/ts", ()), *fields, strict=True)
        self._kept = [Row(int(ts), *values) for ts, *values in kept]
        return self

    def _about(self) -> str:
        return json.dumps(
            {
                "format": FORMAT,
                "features_version": VERSION,
                "features": list(self.names),
                "symbols": list(self.symbols),
                "interval": self._like.interval,
                "calendars": list(self._like.calendar_of_each),
                "last_ts": self.last_ts,
            }
        )


class _Kept:
    """All bars, as a panel made when somebody asks."""

    def __init__(self, rows: Sequence[Row], like: Panel) -> None:
        self._rows, self._like = rows, like
        self._panel: Panel | None = None

    def indicator(self, name: str) -> Floats:
        """Newest value of an indicator for each symbol, as ``ta`` makes it of all bars."""
        if self._panel is None:
            fields: dict[str, Any] = {
                name: np.array([getattr(row, name) for row in self._rows]) for name in FIELDS
            }
            ts = np.array([row.ts for row in self._rows], np.int64)
            ends = np.full(self._like.n_symbols, -1, np.int64)
            self._panel = replace(self._like, ts=ts, ends=ends, **fields)
        tape = lay(self._panel)
        newest: Floats = tape.spread(indicators.raw(name, tape))[-1]
        return newest


def _blank(like: Panel) -> Panel:
    """Symbols, interval and calendars without bars."""
    none = like.rows(0, 0)
    return replace(none, columns={}, ends=np.full(like.n_symbols, -1, np.int64))


def _made_anew(name: str) -> bool:
    """Whether a feature rests on an indicator that has no recurrence."""
    bare = name.rpartition("ta.")[2]
    return "ta." in name and bare in INDICATORS and bare not in RECURRENCES


def _slots(arrays: Mapping[str, Any]) -> list[dict[str, Any]]:
    slots: dict[int, dict[str, Any]] = {}
    for key, array in arrays.items():
        if key.startswith("slot/"):
            _, number, name = key.split("/")
            slots.setdefault(int(number), {})[name] = str(array) if name == "kind" else array
    return [slots[number] for number in sorted(slots)]

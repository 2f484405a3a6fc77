"""Columns of features are made once, equal a fresh computation, and are refused damaged."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tradewind.engine import features
from tradewind.engine.causality import probe
from tradewind.engine.errors import CheckpointError, ForecastError
from tradewind.engine.features.feature import Feature
from tradewind.engine.features.sharing import Shared, share, shared_with
from tradewind.engine.features.store import FeatureStore
from tradewind.engine.features.tape import Tape
from tradewind.engine.records import ELIGIBLE, Floats, Panel

NAMES = ("scaled_return_5", "volume_20", "rank.return_3", "ta.momentum_roc", "calendar.weekday")


class Counting:
    """A store that counts what is made."""

    def __init__(self, folder: Path) -> None:
        self.store, self.made = FeatureStore(folder), list[str]()

    def column(self, digest: str, name: str, make: Callable[[], Floats]) -> Floats:
        def counted() -> Floats:
            self.made.append(name)
            return make()

        return self.store.column(digest, name, counted)


@pytest.fixture
def panel() -> Panel:
    return probe(3, n_bars=150, n_symbols=3)


def same(one: features.Table, other: features.Table) -> bool:
    return one.values.tobytes() == other.values.tobytes() and one.names == other.names


def test_tables_of_all_beginnings_are_those_of_a_fresh_computation(
    panel: Panel, tmp_path: Path
) -> None:
    store = Counting(tmp_path)
    with share(panel, store):
        for n_bars in (1, 30, 77, 150):
            part = panel.past(n_bars)
            shared = features.table(part, NAMES)
            assert shared.tape.panel is part
            assert same(shared, features.table(replace(part, close=part.close.copy()), NAMES))
            column = features.column(shared.tape, "vol_60")
            fresh = features.feature("vol_60").compute(shared.tape)
            assert column.tobytes() == fresh.tobytes()
    assert sorted(store.made) == sorted((*NAMES, "vol_60"))  # once, for four beginnings
    with share(panel, store):  # as another run, or another process, would
        features.table(panel, NAMES)
    assert len(store.made) == len(NAMES) + 1
    assert shared_with(panel) is None


def test_a_slice_that_begins_later_and_other_arrays_are_never_served(
    panel: Panel, tmp_path: Path
) -> None:
    store = Counting(tmp_path)
    with share(panel, store):
        others = [
            panel.rows(20, 150),
            panel.select(("P0", "P1")),
            replace(panel, volume=panel.volume.copy()),
            replace(panel, columns={"more": panel.close}),
            replace(panel, interval="1h"),
            replace(panel, close=np.asfortranarray(panel.close)),
        ]
        for other in others:
            assert shared_with(other) is None
            features.table(other, ("return_1",))
    assert store.made == []


def test_a_later_slice_can_be_announced_beside_the_whole(panel: Panel, tmp_path: Path) -> None:
    store, later = Counting(tmp_path), panel.rows(20, 120)
    fresh = features.table(later, NAMES), features.table(later.past(50), NAMES)
    with share(panel, store), share(later, store):
        assert same(features.table(later, NAMES), fresh[0])
        assert same(features.table(later.past(50), NAMES), fresh[1])
        features.table(panel, NAMES)
    assert sorted(store.made) == sorted(NAMES * 2)
    assert shared_with(later) is None and shared_with(panel) is None


def test_a_mask_of_who_is_eligible_changes_no_feature(panel: Panel, tmp_path: Path) -> None:
    store = Counting(tmp_path)
    masks = [np.full(panel.shape, float(k)) for k in range(2)]
    held, masked = (replace(panel, columns={ELIGIBLE: mask}) for mask in masks)
    with share(held, store):
        features.table(masked, ("return_1", f"column.{ELIGIBLE}"))
        own = features.table(masked, (f"column.{ELIGIBLE}",)).values
    assert store.made == ["return_1"]
    assert (own == 1.0).all()  # its own mask, not the other's
    assert Shared(held, store).digest == Shared(masked, store).digest


def test_columns_are_mapped_and_cannot_be_written_to(panel: Panel, tmp_path: Path) -> None:
    with share(panel, FeatureStore(tmp_path)) as shared:
        values = shared.column(features.feature("return_1"), panel)
    assert values is not None and not values.flags.writeable
    assert values.base is not None


def test_another_panel_or_feature_has_other_entries(panel: Panel, tmp_path: Path) -> None:
    store = Counting(tmp_path)
    moved = replace(panel, volume=panel.volume * 1.5)
    for one in (panel, moved, panel):
        with share(one, store):
            got = features.table(one, ("volume_5", "range"))
        assert same(got, features.table(one, ("volume_5", "range")))
    assert store.made == ["volume_5", "range"] * 2


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "record"])
def test_a_damaged_entry_is_refused_by_name(panel: Panel, tmp_path: Path, harm: str) -> None:
    with share(panel, FeatureStore(tmp_path)):
        features.table(panel, ("return_1",))
    (values,) = tmp_path.glob("*/*/*/values.npy")
    victim = values.with_name("entry.json") if harm == "record" else values
    content = bytearray(victim.read_bytes())
    content[-9] ^= 1
    if harm == "remove":
        victim.unlink()
    else:
        victim.write_bytes(content[:-8] if harm == "cut" else content)
    with (
        share(panel, FeatureStore(tmp_path)) as shared,
        pytest.raises(CheckpointError, match="the cache entry is damaged") as refusal,
    ):
        features.table(panel, ("return_1",))
    assert str(victim) in str(refusal.value)
    FeatureStore(tmp_path).forget(shared.digest)  # what --fresh does
    with share(panel, FeatureStore(tmp_path)):
        assert np.isfinite(features.table(panel, ("return_1",)).values).any()


def test_a_feature_that_looks_ahead_is_refused_before_it_is_shared(
    panel: Panel, tmp_path: Path
) -> None:
    def peek(tape: Tape) -> Floats:
        return np.full(tape.n_rows, tape.close[-1])

    with (
        share(panel, FeatureStore(tmp_path)) as shared,
        pytest.raises(ForecastError, match="peek looks ahead: its first 75 bars"),
    ):
        shared.column(Feature("peek", 1, peek), panel)


ASK = """
import sys
from pathlib import Path
from tradewind.engine import features
from tradewind.engine.causality import probe
from tradewind.engine.features.store import FeatureStore

class Slow(FeatureStore):
    def column(self, digest, name, make):
        def made():
            with open(sys.argv[2], "a") as log:
                log.write(name + chr(10))
            return make()
        return super().column(digest, name, made)

panel = probe(3, n_bars=150, n_symbols=3)
with features.share(panel, Slow(Path(sys.argv[1]))):
    table = features.table(panel, ("vol_20", "return_1", "cross_z.range"))
print(float(table.values[-1].sum()).hex())
"""


def test_processes_that_ask_at_once_make_a_column_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ASK, str(tmp_path / "store"), str(tmp_path / "log")]
    crew = [
        subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ), text=True)
        for _ in range(4)
    ]
    said = {process.communicate()[0] for process in crew}
    assert [process.returncode for process in crew] == [0] * 4
    assert len(said) == 1
    made = (tmp_path / "log").read_text().split()
    assert sorted(made) == ["cross_z.range", "return_1", "vol_20"]


def test_the_longest_unread_go_first_when_there_are_too_many(panel: Panel, tmp_path: Path) -> None:
    store = FeatureStore(tmp_path)
    with share(panel, store):
        for age, name in enumerate(("return_1", "return_2", "return_3")):
            features.table(panel, (name,))
            for record in tmp_path.glob("*/*/*/entry.json"):
                if f'"{name}"' in record.read_text():
                    os.utime(record, (1_000 + age, 1_000 + age))
    one = next(iter(tmp_path.glob("*/*/*/values.npy"))).stat().st_size
    store.tidy(2 * one)
    left = [record.read_text() for record in tmp_path.glob("*/*/*/entry.json")]
    assert len(left) == 2
    assert not any('"return_1"' in text for text in left)


def test_a_disk_that_cannot_be_written_costs_time_alone(panel: Panel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with share(panel, FeatureStore(tmp_path / "file" / "below")):
        got = features.table(panel, ("return_1",))
    assert same(got, features.table(panel, ("return_1",)))

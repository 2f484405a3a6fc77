import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tradewind.engine.cache import (
    ENVIRONMENT,
    RECORD,
    STALE_SECONDS,
    ForecastCache,
    default_folder,
    key_of,
    verify,
)
from tradewind.engine.errors import CheckpointError
from tradewind.engine.protocols import Forecasts

KEY = key_of({"forecaster": "Slope", "seed": 1})
FACTS = {"seconds": 1.5, "history": [{"epoch": 0, "loss": 0.25}], "n_samples": 40}


def forecasts(value: float = 0.01) -> Forecasts:
    mean = np.array([[value, np.nan], [-value, value]])
    return Forecasts(mean, np.where(np.isnan(mean), np.nan, 0.02), horizon=5)


def save(folder: Path) -> None:
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "weights.bin").write_bytes(bytes(range(256)))


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ForecastCache]:
    yield ForecastCache(tmp_path / "forecasts")


def test_what_was_kept_comes_back_bit_for_bit(cache: ForecastCache) -> None:
    levels = (0.1, 0.9)
    quantiles = np.arange(8, dtype=float).reshape(2, 2, 2) / 7
    made = Forecasts(forecasts().mean, forecasts().std, 5, levels, quantiles)
    folder = cache.put(KEY, made, FACTS, save)
    entry = cache.get(KEY)
    assert entry is not None
    assert entry.folder == folder == cache.place(KEY)
    np.testing.assert_array_equal(entry.forecasts.mean, made.mean)
    np.testing.assert_array_equal(entry.forecasts.std, made.std)
    np.testing.assert_array_equal(entry.forecasts.quantiles, quantiles)
    assert (entry.forecasts.horizon, entry.forecasts.levels) == (5, levels)
    assert entry.facts == FACTS
    assert (folder / "checkpoint" / "deep" / "weights.bin").read_bytes() == bytes(range(256))


def test_what_was_never_kept_is_not_there(cache: ForecastCache) -> None:
    assert cache.get(KEY) is None


def test_a_key_changes_with_every_value_and_not_with_the_order_of_names() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert len({key_of({"a": a, "b": b}) for a in (1, 2) for b in (1, 2, "1", None)}) == 8


@pytest.mark.parametrize(
    "name", ["entry.json", "forecasts.npz", "checkpoint/deep/weights.bin"], ids=lambda name: name
)
@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "delete"])
def test_a_damaged_file_is_refused_by_name_and_says_what_to_do(
    cache: ForecastCache, name: str, harm: str
) -> None:
    path = cache.put(KEY, forecasts(), FACTS, save) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    match harm:
        case "flip":
            path.write_bytes(content)
        case "cut":
            path.write_bytes(content[: len(content) // 2])
        case "empty":
            path.write_bytes(b"")
        case "delete":
            path.unlink()
    with pytest.raises(CheckpointError) as caught:
        cache.get(KEY)
    message = str(caught.value)
    assert str(path) in message
    assert f"delete {cache.place(KEY)} or run with --fresh" in message
    assert cache.place(KEY).exists()


def test_every_single_flipped_bit_of_the_record_is_noticed(cache: ForecastCache) -> None:
    path = cache.put(KEY, forecasts(), FACTS) / RECORD
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        try:
            cache.get(KEY)
        except CheckpointError:
            continue
        # Layout outside the values may change without changing what is said.
        assert json.loads(path.read_bytes()) == json.loads(content)


def test_an_entry_under_a_foreign_name_is_refused(cache: ForecastCache) -> None:
    other = key_of({"forecaster": "another"})
    cache.put(other, forecasts(), FACTS)
    cache.place(KEY).parent.mkdir(parents=True, exist_ok=True)
    cache.place(other).rename(cache.place(KEY))
    with pytest.raises(CheckpointError, match=f"belongs to the entry {other}"):
        cache.get(KEY)


def test_a_pickle_in_place_of_the_forecasts_is_never_loaded(cache: ForecastCache) -> None:
    folder = cache.put(KEY, forecasts(), FACTS)
    np.savez(folder / "forecasts.npz", mean=np.array([{"a": 1}], dtype=object))
    with pytest.raises(CheckpointError, match="SHA-256"):
        cache.get(KEY)


def test_an_entry_appears_whole_or_not_at_all(cache: ForecastCache) -> None:
    def broken(folder: Path) -> None:
        save(folder)
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        cache.put(KEY, forecasts(), FACTS, broken)
    assert cache.get(KEY) is None
    assert list(cache.folder.rglob("*.tmp")) == []


def test_an_entry_that_is_already_there_stays(cache: ForecastCache) -> None:
    cache.put(KEY, forecasts(0.01), FACTS)
    cache.put(KEY, forecasts(0.02), FACTS)
    entry = cache.get(KEY)
    assert entry is not None
    assert entry.forecasts.mean[0, 0] == 0.01


def test_a_fresh_cache_reads_nothing_and_replaces_what_is_there_even_if_damaged(
    cache: ForecastCache,
) -> None:
    folder = cache.put(KEY, forecasts(0.01), FACTS)
    (folder / RECORD).write_text("rubbish")
    fresh = ForecastCache(cache.folder, fresh=True)
    assert fresh.get(KEY) is None
    fresh.put(KEY, forecasts(0.02), FACTS)
    entry = cache.get(KEY)
    assert entry is not None
    assert entry.forecasts.mean[0, 0] == 0.02
    assert list(cache.folder.rglob("*.tmp")) == []


def _put_many(folder: Path) -> None:
    for _ in range(20):
        ForecastCache(folder).put(KEY, forecasts(), FACTS, save)


def test_two_processes_may_keep_the_same_entry_at_once(cache: ForecastCache) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_put_many, args=(cache.folder,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert cache.get(KEY) is not None
    assert list(cache.folder.rglob("*.tmp")) == []


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(OSError):
        ForecastCache(tmp_path / "taken").put(KEY, forecasts(), FACTS)


def test_tidying_removes_drafts_of_killed_runs_and_leaves_the_rest(cache: ForecastCache) -> None:
    folder = cache.put(KEY, forecasts(), FACTS)
    old, young = folder.parent / ".a.tmp", folder.parent / ".b.tmp"
    for draft in (old, young):
        draft.mkdir()
        (draft / "forecasts.npz").write_bytes(b"half")
    stale = time.time() - STALE_SECONDS - 1
    os.utime(old, (stale, stale))
    cache.tidy()
    assert not old.exists()
    assert young.exists()
    assert cache.get(KEY) is not None


def test_the_folder_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    assert default_folder() == tmp_path / "forecasts"
    monkeypatch.delenv(ENVIRONMENT)
    assert default_folder().parts[-2:] == ("tradewind", "forecasts")


def test_verify_returns_the_record_of_a_sound_entry(cache: ForecastCache) -> None:
    record = verify(cache.put(KEY, forecasts(), FACTS, save))
    assert record["key"] == KEY
    assert sorted(record["files"]) == ["checkpoint/deep/weights.bin", "forecasts.npz"]

"""A checkpoint comes back exactly, or not at all."""

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tradewind.engine.causality import probe
from tradewind.engine.errors import CheckpointError
from tradewind.forecasters import Lstm, checkpoints
from tradewind.forecasters.checkpoints import STATE, WEIGHTS, Checkpoint

CONFIG: dict[str, Any] = {
    "hidden": 4,
    "window": 10,
    "features": ("range", "return_1"),
    "epochs": 1,
    "stride": 2,
}
AWKWARD = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 2**53 + 1.0, np.pi]


def trained(**changes: Any) -> Lstm:
    return Lstm(**(CONFIG | changes)).fit(probe(n_bars=300))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    trained().save(folder)
    return folder


def edited(folder: Path, change: Callable[[dict[str, Any]], object], *, seal: bool = True) -> None:
    """Change the body of the record, with or without a seal that fits."""
    record = json.loads((folder / STATE).read_text())
    change(record["body"])
    if seal:
        canonical = json.dumps(record["body"], sort_keys=True, separators=(",", ":"))
        record["body_sha256"] = sha256(canonical.encode()).hexdigest()
    (folder / STATE).write_text(json.dumps(record))


def refused(folder: Path, told: str, **changes: Any) -> None:
    with pytest.raises(CheckpointError) as error:
        Lstm(**(CONFIG | changes)).restore(folder)
    assert told in str(error.value), str(error.value)


def test_numbers_come_back_as_the_same_float64(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    numbers = AWKWARD + (draw.normal(size=500) * 10.0 ** draw.integers(-300, 300, 500)).tolist()
    array = np.array(numbers)
    checkpoints.write(tmp_path, Checkpoint("X", {"a": 1}, {"n": numbers}, {"w": array}))
    back = checkpoints.read(tmp_path, kind="X", config={"a": 1})
    assert np.array(back.state["n"]).tobytes() == array.tobytes()
    assert back.weights["w"].tobytes() == array.tobytes()
    assert back.weights["w"].dtype == np.float64


@pytest.mark.parametrize("changes", [{}, {"pooled": False, "stride": 1}, {"layers": 2}])
def test_a_restored_forecaster_says_the_same_to_the_last_bit(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    original = trained(**changes)
    original.save(tmp_path)
    copy = Lstm(**(CONFIG | changes)).restore(tmp_path)
    panel = probe(seed=4, n_bars=260)
    a, b = original.predict(panel, first=100), copy.predict(panel, first=100)
    assert a.mean.tobytes() == b.mean.tobytes()
    assert a.std.tobytes() == b.std.tobytes()
    assert np.isfinite(a.mean).sum() > 100
    assert copy.history == original.history
    assert copy.n_samples == original.n_samples


def test_saving_what_was_restored_gives_the_same_files(kept: Path, tmp_path: Path) -> None:
    Lstm(**CONFIG).restore(kept).save(tmp_path)
    for name in (WEIGHTS, STATE):
        assert (tmp_path / name).read_bytes() == (kept / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((WEIGHTS, STATE))


def test_the_record_says_what_made_it(kept: Path) -> None:
    body = json.loads((kept / STATE).read_text())["body"]
    assert body["kind"] == "Lstm"
    assert body["config"]["features"] == ["range", "return_1"]
    assert set(body["versions"]) == {"numpy", "ta", "torch", "tradewind"}
    assert len(body["state"]["networks"]["all symbols"]["mean"]) == 2


@pytest.mark.parametrize("name", [WEIGHTS, STATE])
def test_any_flipped_byte_is_found(kept: Path, name: str, tmp_path: Path) -> None:
    content = (kept / name).read_bytes()
    shutil.copytree(kept, tmp_path / "c")
    places = np.random.default_rng(0).integers(0, len(content), 60).tolist()
    for at in [0, len(content) - 1, *places]:
        flipped = bytearray(content)
        flipped[at] ^= 0x04
        if name == STATE and _same_json(content, bytes(flipped)):
            continue  # white space between values says nothing
        (tmp_path / "c" / name).write_bytes(bytes(flipped))
        refused(tmp_path / "c", name)


def _same_json(a: bytes, b: bytes) -> bool:
    try:
        return bool(json.loads(a) == json.loads(b))
    except ValueError:
        return False


@pytest.mark.parametrize("name", [WEIGHTS, STATE])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_refused(kept: Path, name: str, share: float, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "c")
    content = (kept / name).read_bytes()
    (tmp_path / "c" / name).write_bytes(content[: int(share * len(content))])
    refused(tmp_path / "c", "fit again")


@pytest.mark.parametrize("name", [WEIGHTS, STATE])
def test_a_missing_file_is_refused_by_name(kept: Path, name: str, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "c")
    (tmp_path / "c" / name).unlink()
    refused(tmp_path / "c", name)


def test_weights_of_another_training_are_refused(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "c")
    trained(seed=9).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / WEIGHTS, tmp_path / "c" / WEIGHTS)
    refused(tmp_path / "c", "belongs to another checkpoint")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"hidden": 8}, "made with hidden = 4, asked for with 8"),
        ({"seed": 3}, "made with seed = 0, asked for with 3"),
        ({"features": ("range", "return_2")}, "made with features = ['range', 'return_1']"),
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused(
    kept: Path, changes: dict[str, Any], told: str
) -> None:
    refused(kept, told, **changes)


def test_a_record_that_is_not_one_is_refused(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "c")
    for content in (b"", b"{}", b"[1, 2]", b"null", b"\x80\x04pickle", b"[" * 100_000):
        (tmp_path / "c" / STATE).write_bytes(content)
        refused(tmp_path / "c", "is not a checkpoint's record")


def test_a_changed_record_is_refused_by_its_seal(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "c")
    edited(tmp_path / "c", lambda body: body["versions"].update(torch="0"), seal=False)
    refused(tmp_path / "c", "does not match its own SHA-256")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda body: body.update(format=1), "format is 1, wanted 2"),
        (lambda body: body.update(features_version=0), "features_version is 0, wanted 2"),
        (lambda body: body.update(kind="Gru"), "kind is 'Gru', wanted 'Lstm'"),
        (lambda body: body.update(config=None), "holds no configuration"),
        (lambda body: body["state"].clear(), "holds no network"),
        (lambda body: body["state"]["networks"]["all symbols"].pop("std"), "lacks 'std'"),
        (
            lambda body: body["state"]["networks"]["all symbols"]["mean"].pop(),
            "scaling of shape (1,)",
        ),
        (
            lambda body: body["state"]["networks"].update(KO={"names": []}),
            "KO/encoder.cells.bias_hh_l0 is absent",
        ),
    ],
)
def test_a_sealed_record_of_another_shape_or_version_is_refused(
    kept: Path, change: Callable[[dict[str, Any]], object], told: str, tmp_path: Path
) -> None:
    shutil.copytree(kept, tmp_path / "c")
    edited(tmp_path / "c", change)
    refused(tmp_path / "c", told)


def test_weights_of_another_shape_are_refused_under_a_fitting_seal(
    kept: Path, tmp_path: Path
) -> None:
    back = checkpoints.read(kept, kind="Lstm", config=Lstm(**CONFIG)._params)
    name = "all symbols/encoder.cells.weight_hh_l0"
    for wrong in (back.weights[name][:, :2], back.weights[name].astype(np.float64)):
        bent = dict(back.weights) | {name: wrong}
        checkpoints.write(tmp_path, Checkpoint("Lstm", back.config, back.state, bent))
        refused(tmp_path, f"{name} is {wrong.dtype}[{wrong.shape[0]}, {wrong.shape[1]}]")


def test_a_pickle_in_place_of_weights_is_never_opened(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "c")
    bomb = b"cbuiltins\nexec\n(S'raise SystemExit(7)'\ntR."
    (tmp_path / "c" / WEIGHTS).write_bytes(bomb)
    edited(tmp_path / "c", lambda body: body.update(weights_sha256=sha256(bomb).hexdigest()))
    refused(tmp_path / "c", "is not a safetensors file")


def test_a_place_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match=r"cannot be written .* choose another folder"):
        trained().save(tmp_path / "file" / "below")


def test_a_write_cut_short_leaves_the_old_checkpoint_or_a_refused_one(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "c"
    shutil.copytree(kept, folder)
    replace = Path.replace
    done: list[str] = []

    def second_fails(self: Path, target: Path) -> Path:
        done.append(target.name)
        if len(done) == 2:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", second_fails)
    with pytest.raises(CheckpointError, match="No space left"):
        trained(seed=5).save(folder)
    assert done == [WEIGHTS, STATE]
    refused(folder, "belongs to another checkpoint")

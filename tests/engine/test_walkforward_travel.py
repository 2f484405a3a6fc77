"""What travels to other machines, and what must be alike there."""

from importlib import import_module
from pathlib import Path

import pytest

from tradewind.engine.cache import ForecastCache
from tradewind.engine.content import code_content, own_sources
from tradewind.engine.errors import CheckpointError, ConfigError
from tradewind.engine.walkforward.credentials import (
    OWN_CODE,
    credentials,
    differing,
    packages_of,
    unlike,
)
from tradewind.engine.walkforward.parcel import packed, unpack, weight_of
from tradewind.engine.walkforward.where import Cluster, cluster_at


def test_an_address_is_a_host_and_a_port() -> None:
    assert cluster_at("local") is None
    found = cluster_at("dask://node-1.example:8786")
    assert found == Cluster("node-1.example", 8786)
    assert (str(found), found and found.address) == (
        "dask://node-1.example:8786",
        "tcp://node-1.example:8786",
    )
    assert cluster_at("dask://[::1]:1") == Cluster("[::1]", 1)


@pytest.mark.parametrize(
    "text",
    ["", "dask", "dask://", "dask://host", "dask://host:", "dask://:1", "dask://host:0",
     "dask://host:65536", "dask://a b:1", "tcp://host:1", "dask://host:1/x", "Local"],
)  # fmt: skip
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError, match=r"wanted local or dask://HOST:PORT, as in dask://10"):
        cluster_at(text)


def test_a_folder_travels_whole(tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "deep" / "w.bin").write_bytes(b"12")
    (tmp_path / "a" / "top").write_bytes(b"3")
    parcel = packed(tmp_path / "a")
    assert parcel == {"deep/w.bin": b"12", "top": b"3"}
    assert weight_of(parcel) == 3
    unpack(parcel, tmp_path / "b")
    assert packed(tmp_path / "b") == parcel
    single = packed(tmp_path / "a" / "top")
    assert single == {"": b"3"}
    unpack(single, tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == b"3"
    assert packed(tmp_path / "nowhere") is None


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match="leads out of the folder"):
        unpack({name: b"x"}, tmp_path / "in")
    assert not (tmp_path / "out").exists()


def test_an_entry_made_elsewhere_is_kept_as_it_is_and_only_under_its_own_name(
    tmp_path: Path,
) -> None:
    there, here = ForecastCache(tmp_path / "there"), ForecastCache(tmp_path / "here")
    parcel = packed(there.put_facts("ab" * 32, {"deaf": False}))
    assert parcel
    here.adopt("ab" * 32, lambda draft: unpack(parcel, draft))
    assert here.get_facts("ab" * 32) == {"deaf": False}
    with pytest.raises(CheckpointError, match="belongs to the entry abab"):
        here.adopt("cd" * 32, lambda draft: unpack(parcel, draft))
    assert sorted(path.name for path in here.folder.rglob("*.json")) == ["entry.json"]


def test_what_differs_is_told_by_name() -> None:
    own = credentials(["numpy", "no-such-package"])
    assert own.keys() == {"python", "numpy", "no-such-package", OWN_CODE}
    assert differing(own, dict(own)) == []
    other = {**own, "numpy": "0.9", OWN_CODE: "f" * 64}
    assert differing(own, other) == [
        f"numpy 0.9 there, {own['numpy']} here",
        f"{OWN_CODE} ffffffffffff there, {own[OWN_CODE][:12]} here",
    ]
    said = str(unlike("worker tcp://w:1", ["numpy 0.9 there, 2 here"]))
    assert "worker tcp://w:1" in said
    assert "--executor local" in said
    assert credentials([*own]) == own


def test_packages_of_a_forecaster_made_of_others_count_too() -> None:
    content = {"versions": {"ta": "1"}, "made_of": [{"versions": {"lightgbm": "2"}}]}
    assert {"ta", "lightgbm", "numpy", "torch", "distributed"} <= {*packages_of(content)}


def test_own_sources_are_the_files_that_no_package_brings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mine"
    (folder / "kit_away" / "inner").mkdir(parents=True)
    (folder / "away_main.py").write_text(
        "import numpy\nimport away_beside\nfrom kit_away.inner.part import X\n"
        "from tradewind.engine.records import Panel\n\n\nclass Mine:\n    pass\n"
    )
    (folder / "away_beside.py").write_text("import json\n")
    for place in ("kit_away", "kit_away/inner"):
        (folder / place / "__init__.py").touch()
    (folder / "kit_away" / "inner" / "part.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(folder)
    found = own_sources(f"{folder / 'away_main.py'}:Mine")
    assert sorted(found) == [
        "away_beside.py", "away_main.py", "kit_away/__init__.py", "kit_away/inner/__init__.py",
        "kit_away/inner/part.py",
    ]  # fmt: skip
    moved = tmp_path / "moved"
    unpack({name: path.read_bytes() for name, path in found.items()}, moved)
    before = code_content(f"{folder / 'away_main.py'}:Mine")
    monkeypatch.undo()
    monkeypatch.syspath_prepend(moved)
    code_content.cache_clear()
    assert code_content(f"{moved / 'away_main.py'}:Mine") == before
    assert own_sources("tradewind.engine.records:Panel") == {}
    assert import_module("kit_away.inner.part").X == 1

"""Where ``execution.intrabar: path`` takes its finer bars from."""

from pathlib import Path

import pytest

from tradewind.engine.config.file import validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.yaml import parse
from tradewind.engine.errors import ConfigError


def read(text: str, folder: Path = Path("/x")) -> RunConfig:
    return validate(RunConfig, parse(text + "\nstrategy: {kind: sma_cross}", where="c.yaml",
                                     folder=folder))  # fmt: skip


def test_a_path_without_finer_bars_says_what_to_add() -> None:
    with pytest.raises(
        ConfigError, match=r"there are none; add data.resample: 1h .* or data.intra"
    ):
        read("execution: {intrabar: path}")
    assert read("execution: {intrabar: path}\ndata: {resample: 1wk}").data.resample == "1wk"


def test_finer_bars_that_nobody_looks_at_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"would not be looked at; add execution.intrabar: path"):
        read("data: {intrabar: {source: csv, path: a.csv, interval: 1h}}")


def test_paths_of_every_source_are_relative_to_the_file(tmp_path: Path) -> None:
    text = """
data:
  sources:
    - {source: csv, path: a.csv}
    - {source: parquet, path: sub/b.parquet}
  intrabar: {source: csv, path: c.csv, interval: 1h}
execution: {intrabar: path}"""
    data = read(text, tmp_path).data
    assert [one.path for one in data.sources] == [tmp_path / "a.csv", tmp_path / "sub/b.parquet"]
    assert data.intrabar is not None
    assert data.intrabar.path == tmp_path / "c.csv"


def test_a_wrong_key_inside_a_source_is_pointed_at() -> None:
    with pytest.raises(ConfigError, match=r"c.yaml:1:32: data.sources.0.intervall: unknown key"):
        read("data: {sources: [{source: csv, intervall: 1d, path: a.csv}]}")

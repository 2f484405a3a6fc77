"""What the words of ``tradewind data`` mean."""

from datetime import date
from pathlib import Path

import pytest

from tradewind.engine.cli.data_config import data_config
from tradewind.engine.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bars.csv").write_text("date,close\n")
    (tmp_path / "bars.csv.gz").write_bytes(b"")
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "KO.parquet").write_bytes(b"")
    (tmp_path / "many" / "README").write_text("")
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "a.csv").write_text("")
    (tmp_path / "both" / "b.parquet").write_text("")
    (tmp_path / "neither").mkdir()
    (tmp_path / "mine.yaml").write_text(
        "strategy: {kind: x}\ndata: {source: csv, path: bars.csv, symbols: [KO]}\n"
    )
    return tmp_path


def test_nothing_means_the_default_config(folder: Path) -> None:
    assert data_config([], {}).source == "embedded"


@pytest.mark.parametrize(
    ("words", "source", "path", "symbols"),
    [
        (["embedded"], "embedded", None, "all"),
        (["embedded", "KO", "GS"], "embedded", None, ("KO", "GS")),
        (["bars.csv"], "csv", "bars.csv", "all"),
        (["./bars.csv", "KO"], "csv", "bars.csv", ("KO",)),
        (["bars.csv.gz"], "csv", "bars.csv.gz", "all"),
        (["many"], "parquet", "many", "all"),
        (["SPY", "BRK-B", "EURUSD=X"], "yahoo", None, ("SPY", "BRK-B", "EURUSD=X")),
        (["mine.yaml"], "csv", "bars.csv", ("KO",)),
        (["mine.yaml", "GS"], "csv", "bars.csv", ("GS",)),
        (["sma-cross"], "embedded", None, "all"),
    ],
)
def test_the_first_word_says_where_and_the_rest_which(
    folder: Path, words: list[str], source: str, path: str | None, symbols: str | tuple[str, ...]
) -> None:
    config = data_config(words, {"start": None})
    assert (config.source, config.symbols) == (source, symbols)
    assert config.path == (folder / path if path else None)


def test_options_are_keys_of_the_block(folder: Path) -> None:
    options = {"start": "2014-01-02", "end": "2015-01-02", "interval": "1h", "store": "/s"}
    for words in (["SPY"], ["mine.yaml"]):
        config = data_config(words, options)
        assert (config.start, config.end) == (date(2014, 1, 2), date(2015, 1, 2))
        assert (config.interval, config.store) == ("1h", Path("/s"))


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        (["SPY"], {"start": "soon"}, "^--start: data.start: wanted a date such as 2013-03-01"),
        (["mine.yaml"], {"end": "x"}, "^--end: data.end: wanted a date"),
        (["SPY"], {"interval": "1y"}, "^--interval: data.interval: "),
        (["nowhere.csv"], {}, "^nowhere.csv: no such file or folder"),
        (["no/where"], {}, "^no/where: no such file or folder"),
        (["nowhere.yaml"], {}, "^nowhere.yaml: no such file and no preset"),
        (["both"], {}, "^both: holds CSV and Parquet files; name a config that says which"),
        (["neither"], {}, "^neither: neither CSV nor Parquet by its name; wanted one of .csv"),
        (["mine.yaml", ""], {}, "data.symbols: '' is no name"),
        (["SPY", "SPY"], {}, "data.symbols: SPY stands twice"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    folder: Path, words: list[str], options: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        data_config(words, options)

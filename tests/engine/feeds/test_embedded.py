import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tradewind.engine import feeds
from tradewind.engine.config.run import DataConfig
from tradewind.engine.errors import DataError, UnknownSymbolError
from tradewind.engine.feeds.history import History


@pytest.fixture(scope="module")
def history() -> Any:
    return feeds.load(DataConfig())


def test_the_embedded_data_holds_what_its_note_says(history: History) -> None:
    panel = history.panel
    assert panel.shape == (1186, 120)
    assert panel.calendar == "XNYS"
    assert (str(panel.dates[0]), str(panel.dates[-1])) == ("2013-02-28", "2017-11-10")
    assert (panel.ends >= 0).sum() == 20
    assert "20 leave the index" in history.survivorship


def test_the_embedded_data_needs_no_repair_and_says_who_leaves(history: History) -> None:
    assert history.refused == ()
    assert sum(f.kind == "ends_early" for f in history.findings) == 20
    assert {f.severity for f in history.findings} == {"notice"}


def test_a_known_bar_is_where_it_belongs(history: History) -> None:
    panel = history.panel
    row = int(np.flatnonzero(panel.dates == np.datetime64("2013-02-28"))[0])
    held = [getattr(panel, name)[row, panel.column("ACN")] for name in ("open", "close", "volume")]
    assert held == [np.float64(np.float32(66.7626)), np.float64(np.float32(66.6192)), 2_365_400]


def test_bars_close_with_their_session(history: History) -> None:
    close = history.panel.ts[history.panel.dates == np.datetime64("2013-11-29")]
    assert close.tolist() == [np.datetime64("2013-11-29T18:00", "ns").astype(np.int64)]


def test_symbols_and_dates_are_those_asked_for() -> None:
    config = DataConfig.model_validate(
        {"symbols": ["MSFT", "JPM"], "start": "2014-01-01", "end": "2014-06-30"}
    )
    panel = feeds.load(config).panel
    assert panel.symbols == ("MSFT", "JPM")
    assert (str(panel.dates[0]), str(panel.dates[-1])) == ("2014-01-02", "2014-06-30")


def test_an_unknown_symbol_gets_a_proposal() -> None:
    config = DataConfig(symbols=("MSFT", "JMP", "msft"))
    message = r"has no 'JMP' \(did you mean 'JPM'\?\), 'msft' \(did you mean 'MSFT'\?\)"
    with pytest.raises(UnknownSymbolError, match=message):
        feeds.load(config)


def test_a_range_without_data_says_what_there_is() -> None:
    config = DataConfig.model_validate({"start": "2020-01-01", "end": "2021-01-01"})
    with pytest.raises(
        DataError, match=r"no bar from 2020-01-01 to 2021-01-01; .* from 2013-02-28 to 2017-11-10"
    ):
        feeds.load(config)


def test_a_symbol_that_left_before_the_range_is_refused_by_name() -> None:
    config = DataConfig.model_validate({"symbols": ["MSFT", "CLF"], "start": "2015-01-02"})
    with pytest.raises(DataError, match=r"CLF: has no bar between data.start and data.end"):
        feeds.load(config)
    everybody = feeds.load(DataConfig.model_validate({"start": "2015-01-02"}))
    assert everybody.panel.n_symbols < 120


def test_reading_it_imports_no_pandas() -> None:
    heavy = "('pandas', 'yfinance', 'exchange_calendars', 'torch', 'scipy')"
    code = (
        f"import sys; from tradewind.engine import feeds; print([m for m in (*{heavy}, 'pyarrow') "
        "if m in sys.modules]); from tradewind.engine.config.run import DataConfig; "
        "feeds.load(DataConfig(calendar='24/7', accept=('off_session',))); "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]

"""Wrong configs through the real command: the message points at the place, the exit code is 2."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tradewind.engine.config.file import preset_names

SMA = """\
strategy: {kind: sma_cross, fast: 5, slow: 20}
data: {symbols: [MSFT, KO], start: 2016-01-04, end: 2016-12-30}
"""
LSTM = """\
strategy: {kind: timing}
forecaster: {kind: lstm, epochs: 1, walk_forward: {train: 200}}
data: {symbols: [MSFT, KO]}
"""


def refused(run: Callable[..., Any], project: Path, text: str, *words: str) -> str:
    """Message of a config that is refused; nothing is left behind."""
    (project / "config.yaml").write_text(text, "utf-8")
    ended = run("backtest", "config.yaml", *words)
    assert (ended.code, ended.out) == (2, "")
    ended.says()
    assert not (project / "results").exists() or not [*(project / "results").iterdir()]
    return str(ended.err)


def test_a_misspelt_key_reads_as_promised(tradewind: Callable[..., Any], project: Path) -> None:
    assert tradewind("init").code == 0
    text = "name: my-run\nstrategy:\n  lookbak: 20\n  kind: strategy.py:Momentum\n"
    assert refused(tradewind, project, text) == (
        "config.yaml:3:3: strategy.lookbak: unknown key (did you mean 'lookback'?)\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            SMA + "costs: {fee_bsp: 1}\n",
            "3:9: costs.fee_bsp: unknown key (did you mean 'fee_bps'?)",
        ),
        (SMA + "seed: 1\nseed: 2\n", "4:1: seed: stands twice; keep one"),
        (SMA + "seed: seven\n", "3:1: seed: wanted a whole number; found 'seven'"),
        (SMA + "account: {cash: -5}\n", "3:11: account.cash: wanted more than 0; found -5"),
        (
            SMA + "executor: cerebra\n",
            "3:1: executor: wanted 'kernel', 'interpreted' or 'cerebro'; found 'cerebra'",
        ),
        (
            SMA + "benchmark: SPX\n",
            "3:1: benchmark: 'SPX' is neither equal_weight nor cash nor one",
        ),
        (
            SMA.replace("fast: 5", "fast: 5.5"),
            "1:29: strategy.fast: wanted a whole number; found 5.5",
        ),
        (SMA.replace("fast: 5", "fast: 0"), "1:29: strategy.fast: wanted at least 1; found 0"),
        (SMA.replace("fast: 5", "fast: 50"), "1:1: strategy: sma_cross: fast 50 must be shorter"),
        (
            SMA.replace("sma_cross", "sma_cros"),
            "1:12: strategy.kind: unknown 'sma_cros' (did you mean 'sma_cross'?)",
        ),
        (
            LSTM.replace("epochs: 1", "epoch: 1"),
            "2:26: forecaster.epoch: unknown key (did you mean 'epochs'?)",
        ),
        (
            LSTM.replace("epochs: 1", "dropout: 1.5"),
            "2:26: forecaster.dropout: wanted less than 1; found 1.5",
        ),
        (
            LSTM.replace("train: 200", "train: 5"),
            "2:52: forecaster.walk_forward.train: wanted at least 20; found 5",
        ),
        (LSTM.replace("{kind: timing}", "{kind: timing, entry: 0, exit: 1}"), "1:1: strategy: "),
    ],
)
def test_a_fault_in_the_config_is_named_at_its_place(
    inside: Callable[..., Any], project: Path, text: str, message: str
) -> None:
    said = refused(inside, project, text)
    assert said.startswith("config.yaml:")
    assert message in said


@pytest.mark.parametrize(
    ("text", "words", "message"),
    [
        (
            SMA,
            ["--set", "strategy.fsat=3"],
            "--set[0]: strategy.fsat: unknown key (did you mean 'f",
        ),
        (SMA, ["--set", "seed=1", "seed=x"], "--set[1]: seed: wanted a whole number; found 'x'"),
        (SMA, ["--set", "seed"], "--set[0]: 'seed': wanted key=value"),
        ("", [], "config.yaml: is empty; 'tradewind init' writes one to start from"),
        ("a: !!python/name:os.system\n", [], "config.yaml:1:4: the tag "),
        ("a: [\n", [], "config.yaml:2:1: not valid YAML: "),
    ],
)
def test_a_file_or_an_override_that_cannot_be_read_is_named(
    inside: Callable[..., Any], project: Path, text: str, words: list[str], message: str
) -> None:
    assert refused(inside, project, text, *words).startswith(message)


def test_a_config_that_is_not_there_names_the_presets(tradewind: Callable[..., Any]) -> None:
    ended = tradewind("backtest", "nowhere.yaml")
    assert ended.code == 2
    ended.says("nowhere.yaml: no such file and no preset of that name", *preset_names())


def test_an_unknown_symbol_gets_the_nearest(tradewind: Callable[..., Any], project: Path) -> None:
    said = refused(tradewind, project, SMA.replace("KO", "KOO"))
    assert "data.symbols" in said
    assert "'KOO'" in said
    assert "did you mean 'KO'?" in said


def test_a_range_without_data_says_what_there_is(
    tradewind: Callable[..., Any], project: Path
) -> None:
    text = SMA.replace("2016-01-04", "2021-01-04").replace("2016-12-30", "2021-12-30")
    said = refused(tradewind, project, text)
    assert "2021-01-04" in said
    assert "2017-11-10" in said, "where the data ends"


def test_a_window_longer_than_history_says_by_how_much(
    tradewind: Callable[..., Any], project: Path
) -> None:
    said = refused(tradewind, project, SMA.replace("slow: 20", "slow: 400"))
    assert "400" in said
    assert "252" in said, "bars of the year 2016"


def test_training_longer_than_history_says_by_how_much(
    tradewind: Callable[..., Any], project: Path
) -> None:
    said = refused(tradewind, project, LSTM.replace("train: 200", "train: 1500"))
    assert "1500" in said.replace(",", "")
    assert "1186" in said.replace(",", ""), "bars there are"


def test_timing_without_a_forecast_says_what_to_add(
    tradewind: Callable[..., Any], project: Path
) -> None:
    said = refused(tradewind, project, SMA.replace("sma_cross, fast: 5, slow: 20", "timing"))
    assert "add a 'forecaster:' block to the config" in said


def test_training_without_a_forecaster_says_so(
    tradewind: Callable[..., Any], project: Path
) -> None:
    (project / "config.yaml").write_text(SMA)
    ended = tradewind("train", "config.yaml")
    assert ended.code == 2
    ended.says("has neither a 'forecaster:' nor a 'selector:' block, so there is nothing to train")

"""Walk-forward from a config to the run folder: what is recorded, and errors that name the line."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.walks import EPOCHS
from tradewind.engine import runner
from tradewind.engine.config.file import Document, load, parse, validate
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.walk import WalkForwardConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.report import page
from tradewind.engine.report.folder import read
from tradewind.engine.report.sections.fits import remarks, sentence, table_of

CONFIG = """\
name: chosen
data: {symbols: [MSFT, KO, JPM], start: 2015-01-02, end: 2015-12-31}
strategy: {kind: timing}
forecaster:
  kind: LEARNER
  horizon: 2
  epochs: 2
  walk_forward:
    train: 120
    refit: quarter
    warm_start: true
    control_every: 1
    seeds: 2
  choose:
    over: {hidden: [0, 9]}
    groups: 4
    test: 1
"""


def document(**changes: str) -> Document:
    text = CONFIG.replace("LEARNER", f"{EPOCHS}:Descent")
    for old, new in changes.items():
        assert f"{old}: " in text
        line = next(line for line in text.splitlines() if f" {old}: " in line)
        text = text.replace(line, line.partition(f" {old}: ")[0] + f" {old}: {new}")
    return parse(text, where="run.yaml", folder=Path.cwd())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the run above; its cache is a folder of its own."""
    place = tmp_path_factory.mktemp("chosen")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRADEWIND_CACHE", str(place / "cache"))
        asked = document()
        results = place / "results"
        run = runner.backtest(validate(RunConfig, asked), asked, results=results, workers=0)
    return results / run.name


def test_a_run_folder_records_how_each_fold_was_fitted(folder: Path) -> None:
    folds = json.loads((folder / "manifest.json").read_text())["folds"]
    assert [fold["test_dates"][0] for fold in folds] == ["2015-06-25", "2015-07-01", "2015-10-01"]
    assert [fold["fits"] for fold in folds] == [2, 2, 2]
    for fold in folds:
        assert fold["train_dates"][1] < fold["test_dates"][0]
        assert [one["params"] for one in fold["choice"]["candidates"]] == [
            {"hidden": 0}, {"hidden": 9},
        ]  # fmt: skip
        assert fold["choice"]["params"]["hidden"] in (0, 9)
        assert (fold["control"] is not None) == fold["warm"]
    notes = read(folder).notes
    assert any("combinatorial purged cross-validation (1 of 4 groups held out)" in n for n in notes)


def test_the_page_shows_folds_and_what_was_chosen(folder: Path) -> None:
    html = page.render(read(folder))
    text = html[html.index('<section id="fits"') :]
    text = text[: text.index("</section>")]
    assert "3 folds, 6 fits in all: a fit every quarter, on everything before its block;" in text
    assert "forecasts are mixtures of 2 fits" in text
    assert '<td class="day">2015-10-01 to 2015-12-31</td>' in text
    assert text.count("<strong>") == 3  # the chosen one of each fold
    assert "hidden 9" in text


def test_the_config_of_a_run_gives_the_run_again(folder: Path) -> None:
    config, _ = load(folder / "config.yaml")
    assert config.forecaster is not None
    assert config.forecaster.choose is not None
    assert config.forecaster.choose.over == {"hidden": (0, 9)}
    assert config.forecaster.walk_forward.refit == "quarter"
    again = runner.reproduce(folder, workers=0)
    assert again.identical, again.differences


def test_training_says_the_same_of_the_folds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_CACHE", str(folder.parents[1] / "cache"))
    asked = document()
    training = runner.train(validate(RunConfig, asked), asked, workers=0)
    assert [fold.from_cache for fold in training.folds] == [True, True, True]
    recorded = json.loads((folder / "manifest.json").read_text())["folds"]
    assert [dict(f.choice.params) for f in training.folds if f.choice] == [
        fold["choice"]["params"] for fold in recorded
    ]
    assert any("came from the cache" in note for note in training.notes)
    assert training.days[training.folds[1].fold.test_start] == "2015-07-01"


@pytest.mark.parametrize(
    ("old", "new", "trains"),
    [
        ("strategy: {kind: timing}", "strategy: {kind: timing, entry: 0.4}", 0),
        ("strategy: {kind: timing}", "strategy: {kind: timing}\ncosts: {fee_bps: 9}", 0),
        (
            "strategy: {kind: timing}",
            "strategy: {kind: timing}\nsizing: {kind: fixed_notional, notional: 500}",
            0,
        ),
        ("seeds: 2", "seeds: 3", 3),
        ("epochs: 2", "epochs: 3", 3),
        ("warm_start: true", "warm_start: false", 0),  # the controls are those very fits
        ("groups: 4", "groups: 4\n    embargo: 2", 0),  # what it was by default
    ],
)
def test_a_cost_or_a_strategy_never_trains_again_and_a_training_parameter_does(
    folder: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, trains: int
) -> None:
    monkeypatch.setenv("TRADEWIND_CACHE", str(folder.parents[1] / "cache"))
    assert old in CONFIG
    text = CONFIG.replace(old, new).replace("LEARNER", f"{EPOCHS}:Descent")
    asked = parse(text, where="run.yaml", folder=Path.cwd())
    training = runner.train(validate(RunConfig, asked), asked, workers=0)
    assert sum(not fold.from_cache for fold in training.folds) == trains


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"over": "{hiden: [1, 2]}"}, r"run.yaml:15:12: .*over.hiden: Descent has no such par"),
        ({"over": "{hidden: [1, many]}"}, r"run.yaml:15:12: .*hidden: wanted a whole number; fou"),
        ({"test": "4"}, r"run.yaml:14:3: forecaster.choose: test 4 of 4 groups leaves nothing"),
        ({"refit": "fortnight"}, r"run.yaml:10:5: .*refit: wanted a whole number or 'week'"),
        ({"train": "600"}, r"run.yaml:9:5: forecaster.walk_forward.train: 600 bars of training "),
        ({"seeds": "0"}, r"run.yaml:13:5: forecaster.walk_forward.seeds: wanted at least 1"),
    ],
)
def test_an_error_names_file_line_and_key(changes: dict[str, str], message: str) -> None:
    asked = document(**changes)
    with pytest.raises(ConfigError, match=message):
        runner.compute(validate(RunConfig, asked), asked, cached=False, workers=0)


def test_a_warm_start_that_cannot_be_is_refused_at_its_line() -> None:
    text = "\n".join(
        line for line in CONFIG.partition("  choose:")[0].splitlines() if "epochs" not in line
    )
    asked = parse(text.replace("LEARNER", "drift"), where="run.yaml", folder=Path.cwd())
    with pytest.raises(ConfigError, match=r"run.yaml:10:5: .*warm_start: Drift cannot begin"):
        runner.compute(validate(RunConfig, asked), asked, cached=False, workers=0)


def test_a_table_leaves_out_what_no_fold_has() -> None:
    fold: dict[str, Any] = {
        "fold": 0, "train_dates": ["2015-01-02", "2015-06-30"], "choice": None, "warm": False,
        "test_dates": ["2015-07-01", "2015-07-31"], "control": None, "samples": 1_234,
        "seconds": 1.25, "from_cache": False,
    }  # fmt: skip
    columns, rows = table_of([fold])
    assert columns == ("Fold", "Trained on", "Predicts", "Samples", "Seconds")
    assert rows == [("0", "2015-01-02 to 2015-06-30", "2015-07-01 to 2015-07-31", "1,234", "1.2")]
    control = {"warm_mae": 0.9, "mae": 1.0, "warm_crps": None, "crps": None, "warm_loss": -1.1,
               "loss": -1.0}  # fmt: skip
    columns, rows = table_of([{**fold, "warm": True, "control": control}])
    assert rows[0][columns.index("Against from scratch")] == (
        "error \N{MINUS SIGN}10.00%, loss \N{MINUS SIGN}10.00%"
    )


def test_a_table_says_how_the_loss_fell_and_what_a_fold_notes() -> None:
    fold: dict[str, Any] = {
        "fold": 0, "train_dates": ["2015-01-02", "2015-06-30"],
        "test_dates": ["2015-07-01", "2015-07-31"], "seconds": 1.25, "note": "no GPU: on the CPU",
        "history": [{"epoch": 0, "stopping": 0.8}, {"epoch": 1, "stopping": 0.7}],
    }  # fmt: skip
    columns, (row,) = table_of([fold])
    said = dict(zip(columns, row, strict=True))
    assert said["Loss"] == "0.8, least 0.7 at 1 of 1"
    assert remarks([fold]) == ["Every fold: no GPU: on the CPU."]
    assert remarks([fold, {**fold, "fold": 1, "note": ""}]) == ["Fold 0: no GPU: on the CPU."]


def test_a_schedule_is_said_in_words() -> None:
    rolling = WalkForwardConfig(mode="rolling", train=50, refit=1)
    assert (
        sentence(rolling, [{}])
        == "1 fold: a fit every 1 bar, on the last 50 bars before its block."
    )

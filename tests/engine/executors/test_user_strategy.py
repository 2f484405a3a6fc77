"""Parameters of a backtrader strategy as keys of a config."""

import datetime
from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from tradewind.engine.config.file import Document
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError
from tradewind.engine.executors.user_strategy import (
    BacktraderStrategy,
    absolute,
    is_backtrader,
    read_strategy,
    resolved,
)

HERE = Path(__file__).parent


class Many(bt.Strategy):  # type: ignore[misc]
    params = (
        ("period", 15),
        ("share", 0.5),
        ("name", "close"),
        ("short", False),
        ("levels", (1, 2)),
        ("ma", bt.ind.SMA),
        ("since", datetime.date(2020, 1, 1)),
        ("limit", None),
        ("score", lambda x: x),
        ("kind", "taken"),
    )


def document(**params: Any) -> Document:
    return Document("c.yaml", HERE, {"strategy": {"kind": "x", **params}}, {})


def read(setup: str | None = None, **params: Any) -> BacktraderStrategy:
    return read_strategy(Many, params, setup, document(**params))


def test_defaults_are_written_out_where_a_config_has_words_for_them() -> None:
    assert dict(read().params) == {
        "period": 15,
        "share": 0.5,
        "name": "close",
        "short": False,
        "levels": (1, 2),
        "since": datetime.date(2020, 1, 1),
    }


def test_the_class_is_given_what_it_would_be_given_in_python() -> None:
    made = read(ma="EMA", levels=[3, [4, 5]], limit=7, since="2021-02-03", share=2)
    assert made.kwargs["ma"] is bt.ind.EMA
    assert made.kwargs["levels"] == (3, (4, 5))
    assert made.kwargs["limit"] == 7
    assert made.kwargs["since"] == datetime.date(2021, 2, 3)
    assert made.kwargs["share"] == 2.0
    assert "score" not in made.kwargs, "a function keeps its default"
    assert made.params["ma"] == "EMA", "the run folder holds the name"


def test_an_indicator_may_be_named_through_a_family() -> None:
    assert read(ma="MovAv.EMA").kwargs["ma"] is bt.ind.EMA


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"perod": 3}, r"strategy.perod: unknown key \(did you mean 'period'\?\)"),
        ({"period": 2.5}, "strategy.period: wanted a whole number; found 2.5"),
        ({"period": "3"}, "strategy.period: wanted a whole number; found '3'"),
        ({"period": True}, "strategy.period: wanted a whole number; found True"),
        ({"share": "much"}, "strategy.share: wanted a number; found 'much'"),
        ({"short": 1}, "strategy.short: wanted true or false; found 1"),
        ({"levels": 3}, r"strategy.levels: wanted a list"),
        ({"name": 3}, "strategy.name: wanted text"),
        ({"since": "soon"}, "strategy.since: .*date"),
        ({"ma": "EMMA"}, r"strategy.ma: backtrader has no indicator 'EMMA' \(did you mean 'EMA'"),
        ({"ma": "num2date"}, "strategy.ma: backtrader has no indicator 'num2date'"),
        ({"score": 3}, "strategy.score: unknown key"),
    ],
)
def test_a_parameter_that_is_wrong_is_told_by_its_key(params: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(**params)


@pytest.mark.parametrize(
    ("setup", "says"),
    [
        ("nowhere.py:prepare", "backtrader.setup: no file .*nowhere.py"),
        ("backtrader_samples.py:nothing", "backtrader.setup: .* has no function 'nothing'"),
        ("backtrader_samples.py:Crossing", "has no function 'Crossing' that takes a Cerebro"),
    ],
)
def test_a_setup_that_is_not_there_is_told(setup: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(setup)


def test_a_setup_is_a_function_of_a_file() -> None:
    assert read("backtrader_samples.py:weeks").setup.__name__ == "weeks"  # type: ignore[union-attr]


def test_only_strategies_of_backtraders_are_taken_for_them() -> None:
    assert is_backtrader(Many)
    assert not is_backtrader(bt.Indicator)
    assert not is_backtrader(dict)


def test_a_name_of_a_file_is_made_absolute_and_a_registered_one_left() -> None:
    assert absolute("a.py:B", document()) == f"{HERE / 'a.py'}:B"
    assert absolute("sma_cross", document()) == "sma_cross"


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"commission": {"margin": 2_000.0}}, "backtrader.commission: a future or a leverage"),
        ({"commission": {"leverage": 2.0}}, "backtrader.commission: a future or a leverage"),
        ({"schemes": {"ES": {"mult": 50.0}}}, "backtrader.schemes.ES: a future or a leverage"),
        ({"stale_bars": True}, "backtrader.stale_bars: is for strategies of tradewind's"),
        ({"value_order": "traded"}, "backtrader.value_order: is for strategies of tradewind's"),
        ({"shortcash": False}, "backtrader.shortcash: without it a short sale takes cash"),
    ],
)
def test_an_account_whose_cash_is_not_that_of_its_fills_is_refused(
    block: dict[str, Any], says: str
) -> None:
    config = RunConfig.model_validate({"strategy": {"kind": "x"}, "backtrader": block})
    with pytest.raises(ConfigError, match=says):
        resolved(config, Many, document())


def test_what_is_resolved_says_whose_rules_and_whose_cerebro() -> None:
    config = RunConfig.model_validate(
        {"strategy": {"kind": "a.py:Many"}, "backtrader": {"setup": "backtrader_samples.py:weeks"}}
    )
    found, made = resolved(config, Many, document())
    assert (found.rules, found.executor) == ("backtrader", "cerebro")
    assert found.strategy.kind == f"{HERE / 'a.py'}:Many"
    assert found.backtrader.setup == f"{HERE / 'backtrader_samples.py'}:weeks"
    assert made.cls is Many

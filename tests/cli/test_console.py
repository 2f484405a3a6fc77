"""Tables, JSON and encodings."""

import io
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from tradewind.engine.cli.console import out, out_json, prepare_streams, table
from tradewind.engine.cli.summary import cut_wishes


def test_json_is_plain_whatever_it_is_made_of(capsys: pytest.CaptureFixture[str]) -> None:
    out_json({"nan": math.nan, "inf": np.inf, "n": np.int64(3), "path": Path("x"), "t": (1, "é")})
    text = capsys.readouterr().out
    assert json.loads(text) == {"nan": None, "inf": None, "n": 3, "path": "x", "t": [1, "é"]}
    assert text.isascii()
    assert text.count("\n") == 1


def test_a_table_aligns_words_left_and_numbers_right(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("a", "1.5", "\N{MINUS SIGN}2.0%"), ("long [b]name", "1,000", "\N{EN DASH}")]
    table("Title [x]", ("name", "n", "share"), rows)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Title [x]"
    assert [line for line in lines if "long [b]name" in line]
    (first,) = [line for line in lines if "1.5" in line]
    (second,) = [line for line in lines if "1,000" in line]
    assert first.index("1.5") + 3 == second.index("1,000") + 5
    assert not any(line.endswith(" ") for line in lines)


def test_a_table_nobody_looks_at_folds_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    table("", ("what",), [("x" * 300,)])
    assert "x" * 300 in capsys.readouterr().out


def test_an_empty_table_is_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    table("", ("a", "b"), [])
    assert capsys.readouterr().out.split()[:2] == ["a", "b"]


def test_a_terminal_that_lacks_a_character_shows_another(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    prepare_streams()
    out("1 \N{PLUS-MINUS SIGN} 2")
    assert raw.getvalue() == b"1 ? 2\n"


def test_colour_is_left_out_where_the_user_wants_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    table("Title", ("a",), [("1",)])
    assert "\x1b[3" not in capsys.readouterr().out


def test_cuts_are_said_with_their_caps_and_only_those_that_cut() -> None:
    cuts = {"total": 1_012, "name": 1_000, "group": 0, "gross": 12, "pyramiding": 0, "drawdown": 0}
    assert (
        cut_wishes(cuts) == "Sizing: wishes lowered 1,012 times by its caps (name 1,000, gross 12)"
    )
    assert (
        cut_wishes({"total": 1, "name": 1}) == "Sizing: wishes lowered 1 time by its caps (name 1)"
    )

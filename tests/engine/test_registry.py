"""Names in a config become classes, and their keys are checked against the constructor."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Le

from tradewind.engine import registry
from tradewind.engine.config.file import Document, parse
from tradewind.engine.errors import ConfigError, StrategyError


class Sample:
    """Keyword arguments of every sort a config can write."""

    def __init__(
        self,
        *,
        window: Annotated[int, Ge(1)],
        share: Annotated[float, Ge(0), Le(1)] = 0.5,
        mode: Literal["fast", "slow"] = "fast",
        layers: tuple[int, ...] = (8,),
        limit: int | None = None,
        copy: bool = False,
        schema: str = "s",
    ) -> None:
        if window == 13:
            raise StrategyError("sample: 13 brings bad luck")
        self.given = (window, share, mode, layers, limit, copy, schema)


def document(block: str, folder: Path = Path()) -> Document:
    return parse(f"strategy: {block}\n", where="c.yaml", folder=folder)


def test_keys_become_keyword_arguments_with_defaults_filled_in() -> None:
    params = {"window": 3, "layers": [4, 2], "copy": True, "share": 1, "schema": "t"}
    built = registry.build(Sample, params, document("{kind: x}"), key="strategy")
    assert built.given == (3, 1.0, "fast", (4, 2), None, True, "t")
    checked = registry.check(Sample, {"window": 3}, document("{kind: x}"), key="strategy")
    assert checked == {
        "window": 3, "share": 0.5, "mode": "fast", "layers": (8,), "limit": None, "copy": False,
        "schema": "s",
    }  # fmt: skip


KEYS = "copy, layers, limit, mode, schema, share, window"
FAULTS = [
    ("windw: 3", "1:21: strategy.windw: unknown key (did you mean 'window'?)"),
    ("window: 3, q: 1", f"1:32: strategy.q: unknown key; valid keys: {KEYS}"),
    ("window: 0", "1:21: strategy.window: wanted at least 1; found 0"),
    ("window: '3'", "1:21: strategy.window: wanted a whole number; found '3'"),
    ("window: true", "1:21: strategy.window: wanted a whole number; found True"),
    ("window: 3.5", "1:21: strategy.window: wanted a whole number; found 3.5"),
    ("window: 3, share: .nan", "1:32: strategy.share: wanted a finite number; found nan"),
    ("window: 3, share: 2", "1:32: strategy.share: wanted at most 1; found 2"),
    (
        "window: 3, mode: slwo",
        "1:32: strategy.mode: wanted 'fast' or 'slow'; found 'slwo' (did you mean 'slow'?)",
    ),
    ("window: 3, layers: 4", "1:32: strategy.layers: wanted a list, [a, b]; found 4"),
    ("window: 3, layers: [4, x]", "1:44: strategy.layers.1: wanted a whole number; found 'x'"),
    ("window: 13", "1:1: strategy: sample: 13 brings bad luck"),
    ("", "1:1: strategy.window: is missing and has no default"),
]


@pytest.mark.parametrize(("keys", "message"), FAULTS)
def test_a_wrong_key_is_named_at_its_place(keys: str, message: str) -> None:
    doc = document(f"{{kind: x, {keys}}}")
    params = {k: v for k, v in doc.values["strategy"].items() if k != "kind"}
    with pytest.raises(ConfigError) as caught:
        registry.build(Sample, params, doc, key="strategy")
    assert str(caught.value) == f"c.yaml:{message}"


class Greedy:
    def __init__(self, **kwargs: int) -> None:
        del kwargs


class Positional:
    def __init__(self, window: int, /) -> None:
        del window


def test_a_constructor_that_swallows_any_key_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Greedy: takes \*args or \*\*kwargs; name every"):
        registry.build(Greedy, {}, document("{kind: x}"), key="strategy")
    with pytest.raises(ConfigError, match="Positional: window must be usable as a keyword"):
        registry.build(Positional, {}, document("{kind: x}"), key="strategy")


def test_an_annotation_that_does_not_exist_is_named() -> None:
    namespace: dict[str, type] = {}
    exec("class Lost:\n def __init__(self, *, x: 'Nowhere'): ...", namespace)
    with pytest.raises(ConfigError, match="Lost: cannot read its constructor: name 'Nowhere'"):
        registry.signature_model(namespace["Lost"])


@pytest.mark.parametrize(
    ("group", "key"), [("strategies", "strategy"), ("forecasters", "forecaster")]
)
def test_an_unknown_name_lists_the_known_ones(group: str, key: str) -> None:
    known = registry.names(group)
    assert known == sorted(known)
    with pytest.raises(ConfigError) as caught:
        registry.find(
            group, "zzz", parse(f"{key}: {{kind: zzz}}", where="c", folder=Path()), key=key
        )
    assert str(caught.value) == (
        f"c:1:{len(key) + 4}: {key}.kind: unknown 'zzz'; known: {', '.join(known)}, "
        "or path/to/file.py:Class"
    )


def test_a_misspelt_name_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown 'sma_cros' \(did you mean 'sma_cross'\?\)"):
        registry.find("strategies", "sma_cros", document("{kind: sma_cros}"), key="strategy")


def plugged(monkeypatch: pytest.MonkeyPatch, *values: str) -> None:
    entries = [EntryPoint("mine", value, "tradewind.strategies") for value in values]
    monkeypatch.setattr(registry, "entry_points", lambda group: entries)


def test_another_package_plugs_in_the_way_ours_does(monkeypatch: pytest.MonkeyPatch) -> None:
    plugged(monkeypatch, "decimal:Decimal")
    from decimal import Decimal

    assert registry.find("strategies", "mine", document("{kind: mine}"), key="strategy") is Decimal


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            ("no_such_module_at_all:X",),
            r"mine \(no_such_module_at_all:X\) does not load: ModuleNotF",
        ),
        (("math:pi",), r"mine \(math:pi\) is 3.14\d*, wanted a class"),
        (
            ("decimal:Decimal", "fractions:Fraction"),
            "'mine' is registered by 2 packages: decimal:De",
        ),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, values: tuple[str, ...], message: str
) -> None:
    plugged(monkeypatch, *values)
    with pytest.raises(ConfigError, match=message):
        registry.find("strategies", "mine", document("{kind: mine}"), key="strategy")


def from_file(folder: Path, code: str, class_name: str = "Mine", name: str = "mine.py") -> type:
    (folder / name).write_text(code)
    kind = f"{name}:{class_name}"
    return registry.find("strategies", kind, document(f"{{kind: {kind}}}", folder), key="strategy")


def test_a_class_in_a_file_beside_the_config_is_found(tmp_path: Path) -> None:
    (tmp_path / "mine_tools.py").write_text("ANSWER = 42\n")
    found = from_file(tmp_path, "import mine_tools\nclass Mine:\n    x = mine_tools.ANSWER\n")
    assert found.x == 42  # type: ignore[attr-defined]
    assert sys.modules[found.__module__].__file__ == str(tmp_path / "mine.py")


def test_files_of_one_name_in_two_folders_are_two_modules(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = from_file(tmp_path / "a", "class Mine: x = 1\n")
    two = from_file(tmp_path / "b", "class Mine: x = 2\n")
    assert (one.x, two.x) == (1, 2)  # type: ignore[attr-defined]


def test_a_file_named_like_a_library_replaces_nobody(tmp_path: Path) -> None:
    import random

    from_file(tmp_path, "class Mine: ...\n", name="random.py")
    assert sys.modules["random"] is random


@pytest.mark.parametrize(
    ("code", "class_name", "message"),
    [
        ("class Mine: ...", "Mnie", r"mine.py has no class 'Mnie' \(did you mean 'Mine'\?\)"),
        ("class Other: ...", "Zebra", "mine.py has no class 'Zebra'; it has: Other"),
        ("Mine = 3", "Mine", "mine.py has no class 'Mine'"),
        (
            "x = 1\nclass Mine(\n",
            "Mine",
            r"mine.py does not load: SyntaxError: .*\(mine.py, line 2\)",
        ),
        ("x = 1\n1 / 0\n", "Mine", "mine.py does not load: line 2: ZeroDivisionError: division by"),
        ("import no_such_thing", "Mine", "does not load: line 1: ModuleNotFoundError: No module"),
        ("raise SystemExit(0)", "Mine", "mine.py does not load: line 1: SystemExit: 0"),
        ("a = '\x00'", "Mine", "mine.py does not load"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, code: str, class_name: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        from_file(tmp_path, code, class_name)
    assert str(caught.value).startswith("c.yaml:1:12: strategy.kind: ")


def test_a_file_that_fails_half_way_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ZeroDivisionError"):
        from_file(tmp_path, "class Mine: ...\n1 / 0\n", name="halfway.py")
    assert not [name for name in sys.modules if "halfway" in name]
    assert from_file(tmp_path, "class Mine: x = 1\n", name="halfway.py").__name__ == "Mine"


def test_a_missing_file_says_what_its_path_is_relative_to(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no file .*nope.py; the path is relative to the config"):
        registry.find("strategies", "nope.py:X", document("{kind: x}", tmp_path), key="strategy")

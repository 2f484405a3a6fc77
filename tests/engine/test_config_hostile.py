"""Whatever a config file holds, reading it ends quickly and in a ConfigError or a config."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tradewind.engine.config.file import (
    load,
    override,
    parse,
    preset_names,
    read_document,
    validate,
)
from tradewind.engine.config.run import RunConfig
from tradewind.engine.errors import ConfigError

FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def bomb(levels: int, width: int = 9) -> str:
    """Billion laughs: each line holds the one before many times."""
    lines = ["a0: &a0 [x]"]
    for i in range(levels):
        lines.append(f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * width)}]")
    return "\n".join(lines)


def mapping_bomb(levels: int) -> str:
    lines = ["a0: &a0 {x: 1}"]
    for i in range(levels):
        pairs = ", ".join(f"k{j}: *a{i}" for j in range(9))
        lines.append(f"a{i + 1}: &a{i + 1} {{{pairs}}}")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (bomb(9), r"^c:6:15: holds more than 20,000 values, aliases counted"),
        (mapping_bomb(9), r"^c:5:68: holds more than 20,000 values, aliases counted"),
        ("a: &a [*a]", r"^c:1:8: holds more than 20,000 values, aliases counted"),
        ("a: &a {b: *a}", r"^c:1:11: holds more than 20,000 values, aliases counted"),
        ("a: " + "[" * 100, r"^c:1:27: nested deeper than 24 levels"),
        ("a: " + "{b: " * 100, r"^c:1:96: nested deeper than 24 levels"),
        ("a: [" + "x, " * 50_000 + "x]", r"holds more than 20,000 values"),
        ("a: *nowhere", r"^c:1:4: not valid YAML: found undefined alias"),
    ],
)
def test_what_would_grow_without_end_is_refused_before_it_is_built(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(text, where="c", folder=Path())


def test_an_alias_of_ordinary_size_is_welcome() -> None:
    document = parse("a: &a [1, 2]\nb: *a\nc: *a", where="c", folder=Path())
    assert document.values == {"a": [1, 2], "b": [1, 2], "c": [1, 2]}
    assert document.positions["b",] == (2, 1)


@pytest.mark.parametrize(
    ("text", "place", "tag"),
    [
        ("a: !!python/object/apply:os.system ['true']", "1:4", "python/object/apply:os.system"),
        ("a: !!python/name:os.system", "1:4", "python/name:os.system"),
        ("a: !include other.yaml", "1:4", "!include"),
        ("a: !!binary aGVsbG8=", "1:4", "binary"),
        ("a: !!set {x, y}", "1:4", "set"),
        ("a:\n  - !!omap [x: 1]", "2:5", "omap"),
        ("!secret a: 1", "1:1", "!secret"),
    ],
)
def test_tags_are_refused_where_they_stand(text: str, place: str, tag: str) -> None:
    with pytest.raises(ConfigError, match=rf"^c:{place}: the tag \S*{tag} is not accepted"):
        parse(text, where="c", folder=Path())


def test_merge_keys_are_refused_where_they_stand() -> None:
    with pytest.raises(ConfigError, match=r"^c:2:5: merge keys \(<<\) are not accepted"):
        parse("a: &a {x: 1}\nb: {<<: *a}", where="c", folder=Path())


def test_two_documents_in_one_file_are_refused() -> None:
    with pytest.raises(ConfigError, match="not valid YAML: but found another document"):
        parse("a: 1\n---\nb: 2\n", where="c", folder=Path())


def test_a_number_too_long_to_read_is_refused_where_it_stands() -> None:
    with pytest.raises(ConfigError, match=r"^c:1:7: cannot be read: '9999"):
        parse(f"seed: {'9' * 5000}", where="c", folder=Path())


def test_a_file_larger_than_any_config_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text("# x\n" * 70_000)
    with pytest.raises(ConfigError, match="larger than 256,000 bytes; that is no config file"):
        read_document(path)


def test_an_endless_device_is_refused() -> None:
    device = Path("/dev/zero")
    if not device.exists():
        pytest.skip("there is no such device here")
    with pytest.raises(ConfigError, match="no such file"):
        read_document(device)


BASES = [
    (Path(__file__).parents[2] / "configs" / f"{name}.yaml").read_text("utf-8")
    for name in preset_names()
]
# fmt: off
SPICE = [
    "&a ", "*a", "!!int ", "!x ", "{", "}", "[", "]", ":", "? ", "- ", "|\n", ">\n", "'", '"', "#",
    "%YAML 1.1\n---\n", "---\n", "...\n", "<<: ", "~", "\t", "\n", "\\ud800", '"\\ud800"', "\x85",
    "=", ".inf", ".nan", "1e999", "0x", "0b2", "1_0", "2013-02-30", "12:30:45", "true", "null", "@",
]
# fmt: on


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A preset with a few cuts, copies and insertions of what YAML treats specially."""
    text = draw(st.sampled_from(BASES))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        to = draw(st.integers(at, min(len(text), at + 40)))
        piece = draw(st.sampled_from(SPICE) | st.text(max_size=8) | st.just(text[at:to] * 2))
        text = text[:at] + piece + text[to:]
    return text


def read(text: str) -> RunConfig | None:
    try:
        return validate(RunConfig, parse(text, where="c", folder=Path()))
    except ConfigError as error:
        assert str(error).startswith(("c:", "--set")), "every message says where"
        return None


@FUZZ
@given(mutated())
@example('strategy: {kind: "\\ud800"}')
@example('strategy: {kind: x}\n"\\ud800": 1')
@example("%YAML 1.1\n---\nstrategy: {kind: 012, x: 0o8, y: 1:30}\n")
@example("strategy: {kind: x, a: =}\n=: 1")
def test_a_mutated_config_is_read_or_refused(text: str) -> None:
    config = read(text)
    assert config is None or isinstance(config, RunConfig)


@FUZZ
@given(st.text(alphabet=st.characters() | st.sampled_from(":-[]{}&*!|>'\"#%@`,? \n"), max_size=60))
def test_any_text_at_all_is_read_or_refused(text: str) -> None:
    config = read(text)
    assert config is None or isinstance(config, RunConfig)


@FUZZ
@given(
    st.sampled_from(["seed", "data", "data.symbols", "strategy.fast", "costs.spread", "x.y"]),
    st.text(max_size=30),
)
def test_any_override_is_taken_or_refused(key: str, value: str) -> None:
    document = parse(BASES[-1], where="c", folder=Path())
    try:
        config = validate(RunConfig, override(document, [f"{key}={value}"]))
    except ConfigError:
        return
    assert isinstance(config, RunConfig)


@FUZZ
@given(st.binary(max_size=60))
def test_any_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        load(path)

"""A config file is read into frozen, strictly typed values, or refused with its place."""

from pathlib import Path

import pytest

from tradewind.engine.config import file as config_file
from tradewind.engine.config.file import load, override, parse, preset_names, read_document
from tradewind.engine.config.run import RunConfig
from tradewind.engine.config.sizing import VolatilityTargetConfig
from tradewind.engine.errors import ConfigError

GOOD = """\
name: good
seed: 7
data: {source: embedded, symbols: [MSFT, KO], start: 2014-01-02, end: 2015-12-31}
strategy:
  kind: sma_cross
  fast: 5
sizing: {kind: volatility_target, vol_annual: 0.2}
"""


def refusal(folder: Path, text: str, *assignments: str) -> str:
    """Message with which a config is refused; the file's folder cut off."""
    path = folder / "config.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, assignments)
    return str(caught.value).replace(f"{folder}/", "")


def test_a_config_becomes_frozen_values_with_every_default(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(GOOD)
    config, document = load(tmp_path / "config.yaml")
    assert config.data.symbols == ("MSFT", "KO")
    assert config.strategy.params == {"fast": 5}
    assert isinstance(config.sizing, VolatilityTargetConfig)
    assert config.account.cash == 100_000
    assert document.positions["strategy", "fast"] == (6, 3)
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 8  # type: ignore[misc]


OTHERS = (
    "forecast-bench",
    "pareto-front",
    "rbm-momentum",
    "rbm-momentum-long",
    "sweep-sma",
)  # presets that are no single run
FAULTS = [
    (
        "strategy:\n  kind: x\ndata:\n  sorce: csv\n",
        "4:3: data.sorce: unknown key (did you mean 'source'?)",
    ),
    ("strateg:\n  kind: x\n", "1:1: strateg: unknown key (did you mean 'strategy'?)"),
    (
        "strategy: {kind: x}\ncosts: {fee_pct: 1}\n",
        "2:9: costs.fee_pct: unknown key (did you mean 'fee_bps'?)",
    ),
    (
        "strategy: {kind: x}\ncosts: {spread: {q: 1}}\n",
        "2:18: costs.spread.q: unknown key; valid keys: bps, kind",
    ),
    (
        "strategy: {kind: x}\ncosts: {spread: {kind: estmated}}\n",
        "2:18: costs.spread.kind: unknown 'estmated' (did you mean 'estimated'?)",
    ),
    (
        "strategy: {kind: x}\ncosts: {spread: {kind: estimated, estimator: roll}}\n",
        "2:35: costs.spread.estimator: wanted 'edge', 'corwin_schultz' or 'abdi_ranaldo'; "
        "found 'roll'",
    ),
    (
        "strategy: {kind: x}\ncosts: {spread: {kind: by_symbol, bps: {KO: -1}}}\n",
        "2:41: costs.spread.bps.KO: wanted at least 0; found -1",
    ),
    (
        "strategy: {kind: x}\nsizing: {kind: volatility_target, lookbak: 3}\n",
        "2:35: sizing.lookbak: unknown key (did you mean 'lookback'?)",
    ),
    (
        "strategy: {kind: x}\nforecaster: {kind: y, walk_forward: {trian: 100}}\n",
        "2:38: forecaster.walk_forward.trian: unknown key (did you mean 'train'?)",
    ),
    ("strategy: {kind: x}\nseed: 1\nseed: 2\n", "3:1: seed: stands twice; keep one"),
    ("strategy: {kind: x, kind: y}\n", "1:21: strategy.kind: stands twice; keep one"),
    ("strategy: {kind: x}\nseed: '7'\n", "2:1: seed: wanted a whole number; found '7'"),
    ("strategy: {kind: x}\nseed: true\n", "2:1: seed: wanted a whole number; found True"),
    ("strategy: {kind: x}\nseed: 7.0\n", "2:1: seed: wanted a whole number; found 7.0"),
    ("strategy: {kind: x}\nseed: -1\n", "2:1: seed: wanted at least 0; found -1"),
    (
        "strategy: {kind: x}\nseed: 2147483648\n",
        "2:1: seed: wanted less than 2,147,483,648; found 2147483648",
    ),
    (
        "strategy: {kind: x}\naccount: {cash: 0}\n",
        "2:11: account.cash: wanted more than 0; found 0",
    ),
    (
        "strategy: {kind: x}\naccount: {cash: .inf}\n",
        "2:11: account.cash: wanted a finite number; found inf",
    ),
    (
        "strategy: {kind: x}\naccount: {cash: .nan}\n",
        "2:11: account.cash: wanted a finite number; found nan",
    ),
    (
        "strategy: {kind: x}\naccount: {fractional: 1}\n",
        "2:11: account.fractional: wanted true or false; found 1",
    ),
    (
        "strategy: {kind: x}\ncosts: {fee_bps: 2000}\n",
        "2:9: costs.fee_bps: wanted at most 1,000; found 2000",
    ),
    ("strategy: {kind: x}\ncosts: 3\n", "2:1: costs: wanted a block of keys; found 3"),
    ("strategy: {kind: x}\ncosts:\n", "2:1: costs: wanted a block of keys; found nothing"),
    ("strategy: {kind: x}\nname: 5\n", "2:1: name: wanted text (put it in quotes); found 5"),
    (
        "strategy: {kind: x}\ndata: {symbols: 5}\n",
        "2:8: data.symbols: wanted a list, [a, b] or 'all'; found 5",
    ),
    (
        "strategy: {kind: x}\ndata: {symbols: [KO, TRUE]}\n",
        "2:22: data.symbols.1: wanted text (put it in quotes); found True",
    ),
    (
        "strategy: {kind: x}\ndata: {start: 2013-02-30}\n",
        "2:8: data.start: wanted a date such as 2013-03-01; found '2013-02-30'",
    ),
    (
        "strategy: {kind: x}\ndata: {start: 2014-01-02, end: 2013-01-02}\n",
        "2:1: data: start 2014-01-02 lies after end 2013-01-02; swap them",
    ),
    (
        "strategy: {kind: x}\nexecutor: kernal\n",
        "2:1: executor: wanted 'kernel', 'interpreted' or 'cerebro'; "
        "found 'kernal' (did you mean 'kernel'?)",
    ),
    (
        "strategy: {kind: x}\nsizing: {kind: vol_target}\n",
        "2:10: sizing.kind: unknown 'vol_target' (did you mean 'volatility_target'?)",
    ),
    (
        "strategy: {kind: x}\nsizing: {weight: 1}\n",
        "2:1: sizing.kind: is missing and has no default",
    ),
    ("strategy: {fast: 3}\n", "1:1: strategy.kind: is missing and has no default"),
    ("seed: 1\n", " strategy: is missing and has no default"),
    ("a: [1\nb: 2\n", "2:2: not valid YAML: expected ',' or ']', but got ':'"),
    ("a: b: c\n", "1:5: not valid YAML: mapping values are not allowed here"),
    ("- a\n- b\n", "1:1: wanted keys and values at the top, found a list"),
    ("just words\n", "1:1: wanted keys and values at the top, found text"),
    ("strategy: {kind: x}\n? [a, b]\n: 1\n", "2:3: a key must be text, found a block or a list"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_a_fault_is_named_with_file_line_column_and_key(
    tmp_path: Path, text: str, message: str
) -> None:
    assert refusal(tmp_path, text) == f"config.yaml:{message}"


def test_all_faults_are_listed_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "seed: x\nstrategy: {kind: 3}\ncosts: {fee: 1, slippage_bps: -1}\n"
    assert refusal(tmp_path, text).splitlines() == [
        "config.yaml:1:1: seed: wanted a whole number; found 'x'",
        "config.yaml:2:12: strategy.kind: wanted text (put it in quotes); found 3",
        "config.yaml:3:9: costs.fee: unknown key (did you mean 'fees'?)",
        "config.yaml:3:17: costs.slippage_bps: wanted at least 0; found -1",
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_file_says_how_to_get_one_to_start_from(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, text) == (
        "config.yaml: is empty; 'tradewind init' writes one to start from"
    )


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"seed: 1\n\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"not UTF-8 text at byte 8; is it YAML\?"):
        load(path)
    path.write_bytes(b"seed: \x00\n")
    with pytest.raises(ConfigError, match=r"config.yaml.*: not valid YAML"):
        load(path)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"\xef\xbb\xbfstrategy: {kind: x}\n")
    assert load(tmp_path / "config.yaml")[0].strategy.kind == "x"


def test_a_missing_file_names_the_nearest_preset() -> None:
    with pytest.raises(ConfigError, match=r"^sma-cros: no such file .*did you mean 'sma-cross'\?"):
        read_document("sma-cros")
    presets = (
        "forecast-bench, inverse-volatility, lstm-timing, momentum, momentum-portfolio, "
        "pairs, pairs-ggr, pareto-front, rbm-momentum, rbm-momentum-long, risk-parity, sma-cross, "
        "sweep-sma"
    )
    with pytest.raises(ConfigError, match=rf"^qqq: no such file .*; presets: {presets}"):
        read_document("qqq")


def test_a_folder_is_no_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder; name a config file"):
        read_document(tmp_path)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", ""])
def test_a_name_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        read_document(name)


@pytest.mark.parametrize("name", [name for name in preset_names() if name not in OTHERS])
def test_every_preset_is_valid_and_carries_its_own_name(name: str) -> None:
    config, _ = load(name)
    assert config.name == name
    assert load(f"{name}.yaml")[0] == config


def test_relative_data_paths_are_relative_to_the_config(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "strategy: {kind: x}\ndata: {source: csv, path: ../bars.csv, store: ~/s}\n"
    )
    data = load(tmp_path / "config.yaml")[0].data
    assert data.path == tmp_path.parent / "bars.csv"
    assert data.store == Path.home() / "s"


def test_yaml_1_2_leaves_no_and_on_as_the_tickers_they_are() -> None:
    document = parse("symbols: [NO, ON, Y, 1_000]", where="c", folder=Path())
    assert document.values == {"symbols": ["NO", "ON", "Y", 1000]}


def test_overrides_replace_add_and_reach_into_blocks() -> None:
    document = parse(GOOD, where="c.yaml", folder=Path())
    changed = override(
        document,
        ["seed=9", "strategy.slow=50", "account.cash=5e4", "data.symbols=[KO]", "benchmark=cash"],
    )
    config = config_file.validate(RunConfig, changed)
    assert (config.seed, config.account.cash, config.benchmark) == (9, 50_000, "cash")
    assert config.data.symbols == ("KO",)
    assert config.strategy.params == {"fast": 5, "slow": 50}
    assert document.values["seed"] == 7, "the document overridden stays as it was"


def test_a_later_override_of_the_same_key_wins() -> None:
    document = parse(GOOD, where="c.yaml", folder=Path())
    assert override(document, ["seed=1", "seed=2"]).values["seed"] == 2


def test_below_the_space_of_a_sweep_a_path_is_one_key() -> None:
    text = "sweep: {space: {strategy.fast: {low: 2, high: 60}}}"
    changed = override(
        parse(text, where="f.yaml", folder=Path()),
        [
            "sweep.space.strategy.fast.low=5",
            "sweep.space.strategy.slow={low: 20, high: 90}",
            "sweep.space.strategy.slow.high=80",
            "sweep.space.seed=[1, 2]",
        ],
    )
    assert changed.values["sweep"]["space"] == {
        "strategy.fast": {"low": 5, "high": 60},
        "strategy.slow": {"low": 20, "high": 80},
        "seed": [1, 2],
    }
    fresh = override(
        parse("seed: 1", where="f.yaml", folder=Path()),
        ["sweep.space.costs.fee_bps={low: 1, high: 2}"],
    )
    assert fresh.values["sweep"]["space"] == {"costs.fee_bps": {"low": 1, "high": 2}}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("costs.fee=1", "--set[0]: costs.fee: unknown key (did you mean 'fees'?)"),
        ("seed=x", "--set[0]: seed: wanted a whole number; found 'x'"),
        ("seed", "--set[0]: 'seed': wanted key=value, for example costs.fee_bps=2"),
        ("=3", "--set[0]: '=3': wanted key=value, for example costs.fee_bps=2"),
        (
            "costs..fee_bps=3",
            "--set[0]: 'costs..fee_bps=3': wanted key=value, for example costs.fee_bps=2",
        ),
        ("seed.x=3", "--set[0]: seed: wanted a block of keys, found 7"),
        (
            "data.symbols=[a",
            "--set[0]:1:3: not valid YAML: expected ',' or ']', but got '<stream end>'",
        ),
        (
            "strategy=!shell x",
            "--set[0]:1:1: the tag !shell is not accepted; write a plain value",
        ),
        (
            "data.end=2013-01-01",
            "config.yaml:3:1: data: start 2014-01-02 lies after end 2013-01-01; swap them",
        ),
    ],
)
def test_a_wrong_override_is_named_by_its_number(
    tmp_path: Path, assignment: str, message: str
) -> None:
    assert refusal(tmp_path, GOOD, assignment) == message

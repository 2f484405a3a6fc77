"""Code that usually looks ahead is pointed at by line and column; honest code is let be."""

from pathlib import Path

import pytest

from tradewind.engine.audit.static_rules import RULES
from tradewind.engine.audit.statics import code_files, read_code, statics
from tradewind.engine.errors import ConfigError

ROOT = Path(__file__).parents[3]

# code -> the rule it breaks
BAD = {
    "x = close.shift(-1)": "shift",
    "x = close.shift(periods=-n)": "shift",
    "x = close.pct_change(-5)": "diff",
    "x = np.roll(close, -1, axis=0)": "roll",
    "x = np.roll(close, 1)": "roll_wraps",
    "x = frame.bfill()": "backfill",
    "x = frame.backfill()": "backfill",
    "x = frame.fillna(method='bfill')": "backfill",
    "x = frame.reindex(days, method='nearest')": "nearest",
    "x = pd.merge_asof(a, b, on='ts', direction='forward')": "nearest",
    "x = close.rolling(21, center=True).mean()": "centred",
    "x = close.interpolate()": "interpolate",
    "x = np.interp(t, known, values)": "interpolate",
    "x = savgol_filter(close, 21, 3)": "smoother",
    "x = scipy.signal.filtfilt(b, a, close)": "smoother",
    "x = seasonal_decompose(close).trend": "smoother",
    "x = pywt.wavedec(close, 'db4')": "whole_filter",
    "x = np.fft.rfft(close)": "whole_filter",
    "x = np.convolve(close, kernel, mode='same')": "same_mode",
    "x = StandardScaler().fit_transform(features)": "fit_all",
    "scaler.fit(features)": "fit_all",
    "x = PCA(3).fit_transform(returns)": "fit_all",
    "x = (close - close.mean()) / close.std()": "z_score",
    "x = (close - np.nanmean(close)) / np.nanstd(close)": "z_score",
    "x = returns.rank(pct=True)": "rank",
    "x = pd.qcut(returns, 5)": "quantile_bins",
    "x = close[::-1].cummin()[::-1]": "backwards",
    "x = np.maximum.accumulate(close[::-1])": "backwards",
    "x = close.iloc[::-1].cumsum()": "backwards",
    "a, b = train_test_split(x, labels)": "shuffled",
    "cv = KFold(5, shuffle=True)": "shuffled",
    "cv = ShuffleSplit(10)": "shuffled",
    "cv = KFold(5)": "no_time",
    "score = cross_val_score(model, x, labels)": "no_time",
    "cv = TimeSeriesSplit(5)": "no_gap",
    "model.fit(x_train, y_train, eval_set=[(x_test, y_test)])": "test_stops",
    "model.fit(X_test, y_test)": "fit_test",
    "week = bars.resample('W', label='left').last()": "left_label",
    "hour = bars.resample('1h').last()": "default_label",
    "up = (close.shift(-5) > close).astype(int)": "tail",
    "up = np.where(close.shift(-5) > close, 1, 0)": "tail",
    "whole = panel.close.base": "base",
    "class S:\n    def next(self):\n        return self.data.close[1]": "next_line",
    "cerebro.broker.set_coc(True)": "cheat",
    "bt.Cerebro(cheat_on_open=True)": "cheat",
}
GOOD = (
    "x = close.shift(1)",
    "target = close.shift(-5) / close - 1",
    "frame['y'] = close.shift(-1)",
    "frame = frame.assign(label=close.shift(-1))",
    "def labels(close):\n    return close.shift(-5)",
    "x = frame.ffill()",
    "x = close.rolling(21).mean()",
    "x = scaler.fit(x_train).transform(x)",
    "x = scaler.fit(features[:stop]).transform(features)",
    "forecaster.fit(past)",
    "x = (close - close.rolling(20).mean()) / close.rolling(20).std()",
    "x = returns.sub(returns.mean(axis=1), axis=0)",
    "x = returns.rank(axis=1)",
    "x = returns.expanding().rank()",
    "x = close.cumsum()[::-1]",
    "a, b = train_test_split(x, labels, shuffle=False)",
    "cv = TimeSeriesSplit(5, gap=5)",
    "week = bars.resample('W').last()",
    "hour = bars.resample('1h', label='right', closed='right').last()",
    "x = self.data.close[-1]",
    "x = lfilter(b, a, close)",
    "x = close.shift(-1)  # audit: ok, drawn in a chart",
)


def written(folder: Path, code: str) -> Path:
    path = folder / "mine.py"
    path.write_text(code + "\n", "utf-8")
    return path


@pytest.mark.parametrize(("code", "rule"), BAD.items())
def test_a_line_that_looks_ahead_is_pointed_at(code: str, rule: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"import numpy as np\n\n{code}")
    found = {one.column: one for one in read_code(path)}
    assert rule in found
    file, line, column = found[rule].place.rsplit(":", 2)
    assert file == str(path)
    assert int(line) == 2 + len(code.splitlines())
    assert 1 <= int(column) <= len(code)
    assert found[rule].advice == RULES[rule].instead


@pytest.mark.parametrize("code", GOOD)
def test_an_honest_line_is_let_be(code: str, tmp_path: Path) -> None:
    assert read_code(written(tmp_path, code)) == []


def test_every_rule_has_an_example() -> None:
    assert set(BAD.values()) == set(RULES)


def test_the_column_is_that_of_the_word(tmp_path: Path) -> None:
    found = read_code(written(tmp_path, "x = 1\nsmooth = close.rolling(5, center=True).mean()"))
    assert [one.place.rsplit(":", 2)[1:] for one in found] == [["2", "16"]]


@pytest.mark.parametrize("folder", ["strategies", "forecasters", "engine/features"])
def test_code_that_ships_is_let_be(folder: str) -> None:
    files = code_files(ROOT / folder)
    findings, checks = statics(files)
    assert len(checks) == len(files) > 3
    assert not findings, [one.place for one in findings]


def test_files_beside_are_read_when_they_are_imported(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def smooth(x):\n    return x.bfill()\n", "utf-8")
    (tmp_path / "other.py").write_text("x.bfill()\n", "utf-8")
    files = code_files(written(tmp_path, "from helper import smooth"))
    assert [path.name for path in files] == ["helper.py", "mine.py"]
    assert [one.part for one in statics(files)[0]] == ["helper.py"]


def test_a_file_that_is_no_python_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mine\.py:1: is no Python"):
        read_code(written(tmp_path, "def ("))


def test_a_folder_without_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no Python file"):
        code_files(tmp_path)
    with pytest.raises(ConfigError, match="no such file or folder"):
        code_files(tmp_path / "gone.py")

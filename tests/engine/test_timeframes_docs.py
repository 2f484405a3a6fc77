"""The worked tables of docs/timeframes.md are what the code gives."""

import re
from pathlib import Path

import numpy as np

from tests.minutes import bars_of, ns, session_bars, utc
from tradewind.engine.bars.resampling import resample
from tradewind.engine.bars.timeframes import finished
from tradewind.engine.config.file import validate
from tradewind.engine.config.run import DataConfig, RunConfig
from tradewind.engine.config.yaml import parse
from tradewind.engine.records import FIELDS

TEXT = (Path(__file__).parents[2] / "docs" / "timeframes.md").read_text("utf-8")


def rows(pattern: str) -> list[list[str]]:
    """Cells of the table rows whose text begins so."""
    found = [line for line in TEXT.splitlines() if re.match(pattern, line)]
    assert found
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found]


def test_the_half_day_is_put_together_as_the_page_says() -> None:
    given = rows(r"\| 2013-11-29 ")
    values = [(row[0].replace(" ", "T"), *(float(cell) for cell in row[1:6])) for row in given]
    fine = bars_of(values, interval="30min", calendar="XNYS")  # type: ignore[arg-type]
    made = [
        [length, *when, *(f"{getattr(panel, name)[t, 0]:g}" for name in FIELDS)]
        for length in ("1h", "1d")
        for panel in [resample(fine, length).panel]
        for t, when in enumerate([stamp.replace("T", " ")] for stamp in utc(panel.ts))
    ]
    assert made == rows(r"\| 1[hd] \| 2013")
    for column, length in ((6, "1h"), (7, "1d")):
        longer = finished(fine, length)
        seen = longer.spread(longer.panel.close)[:, 0]
        shown = ["-" if np.isnan(close) else f"{close:g}" for close in seen]
        assert shown == [row[column] for row in given]


def test_the_change_of_clocks_is_as_the_page_says() -> None:
    for title, opened, hours, closed in rows(r"\| (Friday|Monday) 2013"):
        day = title.split()[1]
        ts = session_bars("XNYS", day, day, 30)
        fine = bars_of([(moment, 1, 1, 1, 1, 1) for moment in utc(ts)], interval="30min",
                       calendar="XNYS")  # fmt: skip
        assert int(ts[0]) - 30 * 60_000_000_000 == ns(f"{day}T{opened}")
        assert [at[11:] for at in utc(resample(fine, "1h").panel.ts)] == hours.split()
        assert [at[11:] for at in utc(resample(fine, "1d").panel.ts)] == [closed]


def test_every_config_shown_is_valid() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        document = parse(f"{block}\nstrategy: {{kind: sma_cross}}", where="doc", folder=Path("/x"))
        assert validate(RunConfig, document).data != DataConfig()

"""docs/forecasting.md lists the features there are, and no others."""

import re
from pathlib import Path

from tradewind.engine import features

TEXT = (Path(__file__).parents[2] / "docs" / "forecasting.md").read_text("utf-8")
ROW = re.compile(r"^\| (`[^|]+`) \| [^|]+ \|$", re.MULTILINE)


def listed() -> set[str]:
    """Names in the table, ``_cos`` after ``calendar.weekday_sin`` written out."""
    section = TEXT.split("## Features")[1].split("### Indicators")[0]
    names: set[str] = set()
    for cell in ROW.findall(section):
        before = ""
        for name in re.findall(r"`([^`]+)`", cell):
            names.add(re.sub(r"_[a-z]+$", "", before) + name if name.startswith("_") else name)
            before = name
    return names


def test_every_feature_is_listed_and_everything_listed_is_one() -> None:
    stems = {
        re.sub(r"^(rank|cross_z|market|group|other\.SPY)\.return_N$", r"\1.FEATURE", name)
        for name in features.known()
        if not name.startswith("ta.")
    }
    stems = {re.sub(r"^ahead_N\.calendar\.\w+$", "ahead_N.calendar.NAME", name) for name in stems}
    assert listed() == stems | {"ta.NAME"}

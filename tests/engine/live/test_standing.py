"""A status read from a summary and what is behind it is that of every event."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.paper_runs import begun, worked
from tradewind.engine.executors import state as states
from tradewind.engine.journal.event import Event
from tradewind.engine.journal.journal import Journal, JournalReader
from tradewind.engine.live import standing as summaries
from tradewind.engine.live import status
from tradewind.engine.live.standing import KIND, Standing, standing
from tradewind.engine.records import EVENT, FILL, ORDER
from tradewind.engine.types import Happening


def test_at_every_bar_of_a_run_it_is_that_of_all_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summaries, "EVERY", 40)
    opened = begun(tmp_path)
    found: list[tuple[Standing, Standing]] = []

    def look(name: str) -> None:
        if name in ("after_intent", "after_command"):
            with JournalReader(opened.home.journal) as reader:
                found.append((standing(reader, 3), standing(reader, 3, whole=True)))

    worked(opened, reached=look)
    assert len(found) > 80
    for fast, whole in found:
        assert fast[1:] == whole[1:]
        np.testing.assert_allclose(fast.qty, whole.qty, rtol=0.0, atol=1e-9)
    assert {whole.positions for _, whole in found} >= {0, 3}
    assert {whole.working for _, whole in found} >= {0, 1}
    with JournalReader(opened.home.journal) as reader:
        assert 5 < reader.count_of(KIND) < 30
    before = status.status_of(opened.home.folder)
    monkeypatch.setattr(status, "WHOLE", 0)
    assert status.status_of(opened.home.folder) == before
    assert before.fills == found[-1][0].fills > 20


def record(dtype: np.dtype[Any], **fields: float) -> Any:
    """A record that is 0 but for some fields."""
    made = np.zeros(1, dtype)
    for name, value in fields.items():
        made[name] = value
    return made


def written(journal: Journal, kind: str, records: Any) -> int:
    """Write an event of records; its number."""
    return journal.append([Event(0, 1, kind, {"n": 0}, records.tobytes())])


@pytest.mark.parametrize("summed", [True, False])
def test_splits_and_children_that_sleep_are_reckoned_with(tmp_path: Path, summed: bool) -> None:
    asleep = {"reason": states.WORKING, "triggered": states.ASLEEP}
    order = [record(ORDER, id=n, **(asleep if n == 2 else {"reason": n})) for n in range(3)]
    split = record(EVENT, bar=5, symbol=0, kind=Happening.SPLIT, amount=2.0)
    paid = record(EVENT, bar=5, symbol=0, kind=Happening.DIVIDEND, amount=9.0)
    with Journal.create(tmp_path / "j.sqlite", about={}) as journal:
        written(journal, "order", np.concatenate(order))  # one works, one is over, one sleeps
        written(journal, "fill", record(FILL, bar=4, symbol=0, qty=10.0))
        written(journal, "fill", record(FILL, bar=4, symbol=1, qty=-3.0))
        if summed:
            facts = {"working": [0], "fills": 2}
            journal.append([Event(0, 1, KIND, facts, np.array([10.0, -3.0]).tobytes())])
        written(journal, "happening", np.concatenate([split, paid]))
        written(journal, "fill", record(FILL, bar=5, symbol=0, qty=-20.0))  # sold after the split
        written(journal, "order", record(ORDER, id=0, reason=1))  # the first is over as well
        written(journal, "order", record(ORDER, id=2, reason=0))  # the third woke up
        written(journal, "order", record(ORDER, id=4, reason=0))
        journal.append([Event(0, 1, "refused", {"rule": "halted"})])
        found = standing(journal, 2)
        assert found.qty.tolist() == [0.0, -3.0]
        assert (found.positions, found.working, found.fills, found.refused) == (1, 2, 3, 1)
        assert standing(journal, 2, whole=True)[1:] == found[1:]

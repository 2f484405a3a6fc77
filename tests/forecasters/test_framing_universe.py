"""Only bars of members are learned from."""

from dataclasses import replace

import numpy as np
import pytest

from tradewind.engine.causality import probe
from tradewind.engine.errors import ForecastError
from tradewind.engine.records import ELIGIBLE
from tradewind.forecasters.inputs.framing import Framing

FRAMING = Framing("Frame", ("return_1", "range"), 8, 3, 1, 0.2, 5)


def test_windows_to_learn_from_end_on_eligible_bars() -> None:
    panel = probe(1, n_bars=90, n_symbols=3)
    inside = np.zeros(panel.shape)
    inside[30:60, 1] = 1.0
    inside[40:, 2] = np.nan
    held = replace(panel, columns={ELIGIBLE: inside})
    everybody, _ = FRAMING.labelled(panel)
    members, _ = FRAMING.labelled(held)
    kept = everybody.where((everybody.symbol == 1) & (everybody.bar >= 30) & (everybody.bar < 60))
    assert 0 < kept.n < everybody.n
    np.testing.assert_array_equal(members.row, kept.row)
    np.testing.assert_array_equal(members.x, kept.x)  # bars before the membership fill windows


def test_a_past_without_an_eligible_bar_is_refused() -> None:
    panel = probe(1, n_bars=90, n_symbols=3)
    with pytest.raises(ForecastError, match=r"none of the .* windows ends on an eligible bar"):
        FRAMING.labelled(replace(panel, columns={ELIGIBLE: np.zeros(panel.shape)}))

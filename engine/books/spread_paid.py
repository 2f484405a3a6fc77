"""What a run's fills paid for the spread, beside what quotes and estimators say of those bars.

All figures are full spreads in basis points of mid, averaged by the value of the fills.
"""

from typing import Any

import numpy as np

from tradewind.engine.bars.adjusting import forward_adjusted
from tradewind.engine.config.spread import EstimatedSpreadConfig, SpreadConfig
from tradewind.engine.jsonable import jsonable
from tradewind.engine.quotes import has_quotes, relative_spread
from tradewind.engine.records import Bools, Floats, Panel, Records, Simulation
from tradewind.engine.spread_estimators import ESTIMATORS, known_at, signed_root
from tradewind.engine.types import Reason

WINDOW = 252  # bars, where the config estimates nothing: less is noise (docs/spreads.md)
MAX_BARS = 500_000  # bars and symbols that are estimated after a run: about a second


def spread_numbers(simulation: Simulation, panel: Panel, config: SpreadConfig) -> dict[str, Any]:
    """Spread paid and spread estimated, in total and by symbol.

    Parameters
    ----------
    simulation : Simulation
    panel : Panel
    config : SpreadConfig
        An estimated one says the window.

    Returns
    -------
    dict
        ``window``; ``n_symbols_compared``, the symbols with the largest traded value until half a
        million bars are used up, which are those estimated and listed; ``total`` and
        ``by_symbol``, each with ``value`` (traded at mid), ``n_fills``, ``paid_bps``,
        ``quotes_bps`` and one ``..._bps`` per estimator; None where the data does not say. Sales of
        symbols that leave pay no spread and do not count. Plain JSON.
    """
    fills = simulation.fills[~_leaving(simulation)]
    window = config.window if isinstance(config, EstimatedSpreadConfig) else WINDOW
    value = np.abs(fills["qty"]) * fills["mid"] * fills["fx"]
    traded = np.bincount(fills["symbol"], value, panel.n_symbols).astype(np.float64)
    columns = _most_traded(traded, panel.n_bars)
    says = {"quotes": _quoted(panel, fills), **_estimated(panel, fills, columns, window)}
    found = {
        "window": window,
        "n_symbols_compared": len(columns),
        "total": _averages(fills, value, says, np.ones(len(fills), np.bool_)),
        "by_symbol": {
            panel.symbols[k]: _averages(fills, value, says, fills["symbol"] == k) for k in columns
        },
    }
    return jsonable(found)  # type: ignore[no-any-return]


def _leaving(simulation: Simulation) -> Bools:
    """Fills at which a symbol left the panel."""
    numbers, reasons = simulation.fills["order"], simulation.orders["reason"]
    if len(reasons) == 0:
        return np.zeros(len(numbers), np.bool_)
    known = (numbers >= 0) & (numbers < len(reasons))
    left = reasons[np.where(known, numbers, 0)] == int(Reason.DELISTED)
    return np.asarray(known & left & (simulation.fills["quote"] == simulation.fills["mid"]))


def _most_traded(traded: Floats, n_bars: int) -> list[int]:
    """Columns in order of traded value, as many as may be estimated; one at least."""
    order = np.argsort(-traded, kind="stable")
    room = max(1, MAX_BARS // max(n_bars, 1))
    return [int(k) for k in order[:room] if traded[k] > 0]


def _quoted(panel: Panel, fills: Records) -> Floats:
    """Full spread of the quotes at the open of each fill's bar, NaN without quotes."""
    if not has_quotes(panel.columns):
        return np.full(len(fills), np.nan)
    spread = relative_spread(panel.columns, "open")
    return np.asarray(spread[fills["bar"], fills["symbol"]])


def _estimated(panel: Panel, fills: Records, columns: list[int], window: int) -> dict[str, Floats]:
    """Each estimator's full spread for the bar of each fill, signed, NaN where there is none."""
    chosen = np.isin(fills["symbol"], columns)
    bars, symbols = fills["bar"][chosen], fills["symbol"][chosen]
    panel = forward_adjusted(panel)  # a split is no spread
    found = {name: np.full(len(fills), np.nan) for name in ESTIMATORS}
    for name, values in found.items():
        values[chosen] = known_at(panel, name, window, bars, symbols)
    return found


def _averages(
    fills: Records, value: Floats, says: dict[str, Floats], chosen: Bools
) -> dict[str, Any]:
    """Averages over some of the fills, weighted by value."""
    fills, weight = fills[chosen], value[chosen]
    paid = np.abs(fills["qty"]) * (fills["quote"] - fills["mid"]) * np.sign(fills["qty"])
    total = float(weight.sum())
    found: dict[str, Any] = {
        "value": total,
        "n_fills": len(fills),
        "paid_bps": 2e4 * float((paid * fills["fx"]).sum()) / total if total > 0 else None,
    }
    for name, spread in says.items():
        found[f"{name}_bps"] = _average(spread[chosen], weight, name in ("edge", "abdi_ranaldo"))
    return found


def _average(spread: Floats, weight: Floats, rooted: bool) -> float | None:
    """Mean in basis points over the fills with a value.

    Of estimates that are roots the squares are averaged and the root is taken at the end: single
    windows scatter to both sides of zero, and it is the squares that do so without bias.
    """
    known = ~np.isnan(spread)
    if not weight[known].sum() > 0:
        return None
    values = np.sign(spread) * spread**2 if rooted else spread
    mean = np.average(values[known], weights=weight[known])
    return 1e4 * float(signed_root(np.asarray(mean)) if rooted else mean)

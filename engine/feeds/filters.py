"""What a member of a universe must be on the day: price, liquidity and history, as then known.

Price and liquidity are those of the market on the day. An adjusted price is not: every later split
and dividend moves it, so a filter on it knows the future, and it is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tradewind.engine.config.run import DataConfig
from tradewind.engine.config.universe import UniverseConfig
from tradewind.engine.errors import DataError
from tradewind.engine.records import FIELDS, Bools, Floats, Panel, label

KEY = "data.universe"
VOLUME = "volume"  # as raw_volume: the bars' own volume is as it was traded


@dataclass(frozen=True, slots=True)
class Traded:
    """Market data as it was on the day, each None where no filter reads it.

    Attributes
    ----------
    close, volume : ndarray of float64, shape (n_bars, n_symbols), or None
        Currency per unit, and units.
    """

    close: Floats | None
    volume: Floats | None


def passing(config: UniverseConfig, panel: Panel, traded: Traded) -> Mapping[str, Bools]:
    """Which bars each filter lets pass, by what is known at their close.

    Parameters
    ----------
    config : UniverseConfig
    panel : Panel
    traded : Traded
        From :func:`as_traded`.

    Returns
    -------
    mapping of str to ndarray of bool, shape (n_bars, n_symbols)
        One for each filter asked for. What cannot be measured does not pass: a price that is
        unknown, a median of fewer bars than its window.
    """
    found: dict[str, Bools] = {}
    if config.min_price is not None and traded.close is not None:
        found["min_price"] = np.asarray(traded.close >= config.min_price)
    if config.min_dollar_volume is not None and traded.close is not None:
        assert traded.volume is not None
        value = rolling_median(traded.close * traded.volume, panel.close, config.volume_window)
        found["min_dollar_volume"] = np.asarray(value >= config.min_dollar_volume)
    if config.min_history is not None:
        bars = np.cumsum(~np.isnan(panel.close), axis=0)
        found["min_history"] = np.asarray(bars >= config.min_history)
    return found


def rolling_median(values: Floats, close: Floats, window: int) -> Floats:
    """Median over the last ``window`` bars that a symbol has, itself included.

    Parameters
    ----------
    values : ndarray of float64, shape (n_bars, n_symbols)
    close : ndarray of float64, shape (n_bars, n_symbols)
        NaN where a symbol has no bar; such rows are not counted.
    window : int
        Bars.

    Returns
    -------
    ndarray of float64, shape (n_bars, n_symbols)
        NaN before ``window`` bars, at a row without a bar, and where one of the values is unknown.
    """
    import pandas as pd

    found = np.full(values.shape, np.nan)
    for k in range(values.shape[1]):
        own = np.flatnonzero(~np.isnan(close[:, k]))
        found[own, k] = pd.Series(values[own, k]).rolling(window).median().to_numpy()
    return found


def as_traded(data: DataConfig, panel: Panel) -> Traded:
    """Closes and volumes as they were on the day, as far as filters read them.

    Raises
    ------
    DataError
        If they are not at hand, and what would give them; if a column has none or an impossible
        one for a symbol that has bars.
    """
    config = data.universe
    assert config is not None
    priced = [name for name in config.filters if name != "min_history"]
    if not priced:
        return Traded(None, None)
    raw = all(source.prices == "raw" for source in data.sources or (data,))
    inside = [s for s in panel.symbols if config.outside != "all" and s not in config.outside]
    members = inside or list(panel.symbols)
    close = _close(config, panel, members, priced[0], raw=raw)
    if config.min_dollar_volume is None:
        return Traded(close, None)
    return Traded(close, _volume(config, panel, members, raw=raw))


def _close(
    config: UniverseConfig, panel: Panel, members: Sequence[str], first: str, *, raw: bool
) -> Floats:
    if raw and config.raw_close is None:
        return panel.close
    if raw:
        raise DataError(
            f"{KEY}.raw_close: stands beside prices: raw, whose closes are as they were traded; "
            "leave it out"
        )
    if config.raw_close is None:
        raise DataError(
            f"{KEY}.{first}: is measured on prices as they were traded, and these are adjusted for "
            "splits and dividends that came later; name the column of unadjusted closes with "
            f"{KEY}.raw_close (of a file that has an adjusted close beside it: data.columns: "
            "{raw_close: Close}), or read prices: raw with data.actions; min_history alone needs "
            "no price"
        )
    return _column(config.raw_close, "raw_close", panel, members)


def _volume(config: UniverseConfig, panel: Panel, members: Sequence[str], *, raw: bool) -> Floats:
    key = f"{KEY}.raw_volume"
    if raw and config.raw_volume not in (None, VOLUME):
        raise DataError(
            f"{key}: stands beside prices: raw, whose volumes are as they were traded; leave it out"
        )
    if not raw and config.raw_volume is None:
        raise DataError(
            f"{KEY}.min_dollar_volume: needs volumes as they were traded beside raw_close, and a "
            f"volume beside adjusted prices may be adjusted for splits; say {key}: volume if yours "
            "is not, or name the column that holds the units traded"
        )
    if config.raw_volume in (None, VOLUME):
        lacking = _lacking(panel.volume, panel, members)
        if lacking:
            raise DataError(
                f"{KEY}.min_dollar_volume: the data has no volume for {lacking}; leave the filter "
                "out, or the symbol"
            )
        return panel.volume
    return _column(str(config.raw_volume), "raw_volume", panel, members)


def _column(name: str, key: str, panel: Panel, members: Sequence[str]) -> Floats:
    """A further column, refused where it cannot be what its key says."""
    if name in FIELDS:
        raise DataError(
            f"{KEY}.{key}: {name!r} is the bars' own, which is adjusted here; name a further "
            "column, or say prices: raw if nobody has adjusted these prices"
        )
    if name not in panel.columns:
        held = ", ".join(sorted(panel.columns)) or "none"
        raise DataError(
            f"{KEY}.{key}: the data has no column {name!r} beside the bars; it has {held}"
        )
    values = panel.columns[name]
    lacking = _lacking(values, panel, members)
    if lacking:
        raise DataError(f"{KEY}.{key}: column {name!r} has no value for {lacking}; complete it")
    wrong = np.isinf(values) | (values < 0 if key == "raw_volume" else values <= 0)
    if wrong.any():
        row, k = (int(i) for i in np.argwhere(wrong)[0])
        wanted = "0 or more" if key == "raw_volume" else "a price above 0"
        raise DataError(
            f"{KEY}.{key}: column {name!r} is {values[row, k]:g} for {panel.symbols[k]} at "
            f"{panel.dates[row] if panel.daily else label(panel.ts[row])}; wanted {wanted}"
        )
    return values


def _lacking(values: Floats, panel: Panel, members: Sequence[str]) -> str:
    """First member that has bars and not one value; empty where there is none."""
    has = ~np.isnan(panel.close)
    known = (has & ~np.isnan(values)).any(axis=0)
    for k in np.flatnonzero(has.any(axis=0) & ~known):
        if panel.symbols[k] in members:
            return panel.symbols[k]
    return ""


def sentence(config: UniverseConfig, passed: Mapping[str, Bools], inside: Bools) -> str:
    """How much each filter removes, for the report.

    Parameters
    ----------
    config : UniverseConfig
    passed : mapping of str to ndarray of bool, shape (n_bars, n_symbols)
        From :func:`passing`.
    inside : ndarray of bool, shape (n_bars, n_symbols)
        Bars of those who are members but for the filters.
    """
    left = inside.copy()
    told = []
    for name, passes in passed.items():
        out = inside & ~passes
        never = int((inside.any(axis=0) & ~(inside & passes).any(axis=0)).sum())
        told.append(
            f"{name} {_stated(config, name)} removes {int(out.sum()):,} of {int(inside.sum()):,} "
            f"bars, of {int(out.any(axis=0).sum()):,} symbols, {never:,} of them on every bar"
        )
        left &= passes
    return (
        f"Universe filters, each by itself and known at the close: {'; '.join(told)}. "
        f"{int(left.sum()):,} bars of {int(left.any(axis=0).sum()):,} symbols are left."
    )


def _stated(config: UniverseConfig, name: str) -> str:
    value = f"{getattr(config, name):,.10g}"
    return (
        f"{value} (median of {config.volume_window} bars)" if name == "min_dollar_volume" else value
    )

"""When bars of a panel begin, and which day they belong to."""

import numpy as np
import numpy.typing as npt

from tradewind.engine.bars.sessions import interval_ns, is_intraday, session_closes
from tradewind.engine.feeds.zones import to_wall
from tradewind.engine.records import DAY_NS, Ints, Panel


def bar_days(panel: Panel, zone: str) -> Ints:
    """Midnight UTC of the day each bar belongs to, shape (n_bars,).

    Parameters
    ----------
    panel : Panel
    zone : str
        Whose days count for bars shorter than a day: ``data.timezone``.
    """
    if is_intraday(panel.interval):
        return np.asarray(to_wall(panel.ts - 1, zone) // DAY_NS * DAY_NS)
    return panel.dates.astype("datetime64[D]").astype(np.int64) * DAY_NS


def bar_opens(panel: Panel) -> Ints:
    """Moment each bar begins, or an earlier one where nobody knows it; UTC nanoseconds.

    Daily bars begin with the session of the panel's calendar, else with their day; longer ones
    count from the close of the bar before.
    """
    length = interval_ns(panel.interval)
    if is_intraday(panel.interval):
        return np.asarray(panel.ts - length)
    before = np.append(panel.ts[:1] - length, panel.ts[:-1]).astype(np.int64)
    if panel.interval != "1d":
        return before
    if panel.calendar is None:
        return np.asarray(panel.ts - DAY_NS)
    days: npt.NDArray[np.datetime64] = panel.dates
    sessions = session_closes(panel.calendar, days[0], days[-1])
    at = sessions.rows(days)
    return np.where(at >= 0, sessions.opens[at], before) if len(sessions) else before

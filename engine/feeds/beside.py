"""What a run reads beside its bars, put on the panel's clock: exchange and borrow rates.

It travels as columns of the panel, so that the run folder holds it and the data's hash covers it.
"""

from dataclasses import replace

from tradewind.engine.config.run import RunConfig
from tradewind.engine.feeds.borrow_rates import AVAILABLE, RATE, borrow_columns, check_symbols
from tradewind.engine.feeds.exchange_rates import CLOSE, OPEN, exchange_columns
from tradewind.engine.records import Panel

COLUMNS = (OPEN, CLOSE, RATE, AVAILABLE)


def with_rates(config: RunConfig, panel: Panel) -> Panel:
    """Panel with the columns of every file that ``account.fx`` and ``costs.borrow`` name.

    A panel that has them already, as one from a run folder, comes back as it is.

    Parameters
    ----------
    config : RunConfig
    panel : Panel

    Raises
    ------
    DataError
        If a file cannot be read, a rate is missing, or a symbol is none of the panel's.
    """
    _check_names(config, panel)
    if any(name in panel.columns for name in COLUMNS):
        return panel
    columns = {
        **exchange_columns(config.account, config.data, panel),
        **borrow_columns(config.costs.borrow_rule, config.data, panel),
    }
    return replace(panel, columns={**panel.columns, **columns}) if columns else panel


def _check_names(config: RunConfig, panel: Panel) -> None:
    """Refuse symbols that the data does not have before anything is computed."""
    account, tick = config.account, config.execution.tick
    check_symbols(account.not_shortable, panel, "account.not_shortable")
    if isinstance(account.lot, dict):
        check_symbols(account.lot, panel, "account.lot")
    if isinstance(tick, dict):
        check_symbols(tick, panel, "execution.tick")

"""What else a run of one's own backtrader strategy needs: the ``backtrader:`` block of a config."""

from pydantic import Field

from tradewind.engine.config_block import Block


class BacktraderConfig(Block):
    """What a script does between making its Cerebro and running it."""

    setup: str | None = Field(
        None,
        pattern=r"^.+\.py:[A-Za-z_]\w*$",
        description="path/to/file.py:function that is handed the Cerebro: sizers, analyzers ...",
    )

"""Heads: what a network pays for being wrong; what its numbers mean is in ``readings``.

One head per file; :func:`head_of` makes the one a config names.
"""

from tradewind.forecasters.heads.base import Head
from tradewind.forecasters.heads.registered import HEADS, head_of

__all__ = ["HEADS", "Head", "head_of"]

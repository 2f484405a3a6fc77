"""Names under which orders go to a broker: the same for ever, and each says what it stands for.

``RUN-7`` is order 7. ``RUN-8_7`` is order 8 where one message sends it beside order 7, so that the
broker withdraws one when the other fills; order 7 is then ``RUN-7_8``. ``RUN-7.2`` is sent in place
of ``RUN-7``, which the broker had to give up first because it would not have both.
"""

import re

TAIL = re.compile(r"(?P<number>\d+)(_(?P<other>\d+))?(?P<turn>\.\d+)?")


def client_id(run: str, number: int, beside: int = -1, turn: int = 1) -> str:
    """Name of an order.

    Parameters
    ----------
    run : str
    number : int
    beside : int
        Order that the same message sends; -1: none.
    turn : int
        How often it has been sent in this shape, this time included.
    """
    pair = f"_{beside}" if beside >= 0 else ""
    return f"{run}-{number}{pair}" + (f".{turn}" if turn > 1 else "")


def number_in(name: str, run: str) -> int | None:
    """Number of the order of a run; None where the name is none of that run's."""
    head, _, tail = name.rpartition("-")
    found = TAIL.fullmatch(tail)
    return int(found["number"]) if head == run and found else None


def other_of(name: str) -> str | None:
    """Name of the order that the same message sends; None for an order alone."""
    head, _, tail = name.rpartition("-")
    found = TAIL.fullmatch(tail)
    if not head or found is None or found["other"] is None:
        return None
    return f"{head}-{found['other']}_{found['number']}{found['turn'] or ''}"

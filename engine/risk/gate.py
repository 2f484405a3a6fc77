"""The gate in front of every order: limits, stops and switches of one run.

A session calls, in this order, at each close::

    breach = gate.mark(seen)            # before orders: a loss stop that trips there, or None
    refusals = gate.check(asked, seen)  # those of the orders just decided that may not work

``asked`` are all orders decided at that close, lower numbers first, an entry before its children,
each asked for once; ``seen.working`` holds none of them. A refused order is ended and never comes
again. A Breach whose ``flatten`` is set asks the session to close everything; while
:attr:`Gate.flattens` stays true and anything is held, it asks for that again. Closing orders of the
session itself need no check. Between closes a person may :meth:`halt`, :meth:`unhalt`,
:meth:`freeze`, :meth:`kill` and :meth:`thaw`. :attr:`halted`, :attr:`killed` and :attr:`frozen` say
what is switched, :meth:`used` how near each limit is. :meth:`state` and :meth:`restore` carry
everything over a restart.

An order that only takes from a position passes every limit that is there to keep risk from growing:
else the gate would lock risk in. "Only takes" is judged at the worst, with everything else on its
side of the symbol filled first (:mod:`tradewind.engine.risk.exposure`). The gate reads no clock and
draws no lots: asked the same in the same order it answers the same, now and when a journal is read
back. ``docs/risk.md`` has a table of the limits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Self

from tradewind.engine.config.paper import RiskConfig
from tradewind.engine.errors import ConfigError, JournalError
from tradewind.engine.risk import prices
from tradewind.engine.risk.exposure import Exposure
from tradewind.engine.risk.facts import Asked, Breach, Refusal, Situation, Used
from tradewind.engine.risk.limits import Limits
from tradewind.engine.risk.losses import Losses
from tradewind.engine.risk.pace import Pace

UNSAID = "no reason was given"
Found = tuple[str, str]


class Gate:
    """Limits, stops and switches of one run.

    Parameters
    ----------
    config : RiskConfig
    symbols : sequence of str
        Of the columns.

    Attributes
    ----------
    halted : dict of str to str
        Symbol -> reason.
    killed : str
        Reason of the kill switch, empty while it is off.

    Raises
    ------
    ConfigError
        If the config names a symbol that is not traded.
    """

    def __init__(self, config: RiskConfig, symbols: Sequence[str]) -> None:
        self.config, self.symbols = config, tuple(symbols)
        for key, names in (("not_shortable", config.not_shortable), ("halted", config.halted)):
            for name in names:
                self._known(name, f"paper.risk.{key}")
        self.halted: dict[str, str] = dict.fromkeys(config.halted, "by the config")
        self.killed = self._by_hand = ""
        self._losses = Losses(config)
        self._pace = Pace(config.max_orders_per_minute, config.duplicate_s)
        self._limits = Limits(config, self.symbols)

    def _known(self, symbol: str, where: str) -> None:
        if symbol not in self.symbols:
            near = get_close_matches(symbol, self.symbols, 1)
            guess = f" (did you mean {near[0]!r}?)" if near else ""
            raise ConfigError(f"{where}: {symbol!r} is not traded by this run{guess}")

    def halt(self, symbol: str, reason: str) -> None:
        """Let no order of a symbol through; raises ConfigError for an unknown one."""
        self._known(symbol, "halt")
        self.halted[symbol] = reason or UNSAID

    def unhalt(self, symbol: str) -> None:
        """Let orders of a symbol through again; raises ConfigError for an unknown one."""
        self._known(symbol, "unhalt")
        self.halted.pop(symbol, None)

    def freeze(self, reason: str) -> None:
        """Let nothing that adds through until a person says so, restarts included."""
        self._by_hand = reason or UNSAID

    def kill(self, reason: str) -> None:
        """The same, by the switch that is thrown when something is wrong."""
        self.killed = reason or UNSAID

    def thaw(self) -> None:
        """Lift the kill switch, every freeze and every loss stop; losses count from here."""
        self.killed = self._by_hand = ""
        self._losses.pardon()
        self._pace.pardon()

    @property
    def frozen(self) -> str:
        """Why nothing that adds is let through, the kill switch aside; empty: it is."""
        return self._by_hand or next(iter(self._losses.tripped.values()), "")

    @property
    def closed(self) -> str:
        """Which switch or stop lets nothing through that adds, and why; empty: none."""
        closed = self._closed()
        return "" if closed is None else closed[1]

    @property
    def flattens(self) -> bool:
        """Whether a loss stop has tripped that wants everything closed, and is not lifted."""
        return self.config.on_breach == "flatten" and bool(self._losses.tripped)

    @property
    def day_start(self) -> float:
        """Equity that today's loss is measured from; 0 before the first close."""
        return self._losses.day_start

    @property
    def peak(self) -> float:
        """Equity that the drawdown is measured from; 0 before the first close."""
        return self._losses.peak

    def mark(self, seen: Situation) -> Breach | None:
        """Look at the account at a close; the loss stop that trips there, if one does."""
        return self._losses.mark(seen)

    def check(self, asked: Sequence[Asked], seen: Situation) -> list[Refusal]:
        """Judge new orders in their order; those that pass count for those behind them."""
        pace = self._pace
        pace.tick(seen.now)
        quotes = (seen.price if seen.quote is None else seen.quote).tolist()
        book = Exposure(seen, sales_free=self.config.frees_gross == "sent")
        turn = Turn(book, quotes, {order.number: order for order in asked}, seen.instead)
        self._look_at_what_protects(asked, turn)
        closed, refused = self._closed(), []
        for order in asked:
            found = self._barred(order, turn)
            reduces = found is None and book.reduces(order)
            if found is None and not reduces:
                found = closed or self._too_much(order, turn, seen)
            if found is not None:
                turn.refuse(order)
                refused.append(Refusal(order.number, *found))
                continue
            turn.passed.add(order.number)
            if not order.reduce_only and order.parent < 0:
                book.add(order, reduces=reduces)
            pace.count(order)
        pace.highest = max([pace.highest, *turn.asked])
        return refused

    def _look_at_what_protects(self, asked: Sequence[Asked], turn: "Turn") -> None:
        """Count what only takes before anything that adds, and find entries without protection."""
        for order in asked:
            if not order.reduce_only and order.parent < 0:
                continue
            fault = self._unfit(order, turn)
            if turn.entry_of(order) is None:  # else it sleeps until there is something to take
                counts = order if fault is None else turn.instead.get(order.number)
                if counts is not None:
                    turn.book.add(counts, reduces=True)
            elif fault is not None:
                turn.naked[order.parent] = f"what protects it cannot be sent: {fault[1]}"

    def _unfit(self, order: Asked, turn: "Turn") -> Found | None:
        """(rule, reason) where nobody can mean an order's units or prices."""
        fault = prices.malformed(order, len(self.symbols))
        if fault:
            return "malformed", f"order {order.number}: {fault}"
        collar, quote = self.config.price_collar, turn.quotes[order.symbol]
        if collar is None or (order.limit != order.limit and order.stop != order.stop):
            return None
        entry = turn.entry_of(order)
        if entry is not None:
            quote = prices.entry_price(entry, quote)
        fault = prices.beyond(order, quote, collar, rests=turn.book.reduces(order))
        return ("price_collar", f"{self.symbols[order.symbol]}: {fault}") if fault else None

    def _barred(self, order: Asked, turn: "Turn") -> Found | None:
        """(rule, reason) of what stops an order whatever it does to the position."""
        number = order.number
        if number <= self._pace.highest or number in turn.passed or number in turn.refused:
            return "duplicate", f"order {order.client_id} was asked for before"
        unfit = self._unfit(order, turn)
        if unfit is not None:
            return unfit
        name = self.symbols[order.symbol]
        if name in self.halted:
            return "halted", f"{name} is halted: {self.halted[name]}"
        if number in turn.naked:
            return "protection", f"{name}: {turn.naked[number]}"
        if order.parent in turn.refused and turn.entry_of(order) is not None:
            return "entry", f"{name}: order {order.parent}, which it protects, is not sent"
        return None

    def _too_much(self, order: Asked, turn: "Turn", seen: Situation) -> Found | None:
        """(rule, reason) of a limit that an order passes, unless it replaces one for as much."""
        old = turn.instead.get(order.number)
        if old is not None and no_more(order, old):
            return None
        return self._limits.exceeded(order, seen, turn.book, self._pace)

    def strays(self, seen: Situation) -> list[Refusal]:
        """What works and adds although a switch or a stop lets nothing through that does."""
        closed = self._closed()
        if closed is None or not seen.working:
            return []
        plain = [o for o in seen.working if not o.reduce_only and o.parent < 0]
        book = Exposure(seen._replace(working=[o for o in seen.working if o not in plain]))
        found = []
        for order in plain:
            if book.reduces(order):
                book.add(order, reduces=True)
            else:
                found.append(Refusal(order.number, closed[0], f"{closed[1]}; withdrawn"))
        return found

    def _closed(self) -> Found | None:
        """(rule, reason) of a switch that lets nothing through that adds."""
        if self.killed:
            return "killed", f"the kill switch is on: {self.killed}"
        if self.frozen:
            return "frozen", f"nothing that adds is sent: {self.frozen}"
        return None

    def used(self, seen: Situation) -> list[Used]:
        """How much of each limit that is set is used, at the worst, by what is held and works."""
        return self._limits.used(seen, self._pace) + [
            Used(rule, max(0.0, lost), most, max(0.0, lost) / most)
            for rule, (lost, most) in self._losses.lost(seen.equity).items()
        ]

    def state(self) -> dict[str, Any]:
        """Everything it remembers, in plain values."""
        return {
            "halted": dict(self.halted), "killed": self.killed, "by_hand": self._by_hand,
            "losses": self._losses.state(), "pace": self._pace.state(),
        }  # fmt: skip

    def restore(self, state: Mapping[str, Any]) -> Self:
        """Take over what another gate of the same config remembered.

        Raises
        ------
        JournalError
            If the state is not one that :meth:`state` gives.
        """
        try:
            halted = {str(name): str(reason) for name, reason in state["halted"].items()}
            self.killed, self._by_hand = str(state["killed"]), str(state["by_hand"])
            self._losses.restore(state["losses"])
            self._pace.restore(state["pace"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise JournalError(
                f"journal: what the gate remembered cannot be read ({error!r}); go on from an "
                "earlier snapshot"
            ) from None
        self.halted = halted
        return self


@dataclass(slots=True)
class Turn:
    """The orders that are judged together.

    Attributes
    ----------
    book : Exposure
        With those that have passed so far.
    quotes : list of float
    asked : dict of int to Asked
    instead : mapping of int to Asked
        Order -> what works on if it is refused.
    naked : dict of int to str
        Entry -> why a child of it cannot be sent.
    passed, refused : set of int
        So far.
    """

    book: Exposure
    quotes: list[float]
    asked: dict[int, Asked]
    instead: Mapping[int, Asked]
    naked: dict[int, str] = field(default_factory=dict)
    passed: set[int] = field(default_factory=set)
    refused: set[int] = field(default_factory=set)

    def refuse(self, order: Asked) -> None:
        """Note that an order does not get through; what it was to replace counts on."""
        self.refused.add(order.number)
        old = self.instead.get(order.number)
        if old is not None and not old.reduce_only and old.parent < 0:
            self.book.add(old, reduces=False)

    def entry_of(self, order: Asked) -> Asked | None:
        """Entry asked for with an order that protects it; None: there is none.

        What protects a position that is held names itself or its sibling as parent.
        """
        entry = self.asked.get(order.parent) if order.parent >= 0 else None
        return entry if entry is not None and entry.parent < 0 else None


def no_more(order: Asked, old: Asked) -> bool:
    """Whether an order asks for no more units than another, on its side and at its prices."""
    less = 0.0 < abs(order.qty) <= abs(old.qty) and order.qty * old.qty > 0.0
    same = (order.limit == old.limit or order.limit != order.limit) and (
        order.stop == old.stop or order.stop != order.stop
    )
    return less and same and order.order_type == old.order_type

"""The block ``paper``: where bars come from when the market is open; what guards the orders."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from tradewind.engine.config.block import Block, KindBlock

Share = Annotated[float, Field(gt=0, le=1)]

OWN = "paper"  # the venue that is our own rule book


class FeedConfig(KindBlock):
    """Which live feed, and its own parameters (those of the class that ``kind`` names)."""

    kind: str = "replay"

    @model_validator(mode="before")
    @classmethod
    def _a_word_is_a_kind(cls, found: Any) -> Any:
        return {"kind": found} if isinstance(found, str) else found


class VenueConfig(KindBlock):
    """Who fills the orders, and its own parameters."""

    kind: str = Field(OWN, description="paper: our rule book; or a registered broker")

    @model_validator(mode="before")
    @classmethod
    def _a_word_is_a_kind(cls, found: Any) -> Any:
        return {"kind": found} if isinstance(found, str) else found


class TicksConfig(Block):
    """How ticks become bars, and which are believed."""

    lateness_s: float = Field(
        2.0, ge=0, le=3600, description="how long a bar waits for ticks of its own after its end"
    )
    quotes: Literal["ignore", "mid"] = Field(
        "ignore", description="whether the middle of a quote moves the price of a bar"
    )
    spike: float = Field(
        0.2, gt=0, description="a price is doubted where it jumps by more than this fraction"
    )
    confirm: int = Field(3, ge=1, le=100, description="further ticks that make a jump believed")
    stale_s: float = Field(60.0, gt=0, description="older than this on arrival says nothing")
    ahead_s: float = Field(5.0, ge=0, description="a source's clock may be ahead by this much")
    skew_s: float = Field(
        5.0, gt=0, description="a source's clock this far from ours, in the median, is told"
    )
    extended_hours: bool = Field(False, description="make bars outside the exchange's session")


class RiskConfig(Block):
    """Limits in front of every order; one left out does not limit."""

    max_weight: float | None = Field(None, gt=0, description="of one symbol, fraction of equity")
    max_gross: float | None = Field(None, gt=0, description="sum of |weights|")
    frees_gross: Literal["filled", "sent"] = Field(
        "filled",
        description="when a market order that reduces makes room for max_gross: once it has "
        "filled, or at once for the orders decided with it",
    )
    max_order_notional: float | None = Field(None, gt=0, description="account currency")
    max_orders_per_minute: int | None = Field(
        None, ge=1, description="in any 60 seconds; what only reduces counts and still passes"
    )
    price_collar: Share | None = Field(
        None, description="how far the price of an order may be from the last quote"
    )
    stale_s: float | None = Field(
        None, gt=0, description="nothing that adds for a symbol whose last tick is older"
    )
    max_daily_loss: Share | None = Field(
        None, description="fraction of the equity that a day begins with"
    )
    max_drawdown: Share | None = Field(None, description="fraction of the highest equity")
    on_breach: Literal["freeze", "flatten"] = Field(
        "freeze", description="what a loss stop does: no new orders, or close everything as well"
    )
    duplicate_s: float | None = Field(
        None, gt=0, description="no second order like one that was sent so recently"
    )
    not_shortable: tuple[str, ...] = ()
    halted: tuple[str, ...] = Field((), description="symbols that are not traded for now")


class JournalConfig(Block):
    """How safely what happens is written down."""

    sync: Literal["full", "normal"] = Field(
        "full", description="full outlives a power cut, normal the death of the process alone"
    )
    snapshot_bars: int = Field(500, ge=1, description="at most so many bars between snapshots")
    seconds_busy: float = Field(5.0, ge=0, description="how long a locked file is waited for")


class DashboardConfig(Block):
    """The page beside a run."""

    enabled: bool = False
    port: int = Field(8787, ge=0, le=65535, description="0: any that is free")
    token_from: str | None = Field(
        None, description="name of the secret that holds the page's token; none: one for each start"
    )


class NotifyConfig(Block):
    """Who is told, through apprise; addresses come from the environment or the keyring alone."""

    urls_from: tuple[str, ...] = Field(
        (), description="names of secrets that hold an apprise URL each"
    )
    events: tuple[
        Literal["start", "stop", "fill", "refused", "breach", "feed", "error", "daily"], ...
    ] = ("start", "stop", "breach", "feed", "error", "daily")
    most_per_hour: int = Field(30, ge=1)


class PaperConfig(Block):
    """Everything that a backtest does not need."""

    feed: FeedConfig = FeedConfig()
    venue: VenueConfig = VenueConfig()
    start: date | None = Field(
        None,
        description="replay: first day that is traded, what lies before it is history; default: "
        "the last fifth of the data",
    )
    oldest_history_days: float | None = Field(
        14.0,
        gt=0,
        description="live feeds: a history that ends longer ago is refused (of long bars, one that "
        "ends three bars ago); null: any is gone on from",
    )
    ticks: TicksConfig = TicksConfig()
    risk: RiskConfig = RiskConfig()
    journal: JournalConfig = JournalConfig()
    dashboard: DashboardConfig = DashboardConfig()
    notify: NotifyConfig = NotifyConfig()

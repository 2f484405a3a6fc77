"""What stands on either side of a run: the feed that brings bars, the broker that fills orders."""

from typing import Any

from tradewind.engine import registry
from tradewind.engine.config.file import Document
from tradewind.engine.config.paper import OWN, PaperConfig
from tradewind.engine.config.run import RunConfig
from tradewind.engine.dashboard.server import check_port
from tradewind.engine.errors import ConfigError
from tradewind.engine.live import credentials
from tradewind.engine.records import Panel
from tradewind.engine.streams.facts import LiveFeed
from tradewind.engine.streams.replay import Replay
from tradewind.engine.venues.facts import Venue

FEED, VENUE = "paper.feed", "paper.venue"


def check(config: RunConfig, document: Document, *, page: bool | None = False) -> None:
    """Refuse a feed or a broker that there is not, or that does not take these parameters.

    So is a secret that is named and not there, one that is written into the config, and, where
    there is to be a page (None: as the config says), a port that another program has.

    Raises
    ------
    ConfigError
        At its line.
    """
    feed_of(config, document)
    venue_of(config, document)
    paper = config.paper or PaperConfig()
    credentials.check(paper, document)
    if paper.dashboard.enabled if page is None else page:
        try:
            check_port(paper.dashboard.port)
        except ConfigError as error:
            raise ConfigError(f"{document.at(('paper', 'dashboard', 'port'))}{error}") from None


def feed_of(config: RunConfig, document: Document) -> Any:
    """Feed of a config, which follows nothing yet."""
    block = (config.paper or PaperConfig()).feed
    cls = registry.find("feeds", block.kind, document, key=FEED)
    params = registry.check(cls, block.params, document, key=FEED)
    credentials.asked_for(params, document, FEED)
    feed = registry.build(cls, params, document, key=FEED)
    if not isinstance(feed, Replay) and not hasattr(feed, "following"):
        raise document.error(
            ("paper", "feed", "kind"),
            f"{block.kind} cannot be told what to follow: a feed has a method "
            "following(symbols, interval, calendar)",
        )
    return feed


def following(config: RunConfig, document: Document, seen: Panel, coming: Panel | None) -> LiveFeed:
    """Feed of a config that goes on behind the bars seen so far."""
    feed = feed_of(config, document)
    if isinstance(feed, Replay):
        assert coming is not None  # whoever opens a replay reads what it plays
        return feed.over(coming, seen.n_bars, (config.paper or PaperConfig()).ticks)
    followed: LiveFeed = feed.following(seen.symbols, seen.interval, seen.calendar_of_each[0])
    return followed


def venue_of(config: RunConfig, document: Document) -> Venue | None:
    """Broker outside that the config names; None where our rule book fills the orders."""
    block = (config.paper or PaperConfig()).venue
    if block.kind == OWN:
        return None
    cls = registry.find("brokers", block.kind, document, key=VENUE, besides=(OWN,))
    params = registry.check(cls, block.params, document, key=VENUE)
    credentials.asked_for(params, document, VENUE)
    made: Venue = registry.build(cls, params, document, key=VENUE)
    return made

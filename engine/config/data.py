"""Where bars come from, which of them, and of what length a run trades on them."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from tradewind.engine.bars.bins import check_longer
from tradewind.engine.config.account import Currency
from tradewind.engine.config.actions import ActionsConfig
from tradewind.engine.config.block import Block
from tradewind.engine.config.universe import UniverseConfig
from tradewind.engine.errors import ConfigError

Repair = Literal[
    "drop_bad_bars",
    "drop_duplicates",
    "sort",
    "drop_future",
    "widen_high_low",
    "drop_stale",
    "drop_off_session",
]
Accept = Literal[
    "split_like", "split_unseen", "spike", "off_session", "stale", "interval", "no_overlap"
]
Aggregate = Literal["first", "last", "max", "min", "sum", "mean", "product"]
INTERVAL = r"^\d+(min|m|h|d|wk|mo)$"


class SourceConfig(Block):
    """One place that bars come from, and how they are to be understood."""

    source: Literal["embedded", "csv", "parquet", "yahoo"] = "embedded"
    path: Path | None = Field(None, description="file or folder, relative to the config file")
    symbols: tuple[str, ...] | Literal["all"] = "all"
    interval: str = Field("1d", pattern=INTERVAL)
    calendar: str | dict[str, str] | None = Field(
        None,
        description="exchange calendar (XNYS), 24/7, none: no session check; or one a symbol",
    )
    timezone: str = Field("UTC", description="zone of timestamps that carry none")
    columns: dict[str, str] = Field(
        default_factory=dict, description="our name -> the file's, where it is not found by itself"
    )
    bar_label: Literal["open", "close"] = Field(
        "open", description="what the time of an intraday or weekly bar in a file marks"
    )
    date_format: str | None = Field(
        None, min_length=1, description="strptime format, or epochs in s, ms, us, ns"
    )
    repair: tuple[Repair, ...] = ()
    accept: tuple[Accept, ...] = Field(
        (), description="suspicions looked into and found harmless: reported, not refused"
    )
    prices: Literal["adjusted", "raw"] = Field(
        "adjusted", description="adjusted for splits and dividends, or as they were traded"
    )
    actions: ActionsConfig | None = Field(None, description="splits and dividends of raw prices")
    offline: bool = Field(False, description="answer from the local store alone")
    store: Path | None = Field(None, description="folder of the local store")

    @field_validator("symbols")
    @classmethod
    def _symbols_are_names(cls, symbols: Any) -> Any:
        if symbols == "all":
            return symbols
        if not symbols:
            raise ValueError("is empty; name symbols, or write all")
        if blank := [symbol for symbol in symbols if not symbol.strip()]:
            raise ValueError(f"{blank[0]!r} is no name")
        if twice := [symbol for symbol in symbols if symbols.count(symbol) > 1]:
            raise ValueError(f"{twice[0]} stands twice; keep one of them")
        return symbols

    @model_validator(mode="after")
    def _path_belongs_to_files(self) -> Self:
        if self.source in ("csv", "parquet") and self.path is None:
            raise ValueError(f"source {self.source} needs 'path': the file or folder to read")
        if self.source not in ("csv", "parquet") and self.path is not None:
            raise ValueError(f"source {self.source} takes no 'path'; use source: csv or parquet")
        return self

    @model_validator(mode="after")
    def _actions_belong_to_raw_prices(self) -> Self:
        if self.source == "embedded" and self.prices == "raw":
            raise ValueError("the embedded data has adjusted prices alone; leave prices out")
        if self.source == "yahoo" and self.prices == "raw" and self.interval.endswith(("wk", "mo")):
            raise ValueError(
                f"raw prices of {self.interval} hide on which day a split or dividend fell; use "
                "interval: 1d"
            )
        if self.actions is None:
            return self
        if self.prices != "raw":
            raise ValueError(
                "actions are for prices as they were traded, and adjusted prices hold them "
                "already; set prices: raw, or leave actions out"
            )
        if self.source == "yahoo":
            raise ValueError("yahoo brings its own splits and dividends; leave actions out")
        if self.interval.endswith(("wk", "mo")):
            raise ValueError(
                f"actions fall on a day, and bars of {self.interval} hide which; use interval: 1d"
            )
        return self


class DataConfig(SourceConfig):
    """Where bars come from, which of them, and of what length a run trades on them."""

    start: date | None = None
    end: date | None = Field(None, description="last day included")
    resample: str | None = Field(
        None, pattern=INTERVAL, description="length of the bars traded on, made of those read"
    )
    aggregate: dict[str, Aggregate] = Field(
        default_factory=dict, description="further column -> how it is put together"
    )
    intrabar: SourceConfig | None = Field(
        None, description="finer bars, for execution.intrabar: path"
    )
    sources: tuple[SourceConfig, ...] = Field(
        (), description="several sources on one clock, in place of one"
    )
    currencies: dict[str, Currency] = Field(
        default_factory=dict, description="symbol -> currency, where it is not the account's"
    )
    delisting_return: float = Field(0.0, ge=-1, le=1)
    universe: UniverseConfig | None = Field(
        None, description="who is a member when; forecasts are learned and given for members alone"
    )
    groups: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="symbols by the name of their sector or other group"
    )
    known_ahead: dict[str, tuple[Annotated[int, Field(ge=1, le=1_000)], ...]] = Field(
        default_factory=dict, description="column known in advance -> how many bars ahead"
    )

    @model_validator(mode="after")
    def _start_comes_before_end(self) -> Self:
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start} lies after end {self.end}; swap them")
        return self

    @model_validator(mode="after")
    def _a_symbol_has_one_group(self) -> Self:
        seen: dict[str, str] = {}
        for name, symbols in self.groups.items():
            if not symbols:
                raise ValueError(f"groups.{name} is empty; name its symbols or leave it out")
            for symbol in symbols:
                if symbol in seen:
                    raise ValueError(
                        f"{symbol} stands in groups.{seen[symbol]} and in groups.{name}; keep one"
                    )
                seen[symbol] = name
        return self

    @model_validator(mode="after")
    def _sources_stand_alone(self) -> Self:
        if not self.sources:
            return self
        plain = DataConfig()
        for name in SourceConfig.model_fields:
            if getattr(self, name) != getattr(plain, name):
                raise ValueError(
                    f"{name} stands beside sources, where it belongs to none of them; write it "
                    "into each source that it is meant for"
                )
        return self

    @model_validator(mode="after")
    def _longer_bars_are_longer(self) -> Self:
        if self.aggregate and self.resample is None:
            raise ValueError("aggregate means nothing without resample; leave it out")
        if self.resample is None:
            return self
        for one in self.sources or (self,):
            try:
                check_longer(one.interval, self.resample)
            except ConfigError as error:
                raise ValueError(f"resample: {error}") from None
            if one.prices == "raw" and self.resample.endswith(("wk", "mo")):
                raise ValueError(
                    f"splits and dividends of raw prices fall on a day, and bars of "
                    f"{self.resample} hide which; use resample: 1d, or prices: adjusted"
                )
        return self

    def of(self, source: SourceConfig) -> "DataConfig":
        """One of the sources by itself, for the time that all are wanted for."""
        held = {name: getattr(source, name) for name in SourceConfig.model_fields}
        return DataConfig(**held, start=self.start, end=self.end)

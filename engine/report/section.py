"""What a page is made of: sections with a template, and charts that a script draws.

A section is a function of a :class:`Context`; ``docs/report.md`` shows how to add one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

import numpy as np
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from tradewind.engine.records import Floats
from tradewind.engine.report import words
from tradewind.engine.report.packing import script_json
from tradewind.engine.report.run import Run
from tradewind.engine.report.series import Dates, growth, steps


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing.

    Attributes
    ----------
    id : str
        Unique on the page.
    kind : str
        Name of a function in ``assets/charts.js`` that turns ``data`` into an ECharts option.
    data : mapping
        Plain values and packed arrays (:mod:`tradewind.engine.report.packing`).
    label : str
        What somebody who cannot see it should know, as a sentence.
    height : int
        CSS pixels.
    """

    id: str
    kind: str
    data: Mapping[str, Any]
    label: str
    height: int = 320

    @property
    def json(self) -> Markup:
        """Data as text that is safe inside a ``<script>`` element."""
        return Markup(script_json(self.data))


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a page.

    Attributes
    ----------
    id : str
        Unique on the page; what a link points at.
    title : str
    html : Markup
        From :func:`render`, so every value in it is escaped.
    short : str
        Title in the list of contents.
    """

    id: str
    title: str
    html: Markup
    short: str = ""


@dataclass(frozen=True)
class Context:
    """A run as the sections read it; everything after the warm-up, computed once."""

    run: Run
    price_bytes: int = 680_000  # of the page for prices: what the rest leaves of two million

    @cached_property
    def bars_per_year(self) -> float:
        """Bars in a year of this panel's calendar and interval."""
        from tradewind.engine.bars.sessions import bars_per_year

        return bars_per_year(self.run.panel)

    @cached_property
    def equity(self) -> Floats:
        """Account value from the first bar of the evaluation on."""
        return self.run.simulation.equity[self.run.first_bar :]

    @cached_property
    def benchmark(self) -> Floats:
        """What the same money would be worth in the benchmark, same bars."""
        start = self.equity[:1] if len(self.equity) else np.ones(1)
        return start * growth(self.run.benchmark[self.run.first_bar :])

    @cached_property
    def returns(self) -> Floats:
        """Simple return of the account on each of these bars."""
        return steps(self.equity)

    @cached_property
    def benchmark_returns(self) -> Floats:
        """Simple return of the benchmark on each of these bars."""
        return self.run.benchmark[self.run.first_bar :]

    @cached_property
    def dates(self) -> Dates:
        """Label of each of these bars."""
        return self.run.panel.dates[self.run.first_bar :]

    @cached_property
    def years(self) -> float:
        """Length of the evaluation."""
        return max(len(self.equity) - 1, 0) / self.bars_per_year

    @cached_property
    def benchmark_name(self) -> str:
        """Benchmark as a table names it."""
        return str(self.run.config.benchmark).replace("_", " ")

    def block(self, name: str) -> Mapping[str, Any]:
        """One block of the run's metrics, empty where it has none."""
        found = self.run.metrics.get(name)
        return found if isinstance(found, Mapping) else {}


SectionMaker = Callable[[Context], Section | None]
"""Makes a section, or None where the run has nothing to say about it."""


def render(template: str, **values: Any) -> Markup:
    """HTML of a template below ``templates/``, every value escaped."""
    return Markup(environment().get_template(template).render(**values))


def render_text(template: str, **values: Any) -> Markup:
    """HTML of a template given as text, every value escaped: for sections from other packages."""
    return Markup(environment().from_string(template).render(**values))


@cache
def environment() -> Environment:
    """Jinja with escaping on, and with an error for a name that a template misspells."""
    made = Environment(
        loader=FunctionLoader(lambda name: asset(f"templates/{name}")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": words.number,
        "percent": words.percent,
        "signed": words.signed,
        "signed_percent": words.signed_percent,
        "money": words.money,
        "significant": words.significant,
        "p_value": words.p_value,
    }
    return made


@cache
def asset(name: str) -> str:
    """Text of a file that ships beside this module."""
    root = resources.files("tradewind.engine.report")
    return root.joinpath(*name.split("/")).read_text("utf-8").replace("\r\n", "\n")

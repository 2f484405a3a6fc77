"""The page as text: small, closed to the outside and to what a run may be named, and honest."""

import json
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest
from jinja2 import UndefinedError

from tradewind.engine.protocols import Forecasts, Signals
from tradewind.engine.records import EVENT, FILL, Panel, Simulation
from tradewind.engine.report import folder, page
from tradewind.engine.report.run import Run
from tradewind.engine.report.section import Context, Section, render_text
from tradewind.engine.report.sections.headline import evidence, verdict
from tradewind.engine.report.sections.money import split
from tradewind.engine.report.words import REASONS, reason
from tradewind.engine.types import Happening, Reason

BUILDER = run_path(str(Path(__file__).with_name("make_run.py")))
RUN: Run = BUILDER["make_run"]()
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{7*7}}"


class Elements(HTMLParser):
    """Every element with its attributes, and the text of every script."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.text: list[str] = []
        self.open_script: str | None = None
        self.in_script = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.in_script, self.open_script = True, dict(attrs).get("type")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.in_script = False

    def handle_data(self, data: str) -> None:
        if self.in_script:
            self.scripts.append((self.open_script, data))
        else:
            self.text.append(data)

    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def _charts(html: str) -> dict[str, Any]:
    """Data of each chart by its id."""
    found = re.findall(
        r'id="([\w-]+)" data-kind.*?class="chart-data">(.*?)</script>', html, flags=re.DOTALL
    )
    return {name: json.loads(text) for name, text in found}


def _array(packed: dict[str, str], key: str, dtype: str) -> Any:
    return np.frombuffer(b64decode(packed[key]), dtype)


def test_a_page_has_every_section_and_stays_below_two_megabytes() -> None:
    html = page.render(RUN)
    assert len(html.encode()) < page.MAX_BYTES
    sections = [attrs["id"] for tag, attrs in Elements(html).found if tag == "section"]
    wanted = ["figures", "equity", "months", "trades", "forecasts", "money"]
    assert sections == [*wanted, "spread", "sizing", "orders", "ambiguity", "notes", "setup"]
    assert set(_charts(html)) == {
        "equity-value", "equity-drawdown", "equity-rolling", "trades-price", "forecast-cloud",
        "forecast-deciles", "forecast-coverage", "money-waterfall", "money-symbols",
        "spread-break-even", "ambiguity-equity",
    }  # fmt: skip


def test_a_page_refers_to_nothing_outside_itself() -> None:
    elements = Elements(page.render(RUN)).found
    links = [
        (tag, name, value)
        for tag, attrs in elements
        for name, value in attrs.items()
        if name in ("src", "href", "action", "data", "poster", "srcset")
    ]
    assert len(links) >= 9  # the list of contents
    assert [link for link in links if not str(link[2]).startswith("#")] == []
    assert {tag for tag, _ in elements} & {"link", "iframe", "object", "embed", "base"} == set()
    css = page.render(RUN).partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in css and "@import" not in css


def test_only_our_own_scripts_may_run() -> None:
    parsed = Elements(page.render(RUN))
    policy = next(
        attrs["content"] for tag, attrs in parsed.found
        if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
    )  # fmt: skip
    assert policy is not None and "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    running = [text for kind, text in parsed.scripts if kind is None]
    assert len(running) == len(page.SCRIPTS)
    for text in running:
        assert f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy


def _hostile_run() -> Run:
    """Everything a user or a provider can name, named to break out."""
    names = tuple(f"{HOSTILE}{k}" for k in range(RUN.panel.n_symbols))
    config = RUN.config.model_copy(
        update={
            "name": HOSTILE,
            "benchmark": HOSTILE,
            "strategy": RUN.config.strategy.model_copy(update={"kind": HOSTILE, "extra": HOSTILE}),
            "data": RUN.config.data.model_copy(update={"symbols": names}),
        }
    )
    scores = {**RUN.forecast_scores, "verdict": HOSTILE}
    scores["rivals"] = {HOSTILE: RUN.forecast_scores["rivals"]["naive"]}
    return replace(
        RUN,
        name=HOSTILE,
        config=config,
        panel=replace(RUN.panel, symbols=names),
        notes=(HOSTILE,),
        manifest={HOSTILE: {HOSTILE: HOSTILE}},
        metrics={**RUN.metrics, "strategy": {**RUN.metrics["strategy"], HOSTILE: 1.0}},
        forecast_scores=scores,
    )


def test_no_name_in_a_run_can_become_markup_or_script() -> None:
    hostile, plain = Elements(page.render(_hostile_run())), Elements(page.render(RUN))
    assert [text for kind, text in hostile.scripts if kind is None] == [
        text for kind, text in plain.scripts if kind is None
    ]
    assert not [tag for tag, _ in hostile.found if tag == "img"]
    assert not [name for _, attrs in hostile.found for name in attrs if name.startswith("on")]
    # What was not refused must be there as text, or the test proves nothing.
    assert hostile.words().count("<img src=x onerror=alert(2)>\"'`{{7*7}}") > 20
    assert "{49}" not in hostile.words() and "`49" not in hostile.words()


def test_chart_data_survives_hostile_names() -> None:
    symbols = _charts(page.render(_hostile_run()))["trades-price"]["symbols"]
    assert {symbol["name"][: len(HOSTILE)] for symbol in symbols} == {HOSTILE}


def test_values_in_a_chart_are_the_run_s() -> None:
    charts = _charts(page.render(RUN))
    line = charts["equity-value"]["lines"][0]
    drawn = _array(line["values"], "f4", "<f4")
    np.testing.assert_allclose(drawn, RUN.simulation.equity[RUN.first_bar :], rtol=1e-6)
    times = _array(charts["equity-value"]["time"], "f8", "<f8")
    assert str(times[0].astype("datetime64[ms]"))[:10] == str(RUN.panel.dates[RUN.first_bar])
    symbol = charts["trades-price"]["symbols"][0]
    k = RUN.panel.column(symbol["name"])
    fills = RUN.simulation.fills[RUN.simulation.fills["symbol"] == k]
    np.testing.assert_array_equal(_array(symbol["at"], "i4", "<i4"), fills["bar"])
    np.testing.assert_allclose(_array(symbol["price"], "f4", "<f4"), fills["price"], rtol=1e-6)


def test_the_symbol_with_the_largest_profit_or_loss_comes_first() -> None:
    profit = np.bincount(RUN.trades["symbol"], weights=RUN.trades["pnl"])
    first = _charts(page.render(RUN))["trades-price"]["symbols"][0]["name"]
    assert first == RUN.panel.symbols[int(np.argmax(np.abs(profit)))]


def _wide_run(n_bars: int, n_symbols: int, fills_each: int) -> Run:
    """Random walks with fills at random: large, and nothing else."""
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, (n_bars, n_symbols)), axis=0))
    ts = (np.arange(n_bars) * 60_000_000_000 + 1_400_000_000_000_000_000).astype(np.int64)
    symbols = tuple(f"S{k:04d}" for k in range(n_symbols))
    high, low, volume = close * 1.01, close * 0.99, np.full(close.shape, 1e6)
    panel = Panel(symbols, ts, close, high, low, close, volume, interval="1min")
    fills = np.zeros(fills_each * n_symbols, FILL)
    fills["bar"] = np.sort(rng.integers(1, n_bars, len(fills)))
    fills["symbol"] = rng.integers(0, n_symbols, len(fills))
    fills["qty"] = rng.choice([-1.0, 1.0], len(fills))
    fills["price"] = fills["mid"] = fills["quote"] = 100.0
    flat = np.full(n_bars, 100_000.0) + np.cumsum(rng.normal(0, 5, n_bars))
    zero = np.zeros(n_bars)
    none = RUN.simulation.orders[:0], fills, RUN.simulation.events[:0]
    simulation = Simulation.with_curves(flat, flat, zero, zero, *none)
    return replace(
        RUN, panel=panel, signals=Signals(), simulation=simulation, trades=RUN.trades[:0],
        benchmark=zero, first_bar=10, metrics={}, forecast_scores={},
        notes=tuple(f"note {k} " + "x" * 1_000 for k in range(5_000)),
    )  # fmt: skip


@pytest.mark.parametrize(("n_bars", "n_symbols", "each"), [(1_200, 400, 60), (120_000, 3, 20_000)])
def test_a_page_of_a_very_large_run_stays_below_two_megabytes(
    n_bars: int, n_symbols: int, each: int
) -> None:
    html = page.render(_wide_run(n_bars, n_symbols, each))
    assert len(html.encode()) < page.MAX_BYTES
    symbols = _charts(html)["trades-price"]["symbols"]
    words = Elements(html).words()
    assert len(symbols) >= 3 and "more in manifest.json" in words
    if len(symbols) < n_symbols:
        assert "Not drawn" in words and f"and {n_symbols - len(symbols) - 40} more" in words
    else:
        assert "One candle holds 80 bars of 1min" in words


def test_prices_make_room_for_whatever_else_a_page_has_to_hold() -> None:
    def bulky(_: Context) -> Section:
        return Section("bulky", "Bulky", render_text("{{ text }}", text="x" * 500_000))

    run = _wide_run(1_200, 400, 60)
    slim, full = page.render(run), page.render(run, sections=(*page.SECTIONS, bulky))
    assert len(full.encode()) < page.MAX_BYTES and "x" * 500_000 in full
    drawn = [len(_charts(html)["trades-price"]["symbols"]) for html in (slim, full)]
    assert 0 < drawn[1] < drawn[0]


def test_symbols_beyond_the_room_for_candles_keep_their_closes() -> None:
    symbols = _charts(page.render(_wide_run(1_200, 400, 60)))["trades-price"]["symbols"]
    with_candles = [("open" in symbol) for symbol in symbols]
    assert 5 < sum(with_candles) < len(symbols)
    assert with_candles == sorted(with_candles, reverse=True)
    assert all("close" in symbol for symbol in symbols)


@pytest.mark.parametrize("n_bars", [1, 2, 30, 90, 200])
def test_a_short_run_still_has_a_page(n_bars: int) -> None:
    short = BUILDER["make_run"](("MSFT", "KO"), n_bars=n_bars)
    assert "Key figures" in page.render(short)


def test_a_run_without_forecasts_trades_or_metrics_still_has_a_page() -> None:
    sim = replace(RUN.simulation, orders=RUN.simulation.orders[:0], fills=RUN.simulation.fills[:0])
    bare = replace(
        RUN, signals=Signals(), simulation=sim, trades=RUN.trades[:0], metrics={},
        forecast_scores={}, notes=(), manifest={}, log=(),
    )  # fmt: skip
    html = page.render(bare)
    assert "The strategy never traded" in html and "checks found nothing" in html
    for absent in ("trades", "forecasts", "money", "orders"):
        assert f'<section id="{absent}"' not in html


def test_a_run_evaluated_on_no_bar_still_has_a_page() -> None:
    assert "no bars" in page.render(replace(RUN, first_bar=RUN.panel.n_bars))


def test_forecasts_that_are_all_equal_are_said_to_have_no_picture() -> None:
    said = RUN.signals.forecasts
    assert said is not None
    flat = Forecasts(np.where(np.isnan(said.mean), np.nan, 0.0), said.std, said.horizon)
    html = page.render(replace(RUN, signals=Signals(flat)))
    assert "no picture" in html and "forecast-cloud" not in html


def _context(strategy: dict[str, Any], benchmark: dict[str, Any]) -> Context:
    return Context(replace(RUN, metrics={"strategy": strategy, "benchmark": benchmark}))


@pytest.mark.parametrize(
    ("gap", "wanted"),
    [
        ((0.30, 0.40), "beats its benchmark, equal weight: Sharpe 1.30 ± 0.50 against 1.00 ± 0.45, "
         "a difference within one standard error: chance would do the same."),
        ((0.30, 0.20), "a difference of 1.5 standard errors: weak evidence."),
        ((0.30, 0.10), "1.00 ± 0.45, a difference of 3.0 standard errors."),
        ((-0.30, 0.10), "does not beat its benchmark, equal weight: Sharpe 0.70 ± 0.50"),
        ((0.0, 0.10), "does not beat its benchmark"),
        ((0.30, None), "within one standard error: chance would do the same."),
    ],
)  # fmt: skip
def test_the_verdict_says_who_is_better_and_whether_it_means_much(
    gap: tuple[float, float | None], wanted: str
) -> None:
    ours: dict[str, Any] = {"sharpe": 1.0 + gap[0], "sharpe_se": 0.5}
    ours |= {"sharpe_difference": gap[0], "sharpe_difference_se": gap[1]}
    said = verdict(_context(ours, {"sharpe": 1.0, "sharpe_se": 0.45}))
    assert said.startswith("After costs the strategy ")
    assert wanted in said.replace("\N{NO-BREAK SPACE}", " ")


def test_beside_cash_the_verdict_is_about_money_made_or_lost() -> None:
    said = verdict(_context({"sharpe": -0.4, "sharpe_se": 0.5}, {"sharpe": None}))
    assert "lost money" in said and "0.8 standard errors from zero, within noise" in said
    said = verdict(_context({"sharpe": 1.5, "sharpe_se": 0.5}, {}))
    assert "made money" in said and said.endswith("3.0 standard errors from zero.")


def test_an_account_that_did_not_move_has_no_verdict() -> None:
    assert "did not move enough" in verdict(_context({"sharpe": None}, {"sharpe": 1.0}))


def test_the_evidence_names_return_fall_length_and_trades() -> None:
    said = evidence(Context(RUN))
    ours = RUN.metrics["strategy"]
    assert f"{ours['annual_return'] * 100:.1f}% a year" in said
    assert f"fell {ours['max_drawdown'] * 100:.1f}%" in said
    closed = RUN.metrics["strategy"]["n_trades"]
    assert 0 < closed < len(RUN.trades), "some trades must still be open for this to say anything"
    assert f"over 3.5 out-of-sample years and {closed} closed trades" in said


def test_costs_add_up_to_what_was_kept() -> None:
    parts = split(RUN)
    kept = parts.gross - parts.fee - parts.spread - parts.slippage - parts.borrow
    assert kept == pytest.approx(parts.net, abs=1e-6)
    assert parts.net == pytest.approx(RUN.simulation.equity[-1] - 100_000)
    paid = RUN.metrics["costs"]
    for name in ("fee", "spread", "slippage", "borrow"):
        assert getattr(parts, name) == pytest.approx(paid[name], rel=1e-12) and paid[name] > 0


def test_interest_and_dividends_have_a_place_where_there_were_any() -> None:
    assert "Dividends" not in Elements(page.render(RUN)).words()
    more = np.array([(5, -1, Happening.INTEREST, 7.0), (6, 0, Happening.DIVIDEND, 30.0)], EVENT)
    events = np.concatenate([RUN.simulation.events, more])
    run = replace(RUN, simulation=replace(RUN.simulation, events=events))
    parts, before = split(run), split(RUN)
    assert (parts.interest, parts.dividends) == (-7.0, 30.0)  # both were paid to us
    assert parts.net == before.net
    assert parts.gross == pytest.approx(before.gross - 37.0)
    words = Elements(page.render(run)).words()
    assert re.search(r"Interest 7\b", words) and re.search(r"Dividends 30\b", words)


def test_every_reason_has_words_and_an_unknown_one_its_code() -> None:
    assert set(REASONS) == set(Reason)
    assert reason(999) == ("code 999", "not known to this version")


def test_orders_are_counted_by_reason() -> None:
    words = Elements(page.render(RUN)).words()
    orders = RUN.simulation.orders
    filled = int((orders["reason"] == Reason.FILLED).sum())
    assert f"{filled} of {len(orders)} orders were filled in full" in words
    refused = int((orders["reason"] == Reason.REJECTED_CASH).sum())
    assert f"no cash {refused} " in words


def test_metrics_nobody_labelled_are_shown_by_their_key() -> None:
    strategy = {**RUN.metrics["strategy"], "deflated_sharpe": 0.123}
    words = Elements(page.render(replace(RUN, metrics={"strategy": strategy}))).words()
    assert "Deflated sharpe 0.12" in words


def test_a_ruined_account_is_called_ruined() -> None:
    strategy = {**RUN.metrics["strategy"], "ruined": True}
    assert "The account was ruined" in page.render(replace(RUN, metrics={"strategy": strategy}))


def test_the_section_that_the_docs_add_joins_the_page(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs/report.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 2
    known: dict[str, Any] = {"folder": folder.write(RUN, tmp_path), "run": RUN}
    for block in blocks:
        exec(compile(block, "docs/report.md", "exec"), known)
    assert known["names"] == [RUN.name] and len(known["trades"]) == len(RUN.trades)
    bars = _charts(known["html"])["weekday-bars"]["bars"]
    assert sum(bar["value"] for bar in bars[:5]) == len(RUN.trades)


def test_a_template_that_misspells_a_name_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render_text("{{ misspelt }}")


def test_notes_that_say_the_same_of_several_places_stand_once() -> None:
    said = [
        "survivors only",
        *(f"S{k} 2014-02-03: ends before the others" for k in range(50)),
        "KO 2014-02-04: no bar",
        "2 symbols left: see the list",
    ]
    words = Elements(page.render(replace(RUN, notes=tuple(said)))).words()
    assert words.count("ends before the others") == 1
    assert "50 times:" in words and "S39 2014-02-03" in words and "S40 " not in words
    assert "and 10 more in manifest.json" in words
    assert "KO 2014-02-04: no bar" in words and "survivors only" in words
    assert "2 symbols left: see the list" in words

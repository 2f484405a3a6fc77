"""The page in a real browser: it draws, obeys, fits the window and asks nobody for anything.

What is drawn is read back from ECharts and from the pixels, not from the data that went in.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from runpy import run_path
from typing import Any

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tradewind.engine.report import page
from tradewind.engine.report.run import Run

pytestmark = pytest.mark.browser

BUILDER = run_path(str(Path(__file__).parents[1] / "engine/report/make_run.py"))
RUN: Run = BUILDER["make_run"]()
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--no-default-browser-check", "--disable-dev-shm-usage",
)  # fmt: skip
HOSTILE = '</script><img src=x onerror="window.pwned=1"><b>&amp;\''
Open = Callable[..., webdriver.Chrome]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Headless Chromium with a profile of its own and a record of all it asks for."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    browser, service = next(filter(None, found), None), shutil.which("chromedriver")
    if not browser or not service:
        pytest.skip("needs Chromium and chromedriver on the PATH: apt install chromium-driver")
    options = Options()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(service))
    made.set_page_load_timeout(60)
    made.set_script_timeout(60)
    yield made
    made.quit()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page.render(RUN), "utf-8")
    return path


@pytest.fixture
def show(driver: webdriver.Chrome, written: Path) -> Open:
    """Open the page in a window of a given width and colour scheme; logs start empty."""

    def shown(width: int = 1400, scheme: str = "light", path: Path = written) -> webdriver.Chrome:
        driver.get("about:blank")
        for log in ("browser", "performance"):
            read_log(driver, log)
        look(driver, width, scheme)
        driver.get(path.as_uri())
        return driver

    return shown


def look(driver: webdriver.Chrome, width: int, scheme: str) -> None:
    # Reduced motion: a click must not land where the page was before it scrolled smoothly.
    wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in wishes.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def ask(driver: webdriver.Chrome, script: str, *arguments: Any) -> Any:
    return driver.execute_script(f"return {script}", *arguments)


def read_log(driver: webdriver.Chrome, name: str) -> list[str]:
    """Messages since the log was last read."""
    return [entry["message"] for entry in driver.get_log(name)]  # type: ignore[no-untyped-call]


def complaints(driver: webdriver.Chrome) -> list[str]:
    return read_log(driver, "browser")


def option(driver: webdriver.Chrome, chart: str) -> Any:
    """What ECharts is drawing, typed arrays and all, as plain values."""
    text = ask(
        driver,
        """(() => {
          const element = document.querySelector(`#${arguments[0]} .drawing`);
          const {series, xAxis, yAxis, dataZoom} = echarts.getInstanceByDom(element).getOption();
          return JSON.stringify({series, xAxis, yAxis, dataZoom}, (key, value) =>
            typeof value === "function" ? undefined : value);
        })()""",
        chart,
    )
    return json.loads(text)


def test_the_page_opens_without_a_complaint_and_asks_for_nothing(show: Open) -> None:
    driver = show()
    assert complaints(driver) == []
    events = [json.loads(text)["message"] for text in read_log(driver, "performance")]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert any(url.startswith("file://") and url.endswith("report.html") for url in asked)
    assert [url for url in asked if not url.startswith(("file://", "data:", "about:"))] == []
    assert sum(url.startswith("file://") for url in asked) == 1


@pytest.mark.parametrize("width", [1400, 390])
def test_every_chart_is_drawn(show: Open, width: int) -> None:
    driver = show(width)
    drawn = ask(
        driver,
        """[...document.querySelectorAll("figure.chart")].map((figure) => {
          const svg = figure.querySelector("svg"), canvas = figure.querySelector("canvas");
          if (svg) return [figure.id, svg.querySelectorAll("path,polyline,polygon").length];
          const {width, height} = canvas;
          const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
          let inked = 0;
          for (let i = 3; i < pixels.length; i += 4) inked += pixels[i] > 0;
          return [figure.id, inked / 100];
        })""",
    )
    assert len(drawn) == 11
    assert [name for name, marks in drawn if marks < 5] == []
    names = ask(driver, "[...document.querySelectorAll('.drawing')].map((d) => d.ariaLabel)")
    assert all(len(name) > 30 for name in names)


def test_the_break_even_curve_is_the_run_s(show: Open) -> None:
    drawn = option(show(), "spread-break-even")["series"][0]
    curve = RUN.metrics["spread"]["break_even"]
    np.testing.assert_allclose(
        drawn["data"], list(zip(curve["scale"], curve["sharpe"], strict=True))
    )


def test_both_bounds_are_drawn_from_the_first_bar_of_the_evaluation_to_the_last(show: Open) -> None:
    driver = show()
    drawn = option(driver, "ambiguity-equity")["series"]
    assert [series["name"] for series in drawn] == ["At worst", "At best"]
    assert RUN.bounds is not None
    for series, equity in zip(drawn, RUN.bounds, strict=True):
        values = np.array(series["data"])[:, 1]
        np.testing.assert_allclose(values, equity[RUN.first_bar :], rtol=1e-6)
    assert drawn[0]["lineStyle"]["color"] != drawn[1]["lineStyle"]["color"]


def test_the_lines_drawn_are_the_run_s(show: Open) -> None:
    drawn = option(show(), "equity-value")["series"]
    assert [series["name"] for series in drawn] == ["Strategy", "equal weight"]
    values = np.array(drawn[0]["data"])
    np.testing.assert_allclose(values[:, 1], RUN.simulation.equity[RUN.first_bar :], rtol=1e-6)
    day = np.datetime64(int(values[-1, 0]), "ms").astype("datetime64[D]")
    assert day == RUN.panel.dates[-1]


def test_the_log_switch_draws_logarithms_and_labels_values(show: Open) -> None:
    driver = show()
    switch = driver.find_element(By.CSS_SELECTOR, "#equity-value [data-set=log]")
    plain = np.array(option(driver, "equity-value")["series"][0]["data"])[:, 1]
    path = "document.querySelector('#equity-value svg').outerHTML"
    before = ask(driver, path)
    switch.click()
    drawn = np.array(option(driver, "equity-value")["series"][0]["data"])[:, 1]
    np.testing.assert_allclose(drawn, np.log(plain), rtol=1e-12)
    labels = ask(
        driver, "[...document.querySelectorAll('#equity-value svg text')].map((t) => t.textContent)"
    )
    assert sum(label.endswith("k") for label in labels) >= 3
    switch.click()
    assert ask(driver, path) == before


def _symbol(driver: webdriver.Chrome) -> tuple[str, Any]:
    series = option(driver, "trades-price")["series"]
    return series[0]["name"], series


def test_the_symbol_picker_changes_the_chart(show: Open) -> None:
    driver = show()
    picker = Select(driver.find_element(By.CSS_SELECTOR, "#trades-price select"))
    pixels = "document.querySelector('#trades-price canvas').toDataURL()"
    assert len(picker.options) == RUN.panel.n_symbols
    seen = {}
    for i, choice in enumerate(picker.options):
        picker.select_by_index(i)
        name, series = _symbol(driver)
        assert choice.text.startswith(name)
        column = RUN.panel.column(name)
        close = RUN.panel.close[:, column]
        np.testing.assert_allclose(series[0]["data"], close[~np.isnan(close)], rtol=1e-4)
        fills = RUN.simulation.fills[RUN.simulation.fills["symbol"] == column]
        marks = [mark["value"] for one in series[1:3] for mark in one["data"]]
        assert len(marks) == len(fills) > 0
        held = np.cumsum(fills["qty"])[-1]
        assert series[3]["data"][-1] == pytest.approx(held, abs=1e-3)
        seen[name] = ask(driver, pixels)
    assert len(set(seen.values())) == len(seen) == RUN.panel.n_symbols


def test_the_buttons_step_through_the_symbols_and_wrap_round(show: Open) -> None:
    driver = show()
    first = _symbol(driver)[0]
    back, on = driver.find_elements(By.CSS_SELECTOR, "#trades-price [data-step]")
    names = [first]
    for _ in range(RUN.panel.n_symbols):
        on.click()
        names.append(_symbol(driver)[0])
    assert len(set(names)) == RUN.panel.n_symbols and names[-1] == first
    back.click()
    assert _symbol(driver)[0] == names[-2]


def test_candles_take_the_place_of_the_line(show: Open) -> None:
    driver = show()
    driver.find_element(By.CSS_SELECTOR, "#trades-price [data-set=candles]").click()
    name, series = _symbol(driver)
    k = RUN.panel.column(name)
    bars = np.stack([getattr(RUN.panel, f)[:, k] for f in ("open", "close", "low", "high")], axis=1)
    assert series[0]["type"] == "candlestick"
    np.testing.assert_allclose(series[0]["data"], bars[~np.isnan(bars[:, 0])], rtol=1e-4)


def test_the_price_chart_can_be_moved_with_the_keyboard(show: Open) -> None:
    driver = show()
    drawing = driver.find_element(By.CSS_SELECTOR, "#trades-price .drawing")
    assert drawing.get_attribute("tabindex") == "0"

    def zoom() -> tuple[float, float]:
        found = option(driver, "trades-price")["dataZoom"][0]
        return found["start"], found["end"]

    assert zoom() == (0, 100)
    drawing.send_keys("+")
    assert zoom() == (25, 75)
    drawing.send_keys(Keys.ARROW_RIGHT)
    assert zoom() == (30, 80)
    driver.find_element(By.CSS_SELECTOR, "#trades-price [data-set=log]").click()
    assert zoom() == (30, 80)  # a switch keeps what is looked at
    drawing.send_keys("0")
    assert zoom() == (0, 100)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 760, 390, 360])
def test_nothing_is_wider_than_the_window(show: Open, width: int, scheme: str) -> None:
    driver = show(width, scheme)
    driver.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert ask(driver, "innerWidth") == width
    assert ask(driver, "document.documentElement.scrollWidth") <= width
    outside = ask(
        driver,
        """[...document.querySelectorAll("body *")].filter((element) => {
          if (element.closest(".scroll, pre, .skip, svg") && !element.matches(".scroll, pre"))
            return false;
          const box = element.getBoundingClientRect();
          return box.width > 0 && (box.right > innerWidth + 0.5 || box.left < -0.5);
        }).map((element) => element.outerHTML.slice(0, 80))""",
    )
    assert outside == []
    wide = ask(
        driver,
        """[...document.querySelectorAll(".drawing")].filter((drawing) =>
          Math.abs(drawing.firstElementChild.clientWidth - drawing.clientWidth) > 1).length""",
    )
    assert wide == 0


def test_charts_follow_the_window_and_the_colour_scheme_without_a_reload(show: Open) -> None:
    driver = show(1400, "light")
    width = "document.querySelector('#equity-value svg').clientWidth"
    ink = "document.querySelector('#equity-value svg').outerHTML.includes(arguments[0])"
    wide = ask(driver, width)
    assert ask(driver, ink, "#0a5fa8") and not ask(driver, ink, "#6cb4f4")
    look(driver, 390, "dark")
    settled = """const done = arguments[0];
      requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0)));"""
    driver.execute_async_script(settled)
    assert ask(driver, width) < 390 < wide
    assert ask(driver, ink, "#6cb4f4") and not ask(driver, ink, "#0a5fa8")


def test_a_printer_gets_light_charts_of_its_own_width(show: Open) -> None:
    driver = show(1400, "dark")
    state = """[document.documentElement.dataset.theme || "",
      ...[...document.querySelectorAll(".drawing")].map((d) => d.firstElementChild.clientWidth)]"""
    before = ask(driver, state)
    driver.execute_script("dispatchEvent(new Event('beforeprint'))")
    theme, *widths = ask(driver, state)
    assert theme == "light" and set(widths) == {660}
    driver.execute_script("dispatchEvent(new Event('afterprint'))")
    assert ask(driver, state) == before and before[0] == ""
    assert complaints(driver) == []


def test_tables_say_what_they_are(show: Open) -> None:
    driver = show()
    faults = ask(
        driver,
        """[...document.querySelectorAll("main table")].filter((table) =>
          !table.caption || !table.caption.textContent.trim() ||
          [...table.querySelectorAll("th")].some((th) => !th.scope)).length""",
    )
    assert faults == 0 and len(driver.find_elements(By.CSS_SELECTOR, "main table")) >= 7
    broken = ask(
        driver,
        """[...document.querySelectorAll("nav a")].filter((a) =>
          !document.querySelector(a.getAttribute("href"))).length""",
    )
    assert broken == 0
    ids = ask(driver, "[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = tuple(f"{HOSTILE}{k}" for k in range(RUN.panel.n_symbols))
    run = replace(
        RUN,
        name=HOSTILE,
        panel=replace(RUN.panel, symbols=names),
        config=RUN.config.model_copy(update={"name": HOSTILE, "benchmark": HOSTILE}),
        notes=(HOSTILE,),
        manifest={HOSTILE: HOSTILE},
    )
    path = tmp_path_factory.mktemp("hostile") / "report.html"
    path.write_text(page.render(run), "utf-8")
    return path


def test_names_stay_text_in_the_page_and_in_every_tooltip(show: Open, hostile: Path) -> None:
    driver = show(path=hostile)
    driver.execute_script(
        """for (const drawing of document.querySelectorAll(".drawing")) {
          const chart = echarts.getInstanceByDom(drawing);
          chart.getOption().series.forEach((_, seriesIndex) =>
            chart.dispatchAction({type: "showTip", seriesIndex, dataIndex: 3}));
        }"""
    )
    tips = ask(driver, "[...document.querySelectorAll('.tip')].map((tip) => tip.textContent)")
    assert sum(HOSTILE in tip for tip in tips) >= 3  # equity lines, price, profit by symbol
    assert driver.find_elements(By.CSS_SELECTOR, "img, .tip b") == []
    assert ask(driver, "window.pwned") is None
    choice = driver.find_element(By.CSS_SELECTOR, "#trades-price option").text
    assert choice.startswith(HOSTILE)
    assert driver.find_element(By.TAG_NAME, "h1").text == HOSTILE
    assert complaints(driver) == []


def test_a_script_that_is_not_ours_does_not_run(show: Open) -> None:
    driver = show()
    driver.execute_script(
        """const script = document.createElement("script");
        script.textContent = "window.pwned = 1";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<p onclick='window.pwned = 2'>x</p>");
        document.body.lastElementChild.click();"""
    )
    assert ask(driver, "window.pwned") is None
    assert any("Content Security Policy" in text for text in complaints(driver))

"""The pages of a strategy in a real browser: every picture draws, nothing is asked for."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tradewind.engine.protocols import Signals
from tradewind.engine.records import DAY_NS, Panel
from tradewind.engine.report.explained import packed, render_explanation
from tradewind.strategies.pairing.explaining import explain
from tradewind.strategies.pairs import Pairs

pytestmark = pytest.mark.browser

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--hide-scrollbars", "--disable-dev-shm-usage")  # fmt: skip
HOSTILE = "</script><b>"


def market() -> Panel:
    """Six walks of which the first two belong together; one name is hostile."""
    draw = np.random.default_rng(3)
    logs = 4.0 + np.cumsum(draw.normal(0, 0.01, (500, 6)), axis=0)
    apart = np.zeros(500)
    for t in range(1, 500):
        apart[t] = 0.9 * apart[t - 1] + draw.normal(0, 0.01)
    logs[:, 1] = logs[:, 0] + apart
    close = np.exp(logs)
    ts = (np.arange(500) + 15_000) * DAY_NS
    names = ("A", HOSTILE, "C", "D", "E", "F")
    return Panel(names, ts, close, close, close, close, np.full(close.shape, 1e6))


def page(folder: Path) -> Path:
    """Trade the market and write the page."""
    from tests.strategies.pairing.test_trading import terms_of
    from tradewind.engine.executors import reference

    panel = market()
    strategy = Pairs(formation=120, find="cointegration", count=3, entry=1.0, every="quarter")
    inputs = strategy.prepare(panel, Signals())
    found = reference.simulate(strategy, inputs, panel, terms_of(6), start=120)
    told = explain(strategy.plan, strategy.params, inputs, panel, found, 120)
    kept = json.loads(json.dumps(packed(told)))  # as a folder would give it back
    path = folder / "explanation.html"
    path.write_text(render_explanation("legs", kept), "utf-8")
    return path


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
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
    made.get(page(tmp_path_factory.mktemp("page")).as_uri())
    yield made
    made.quit()


def ask(driver: webdriver.Chrome, script: str) -> Any:
    return driver.execute_script(f"return {script}")


def test_every_picture_draws_and_nothing_is_asked_for(driver: webdriver.Chrome) -> None:
    assert driver.get_log("browser") == []  # type: ignore[no-untyped-call]
    messages = driver.get_log("performance")  # type: ignore[no-untyped-call]
    asked = [
        event["params"]["request"]["url"]
        for event in (json.loads(entry["message"])["message"] for entry in messages)
        if event["method"] == "Network.requestWillBeSent"
    ]
    own = ("file://", "data:", "about:", "chrome:")
    assert [url for url in asked if not url.startswith(own)] == []
    figures = ask(driver, "document.querySelectorAll('figure.chart').length")
    drawn = ask(
        driver,
        "[...document.querySelectorAll('figure.chart .drawing')].filter(e => "
        "e.querySelectorAll('svg path').length > 2).length",
    )
    assert figures == drawn > 7


def test_the_heat_map_holds_every_pair_and_names_stay_text(driver: webdriver.Chrome) -> None:
    cells = ask(
        driver,
        "echarts.getInstanceByDom(document.querySelector('figure[data-kind=heat] .drawing'))"
        ".getOption().series[0].data.length",
    )
    assert cells == 30  # six names, both ways round
    assert ask(driver, "document.querySelectorAll('main b').length") == 0
    assert HOSTILE in ask(driver, "document.querySelector('main').textContent")


def test_every_decision_is_marked_on_the_spread(driver: webdriver.Chrome) -> None:
    marks = ask(
        driver,
        "[...document.querySelectorAll('figure[data-kind=marked] .drawing')].map(e => "
        "echarts.getInstanceByDom(e).getOption().series).map(s => s.filter(one => "
        "one.type === 'scatter').map(one => one.data.length)).flat().reduce((a, b) => a + b, 0)",
    )
    rows = ask(driver, "document.querySelector('section:last-of-type tbody').rows.length")
    assert rows > 2 and marks >= rows


@pytest.mark.parametrize("width", [360, 1400])
def test_nothing_is_wider_than_the_window(driver: webdriver.Chrome, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert ask(driver, "document.documentElement.scrollWidth") <= width

"""The page of a sweep in a real browser: every picture draws, nothing is asked for."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from tradewind.engine.report import sweep_page
from tradewind.engine.sweeping import run

pytestmark = pytest.mark.browser

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--hide-scrollbars", "--disable-dev-shm-usage")  # fmt: skip
CONFIG = """
name: two
data: {source: embedded, symbols: [MSFT, KO], end: 2015-12-31}
strategy: {kind: sma_cross}
sweep:
  name: two
  space:
    strategy.fast: {low: 2, high: 30}
    strategy.slow: {low: 5, high: 120}
    strategy.short: [false, true]
  objectives: {sharpe: maximize, turnover_annual: minimize}
  constraints: [max_drawdown < 0.25]
  trials: 150
  batch: 50
  validate: {folds: 4, train: 0.3}
"""
DRAWN = {"points", "shares", "surface", "parallel", "histogram", "lines"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("sweep")
    config = home / "two.yaml"
    config.write_text(CONFIG, "utf-8")
    return run.sweep(str(config), [], results=home / "results").folder


@pytest.fixture(scope="module")
def driver(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
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
    made.get((folder / "report.html").as_uri())
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
    kinds = ask(
        driver,
        "[...document.querySelectorAll('figure.chart')].filter(e => "
        "e.querySelectorAll('.drawing svg path').length > 2).map(e => e.dataset.kind)",
    )
    assert set(kinds) == DRAWN
    assert len(kinds) == ask(driver, "document.querySelectorAll('figure.chart').length")


def test_each_setting_is_a_point_and_the_front_is_marked(
    driver: webdriver.Chrome, folder: Path
) -> None:
    said = json.loads((folder / "sweep.json").read_text("utf-8"))
    points = ask(
        driver,
        "echarts.getInstanceByDom(document.querySelector('#history .drawing'))"
        ".getOption().series[0].data.length",
    )
    tried = said["trials"]
    assert points == tried["all"] - tried["refused"] - tried["undefined"] - tried["breached"]
    strong = ask(
        driver,
        "echarts.getInstanceByDom(document.querySelector('#front .drawing')).getOption()"
        ".series[0].data.filter(one => one.itemStyle.opacity > 0.5).length",
    )
    assert strong == len(said["front"]) > 1


def test_it_says_how_likely_the_winner_is_luck_and_how_steep_its_ground(
    driver: webdriver.Chrome, folder: Path
) -> None:
    said = json.loads((folder / "sweep.json").read_text("utf-8"))
    text = ask(driver, "document.querySelector('main').textContent")
    assert said["luck"]["sentence"] in text
    assert said["stability"]["sentence"] in text


@pytest.mark.parametrize("width", [360, 1400])
def test_nothing_is_wider_than_the_window(driver: webdriver.Chrome, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    assert ask(driver, "document.documentElement.scrollWidth") <= width


def test_a_page_is_made_again_from_the_folder_alone(folder: Path) -> None:
    page = folder / "report.html"
    before = page.read_text("utf-8")
    page.unlink()
    assert sweep_page.rebuild(folder) == page
    assert page.read_text("utf-8") == before

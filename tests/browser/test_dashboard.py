"""The page of a paper run in a real browser."""

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from tests.boards import FixedBoard
from tradewind.engine.dashboard.server import Dashboard

pytestmark = pytest.mark.browser
FLAGS = ("--headless=new", "--no-sandbox", "--window-size=1400,1000", "--disable-dev-shm-usage")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Chromium, without a window."""
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    binary, service = next(filter(None, found), None), shutil.which("chromedriver")
    if not binary or not service:
        pytest.skip("needs Chromium and chromedriver on the PATH: apt install chromium-driver")
    options = Options()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(service))
    yield made
    made.quit()


@pytest.fixture
def served() -> Iterator[tuple[Dashboard, FixedBoard]]:
    """A page and its board."""
    board = FixedBoard()
    page = Dashboard(board).start()
    yield page, board
    page.stop()


def waited(true: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def text(browser: Any, name: str) -> str:
    """Text of an element."""
    return str(browser.find_element(By.ID, name).text)


def opened(browser: Any, page: Dashboard) -> None:
    """Open the page and wait until it shows the run."""
    browser.get(page.url)
    waited(lambda: "101,234.50" in text(browser, "equity"))


def complaints(browser: Any) -> list[str]:
    """What the browser complains of, but for the connection that a test has cut."""
    return [
        entry["message"] for entry in browser.get_log("browser") if "ERR_" not in entry["message"]
    ]


def test_the_page_shows_the_run_and_everything_from_outside_as_text(
    browser: Any, served: tuple[Dashboard, FixedBoard]
) -> None:
    page, _ = served
    opened(browser, page)
    assert page.keys.token not in browser.current_url
    assert text(browser, "run") == "a<script>run"
    assert "<b>X" in text(browser, "positions")
    assert "stop limit" in text(browser, "orders")
    assert "too much of it" in text(browser, "refused")
    assert "spike 4" in text(browser, "feed")
    assert "95 %" in text(browser, "limits")
    waited(lambda: browser.execute_script("return document.querySelectorAll('canvas').length") >= 2)
    loaded = browser.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    assert all(name.startswith(f"http://127.0.0.1:{page.port}/") for name in loaded)
    assert complaints(browser) == []


def test_the_page_follows_the_run(browser: Any, served: tuple[Dashboard, FixedBoard]) -> None:
    page, board = served
    opened(browser, page)
    board.view = {**board.view, "equity": 99_000.0, "state": "frozen", "reason": "lost too much"}
    waited(lambda: "99,000.00" in text(browser, "equity"))
    assert text(browser, "state") == "frozen"
    assert text(browser, "reason") == "lost too much"


def test_a_command_is_sent_only_when_it_is_confirmed(
    browser: Any, served: tuple[Dashboard, FixedBoard]
) -> None:
    page, board = served
    opened(browser, page)
    browser.find_element(By.CSS_SELECTOR, "[data-act=pause]").click()
    waited(lambda: browser.find_element(By.ID, "confirm").is_displayed())
    assert browser.switch_to.active_element.get_attribute("id") == "no"
    browser.find_element(By.ID, "no").click()
    browser.find_element(By.CSS_SELECTOR, "[data-act=kill]").click()
    browser.find_element(By.ID, "flat").click()
    browser.find_element(By.ID, "yes").click()
    waited(lambda: board.asked)
    assert board.asked == [("kill", "page", {"flatten": True})]


def test_a_lost_connection_never_looks_live(
    browser: Any, served: tuple[Dashboard, FixedBoard]
) -> None:
    page, _ = served
    opened(browser, page)
    page.stop()
    waited(lambda: "connection lost" in text(browser, "state"), 40.0)
    assert "Connection lost" in text(browser, "banner")


def test_on_a_phone_nothing_is_wider_than_the_screen(
    browser: Any, served: tuple[Dashboard, FixedBoard]
) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True},
    )
    opened(browser, served[0])
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

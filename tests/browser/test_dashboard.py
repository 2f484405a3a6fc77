"""The page of a paper run in a real browser: what it shows, what it asks."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.boards import BEGUN, DAY, NS, FixedBoard
from tradewind.engine.dashboard.server import Dashboard

pytestmark = pytest.mark.browser
FLAGS = ("--headless=new", "--no-sandbox", "--window-size=1400,1000", "--disable-gpu",
         "--no-first-run", "--disable-dev-shm-usage")  # fmt: skip
Served = tuple[Dashboard, FixedBoard]
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
DESK = {"width": 1400, "height": 1000, "deviceScaleFactor": 1, "mobile": False}


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
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(service))
    yield made
    made.quit()


@pytest.fixture
def served(browser: Any) -> Iterator[Served]:
    """A page that is open, and its board; at the end nothing has been complained of."""
    board = FixedBoard()
    page = Dashboard(board).start()
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(page.url)
    waited(lambda: "101,234.50" in text(browser, "equity"))
    yield page, board
    page.stop()
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    complaints = [entry["message"] for entry in browser.get_log("browser")]
    cut = ("ERR_", "401 (Unauthorized)")  # what a test has done to the line
    assert [one for one in complaints if not any(word in one for word in cut)] == []


def waited(true: Callable[[], Any], seconds: float = 30.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def text(browser: Any, name: str) -> str:
    return str(browser.find_element(By.ID, name).text)


def button(browser: Any, name: str) -> Any:
    return browser.find_element(By.CSS_SELECTOR, f"[data-act={name}]")


def shown(browser: Any) -> set[str]:
    """Commands that can be asked for."""
    return {
        str(one.get_attribute("data-act"))
        for one in browser.find_elements(By.CSS_SELECTOR, "[data-act]")
        if one.is_displayed() and one.is_enabled()
    }


def test_the_page_shows_the_run_and_everything_from_outside_as_text(
    browser: Any, served: Served
) -> None:
    page, _ = served
    for secret in (page.keys.token, page.keys.session, page.keys.csrf):
        assert secret not in browser.current_url
        assert secret not in browser.page_source
    assert text(browser, "run") == "a<script>run"
    assert "USD" in text(browser, "currency")
    assert "▲ +1,234.50 (+1.23%) since the start" in text(browser, "gain")
    facts = text(browser, "facts")
    for wanted in ("▲ +234.50", "0.75%", "from 102,000.00", "95.1%", "bar 40"):
        assert wanted in facts
    assert "<b>X" in text(browser, "positions")
    assert "+200.00" in text(browser, "positions")
    assert "Sell stop limit" in text(browser, "orders")
    assert "limit 40.00" in text(browser, "orders")
    assert "too much of it" in text(browser, "refused")
    assert "4 spike" in text(browser, "feed")
    assert "95.0% of 100.0% \N{EN DASH} near" in text(browser, "limits")
    assert "+1.00%" in text(browser, "forecasts")
    assert "△ feed" in text(browser, "log")
    assert browser.find_elements(By.CSS_SELECTOR, "h1 script, main b") == []
    options = browser.find_elements(By.CSS_SELECTOR, "#symbol option")
    assert [one.text for one in options] == ["KO", "<b>X"]


def test_both_charts_draw_and_say_in_words_what_they_show(browser: Any, served: Served) -> None:
    waited(lambda: len(browser.find_elements(By.TAG_NAME, "canvas")) == 2)
    inked = """return Array.from(document.querySelectorAll('canvas'), (one) => {
        const pixels = one.getContext('2d').getImageData(0, 0, one.width, one.height).data;
        return new Set(new Uint32Array(pixels.buffer)).size; });"""
    waited(lambda: all(tints > 10 for tints in browser.execute_script(inked)))
    curve = browser.find_element(By.ID, "curve").get_attribute("aria-label")
    assert "from 100,000.00 to 101,200.00" in curve
    waited(lambda: "41 bars" in candles(browser))
    assert "1 fill." in candles(browser)


def candles(browser: Any) -> str:
    return str(browser.find_element(By.ID, "candles").get_attribute("aria-label"))


def test_another_symbol_is_shown_when_it_is_chosen(browser: Any, served: Served) -> None:
    waited(lambda: "41 bars" in candles(browser))
    browser.find_element(By.CSS_SELECTOR, "#symbol option:first-child").click()
    waited(lambda: candles(browser).startswith("KO:"))
    browser.find_element(By.CSS_SELECTOR, "#symbol option:last-child").click()
    waited(lambda: candles(browser).startswith("<b>X:"))


def test_nothing_is_asked_of_anybody_but_the_run(browser: Any, served: Served) -> None:
    waited(lambda: len(browser.find_elements(By.TAG_NAME, "canvas")) == 2)
    entries = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [
        entry["params"]["request"]["url"]
        for entry in entries
        if entry["method"] == "Network.requestWillBeSent"
    ]
    own = f"http://127.0.0.1:{served[0].port}/"
    assert len(urls) > 8
    assert [url for url in urls if not url.startswith((own, "data:"))] == []


def test_the_page_follows_the_run(browser: Any, served: Served) -> None:
    board = served[1]
    board.view = {**board.view, "equity": 99_000.0, "state": "frozen", "reason": "lost too much",
                  "positions": [], "orders": [], "risk": [], "log": []}  # fmt: skip
    waited(lambda: "99,000.00" in text(browser, "equity"))
    assert text(browser, "state") == "Frozen"
    assert "lost too much" in text(browser, "reason")
    assert "▼ \N{MINUS SIGN}1,000.00" in text(browser, "gain")
    assert "No positions are held." in text(browser, "positions")
    assert "No orders are at work." in text(browser, "orders")
    assert "Frozen" in browser.title


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        ("live", {"pause", "flatten", "stop", "kill"}),
        ("paused", {"resume", "flatten", "stop", "kill"}),
        ("frozen", {"thaw", "flatten", "stop", "kill"}),
        ("killed", {"thaw", "flatten", "stop"}),
        ("stopping", set()),
        ("stopped", set()),
    ],
)
def test_only_what_makes_sense_can_be_asked_for(
    browser: Any, served: Served, state: str, wanted: set[str]
) -> None:
    board = served[1]
    board.view = {**board.view, "state": state}
    waited(lambda: shown(browser) == wanted)


def test_a_command_arrives_when_it_is_confirmed(browser: Any, served: Served) -> None:
    board = served[1]
    button(browser, "pause").click()
    waited(lambda: browser.find_element(By.ID, "confirm").is_displayed())
    assert browser.switch_to.active_element.get_attribute("id") == "no"
    assert "1 order" in text(browser, "means")
    yes = browser.find_element(By.ID, "yes")
    waited(yes.is_enabled)
    assert yes.text == "Pause"
    assert "lapses in" in text(browser, "lapses")
    assert board.asked == []
    yes.click()
    waited(lambda: board.asked)
    assert board.asked == [("pause", "page", {})]
    waited(lambda: "Pause was sent" in text(browser, "said"))
    board.view = {**board.view, "state": "paused"}
    waited(lambda: text(browser, "state") == "Paused")
    assert not browser.find_element(By.ID, "said").is_displayed()


def test_a_command_that_is_taken_back_does_not_arrive(browser: Any, served: Served) -> None:
    board = served[1]
    ways: tuple[Callable[[], Any], ...] = (
        lambda: browser.find_element(By.ID, "no").click(),
        lambda: browser.switch_to.active_element.send_keys(Keys.ESCAPE),
        lambda: browser.switch_to.active_element.send_keys(Keys.ENTER),  # on Cancel
    )
    for leave in ways:
        button(browser, "flatten").click()
        waited(browser.find_element(By.ID, "yes").is_enabled)
        leave()
        waited(lambda: not browser.find_element(By.ID, "confirm").is_displayed())
    assert browser.switch_to.active_element.get_attribute("data-act") == "flatten"
    button(browser, "kill").click()
    waited(browser.find_element(By.ID, "yes").is_enabled)
    browser.find_element(By.ID, "flat").click()
    browser.find_element(By.ID, "yes").click()
    waited(lambda: board.asked)
    assert board.asked == [("kill", "page", {"flatten": True})]


def test_a_question_that_is_not_answered_lapses(browser: Any, served: Served) -> None:
    button(browser, "kill").click()
    waited(browser.find_element(By.ID, "yes").is_enabled)
    browser.execute_script("const now = Date.now; Date.now = () => now() + 40000;")
    waited(lambda: not browser.find_element(By.ID, "confirm").is_displayed())
    assert "nothing was done" in text(browser, "said")
    assert served[1].asked == []


def test_a_browser_without_the_second_token_may_only_look(browser: Any, served: Served) -> None:
    browser.execute_script("localStorage.clear()")
    browser.get(f"http://127.0.0.1:{served[0].port}/")
    waited(lambda: "101,234.50" in text(browser, "equity"))
    assert shown(browser) == set()
    assert "may only look" in button(browser, "kill").get_attribute("title")


def test_equity_moves_between_bars_with_the_last_trades(browser: Any, served: Served) -> None:
    board = served[1]
    bar = browser.find_element(By.CSS_SELECTOR, "#positions, .of-bar").text
    assert bar.startswith("at the bar of Jan 3, 2017")
    assert text(browser, "asof") == bar
    marked = {"equity": 101_000.0, "drawdown": 0.0098, "ts": BEGUN + 41 * DAY}
    board.view = {**board.view, "marked": marked}
    waited(lambda: "101,000.00" in text(browser, "equity"))
    assert text(browser, "asof").startswith("at the last trades, Jan 4, 2017")
    assert "5,000.00\n4.9% at the bar" in text(browser, "facts")
    assert "0.98%" in text(browser, "facts")
    assert "0.00" in text(browser, "facts")
    board.view = {**board.view, "marked": None}
    waited(lambda: "101,234.50" in text(browser, "equity"))


def test_limits_that_are_not_measured_yet_are_there_and_a_curve_without_a_fall_has_an_axis(
    browser: Any, served: Served
) -> None:
    board = served[1]
    of = {"limit": "max_weight", "used": None, "of": 0.3, "share": None, "measured": False}
    board.view = {**board.view, "risk": [of]}
    waited(lambda: "30.0%, not measured yet" in text(browser, "limits"))
    assert "reached" not in text(browser, "limits")
    axis = """return window.echarts.getInstanceByDom(document.getElementById('curve'))
        .getModel().getComponent('yAxis', 1).axis.scale.getExtent()"""
    assert browser.execute_script(axis) == [-0.01, 0]
    board.view = {**board.view, "risk": []}
    waited(lambda: "No limit is set on weight" in text(browser, "limits"))


def test_a_run_that_ends_says_so_and_why(browser: Any, served: Served) -> None:
    page, board = served
    board.view = {**board.view, "state": "stopping", "reason": "stop by page"}
    page.stop()
    waited(lambda: text(browser, "state") == "Ended")
    assert "The run has ended: stop by page." in text(browser, "banner")
    assert browser.title.startswith("Ended")
    assert shown(browser) == set()


def cut(page: Dashboard) -> None:
    """End a page as the death of its process does: without a word."""
    page._server.force_exit = True
    page._server.should_exit = True
    assert page._thread is not None
    page._thread.join(30.0)


def test_a_lost_connection_never_looks_live(browser: Any, served: Served) -> None:
    cut(served[0])
    waited(lambda: text(browser, "state") == "Connection lost")
    assert "Connection lost" in text(browser, "banner")
    assert "last seen" in text(browser, "fresh")
    assert browser.title.startswith("Connection lost")
    assert shown(browser) == set()
    again = Dashboard(served[1], served[0].port).start()  # with another token
    try:
        waited(lambda: "Open the address" in text(browser, "banner"))
        assert shown(browser) == set()
    finally:
        again.stop()


def test_a_connection_that_comes_back_goes_on(browser: Any, served: Served) -> None:
    page, board = served
    cut(page)
    waited(lambda: text(browser, "state") == "Connection lost")
    board.view = {**board.view, "equity": 77.0}
    again = Dashboard(board, page.port, keys=page.keys).start()
    try:
        waited(lambda: "77.00" in text(browser, "equity"))
        waited(lambda: text(browser, "state") == "Live")
        assert not browser.find_element(By.ID, "banner").is_displayed()
        waited(lambda: "pause" in shown(browser))
    finally:
        again.stop()


def test_a_run_that_hangs_does_not_look_live_though_its_page_answers(
    browser: Any, served: Served
) -> None:
    board = served[1]
    board.view = {**board.view, "now": time.time_ns() - 60 * NS}
    waited(lambda: text(browser, "state") == "Not answering")
    assert "has shown nothing new since" in text(browser, "banner")
    del board.view["now"]
    waited(lambda: text(browser, "state") == "Live")


WIDE_FILL = {"ts": BEGUN, "when": "inside", "symbol": "BTC/USDT", "qty": -12_345.6789,
             "price": 61_234.56, "fee": 1_234.5, "order": "r-1"}  # fmt: skip
WIDE_FORECAST = {"symbol": "BTC/USDT", "horizon": 20, "mean": -0.1234, "low": -0.4321,
                 "high": 0.3456}  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "screen"), [("light", PHONE), ("dark", PHONE), ("light", DESK)],
    ids=["light phone", "dark phone", "desk"],
)  # fmt: skip
def test_nothing_is_wider_than_the_screen_and_no_table_than_its_card(
    browser: Any, served: Served, scheme: str, screen: dict[str, Any]
) -> None:
    page, board = served
    board.view = {
        **board.view, "run": "a-run-with-a-name-that-goes-on-and-on-and-on-and-on-and-on",
        "equity": 101_234_567.5, "reason": "x" * 200, "state": "frozen",
        "refused": [{"ts": BEGUN + DAY, "symbol": "KO", "qty": 1e9, "reason": "y" * 300}],
        "log": [{"ts": BEGUN, "level": "error", "event": "feed", "text": "z" * 300}],
        "fills": [WIDE_FILL], "interval": "5min",
        "forecasts": [{**WIDE_FORECAST, "asof": BEGUN, "came": 0.4175},
                      {**WIDE_FORECAST, "asof": BEGUN + DAY, "came": None}],
    }  # fmt: skip
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get(page.url)
    waited(lambda: "101,234,567.50" in text(browser, "equity"))
    waited(lambda: len(browser.find_elements(By.TAG_NAME, "canvas")) == 2)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= screen["width"]
    inner = """return Array.from(document.querySelectorAll('.scroll'),
        (one) => one.scrollWidth - one.clientWidth)"""
    assert browser.execute_script(inner) == [0] * 6
    assert "by Nov" in text(browser, "fills")
    assert "+41.75% out" in text(browser, "forecasts")
    if screen is PHONE:
        for one in browser.find_elements(By.CSS_SELECTOR, "button, select"):
            assert not one.is_displayed() or one.size["height"] >= 40

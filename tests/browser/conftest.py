"""A Chromium, and the site that it looks at. Without them the tests are skipped, and fail in CI."""

import json
import os
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from apps.embedded.stack import Stack
from tests.browser.person import Person
from tests.browser.site import Site, screenshots

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--window-size=1400,1000")  # fmt: skip
# Chromium says it of a WebSocket that is closed while it opens, as when a page is left.
HARMLESS = ("WebSocket is closed before the connection is established",)


@pytest.fixture(scope="session")
def browser() -> Iterator[webdriver.Chrome]:
    """Headless Chromium that logs its console and every request."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if not (program and driver):
        reason = "chromium and chromedriver are missing: apt-get install chromium chromium-driver"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    yield chrome
    chrome.quit()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The whole pipeline, with a fleet of sixteen GPUs that have reported."""
    with Stack() as stack:
        own = Site(stack)
        try:
            own.start()
            own.publish()
            yield own
        finally:
            own.stop()


@pytest.fixture
def person(
    browser: webdriver.Chrome, site: Site, request: pytest.FixtureRequest
) -> Iterator[Person]:
    """Who uses the pages; whatever they do, no page may complain or ask another host."""
    browser.delete_all_cookies()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.get("about:blank")
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    somebody = Person(browser, site)
    yield somebody
    browser.save_screenshot(str(screenshots() / f"{request.node.name}.png"))
    allowed = (*HARMLESS, *somebody.expected)
    complaints = [
        entry["message"]
        for entry in browser.get_log("browser")
        if entry["level"] == "SEVERE" and not any(text in entry["message"] for text in allowed)
    ]
    assert complaints == []
    assert _hosts(browser) <= {urlsplit(site.address).netloc, ""}


def _hosts(browser: webdriver.Chrome) -> set[str]:
    """Every host that was asked for something."""
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return {
        urlsplit(event["params"]["request"]["url"]).netloc
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }

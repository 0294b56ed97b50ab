"""What a person does with a page: looks, waits, clicks, types."""

import json
from pathlib import Path
from typing import Any

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.site import ADMIN, PASSWORD, ROOT, Site, until

AXE = ROOT / "apps/dashboard/node_modules/axe-core/axe.min.js"
SERIOUS = {"serious", "critical"}


class Person:
    """Somebody in front of the browser."""

    def __init__(self, browser: Chrome, site: Site) -> None:
        self.browser = browser
        self.site = site
        self.expected: list[str] = []

    def expects(self, complaint: str) -> None:
        """What the console may say in this test."""
        self.expected.append(complaint)

    def opens(self, path: str) -> None:
        """Goes to a page."""
        self.browser.get(self.site.address + path)

    def sees_it_as(self, scheme: str, width: int) -> None:
        """In a light or dark scheme, without motion, in a window of so many pixels."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def signs_in(self, then: str = "/") -> None:
        """As the one who may do everything."""
        self.opens(f"/login?next={then}")
        self.find("#id_username").send_keys(ADMIN)
        self.find("#id_password").send_keys(PASSWORD)
        self.find("main button").click()
        until(lambda: "/login" not in self.browser.current_url)

    def find(self, selector: str) -> WebElement:
        """The element, once it is there and seen."""

        def look() -> WebElement | None:
            found = self.browser.find_elements(By.CSS_SELECTOR, selector)
            return found[0] if found and found[0].is_displayed() else None

        return until(look)  # type: ignore[no-any-return]

    def all(self, selector: str) -> list[WebElement]:
        """Every such element that is there now."""
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def sees(self, text: str, selector: str = "body") -> None:
        """Waits until the text is there."""

        def look() -> bool:
            try:
                return text in self.find(selector).text
            except StaleElementReferenceException:
                return False

        until(look)

    def chooses(self, selector: str, value: str) -> None:
        """An option of a list."""
        self.find(f"{selector} option[value='{value}']").click()

    def presses(self, key: str) -> None:
        """A key, wherever the focus is."""
        ActionChains(self.browser).send_keys(key).perform()

    def drags(self, element: WebElement, start: int, end: int) -> None:
        """From `start` to `end` pixels right of the element's middle."""
        chain = ActionChains(self.browser).move_to_element_with_offset(element, start, 0)
        chain.click_and_hold().move_by_offset((end - start) // 2, 0)
        chain.move_by_offset((end - start) - (end - start) // 2, 0).release().perform()

    def script(self, code: str, *arguments: Any) -> Any:
        """Runs JavaScript in the page."""
        return self.browser.execute_script(code, *arguments)

    def serious_violations(self) -> list[str]:
        """What axe-core finds on the page that keeps people out."""
        self.script(Path(AXE).read_text())
        found = self.browser.execute_async_script(
            "const done = arguments[0]; axe.run(document).then((all) => done(all.violations));"
        )
        return [
            f"{one['id']}: {json.dumps([node['html'] for node in one['nodes']][:3])}"
            for one in found
            if one["impact"] in SERIOUS
        ]

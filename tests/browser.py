"""A real browser without a window, for tests of pages; they are skipped where there is none."""

import json
import os
import shutil
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A desktop screen, and a phone.
DESKTOP, PHONE = (1280, 900), (390, 844)


def start(*switches):
    """Return a driver of headless Chromium with some more switches, or skip the test."""
    webdriver = pytest.importorskip("selenium.webdriver")
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    binary = next(filter(None, map(shutil.which, NAMES)), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("there is no Chromium with its driver")
    options = Options()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    for argument in switches:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


class Browser:
    """A browser that opens pages of the player and asks them."""

    def __init__(self):
        self.driver = start()
        self.driver.set_script_timeout(60)

    def look(self, size=DESKTOP, dark=False):
        """Set the size of the screen and the colours that the reader prefers."""
        send = self.driver.execute_cdp_cmd
        metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1}
        send("Emulation.setDeviceMetricsOverride", {**metrics, "mobile": size == PHONE})
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        send("Emulation.setEmulatedMedia", {"features": [scheme]})

    def open(self, path):
        """Open a page and wait until it can be played; forget what earlier pages logged."""
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(Path(path).resolve().as_uri())
        self.driver.execute_async_script(
            "const done = arguments[0]; window.zeroone.ready.then(() => done(), () => done());"
        )

    def run(self, script, *arguments):
        """Return what a script returns."""
        return self.driver.execute_script(script, *arguments)

    def value(self, expression):
        """Return the value of an expression, by way of JSON, so that numbers keep all digits."""
        return json.loads(self.run(f"return JSON.stringify({expression});"))

    def call(self, name, *arguments):
        """Return what one of the page's formulas makes of some arguments."""
        text = self.run(
            "return JSON.stringify(zeroone.formulas[arguments[0]](...JSON.parse(arguments[1])));",
            name,
            json.dumps(arguments),
        )
        return json.loads(text)

    def press(self, *keys):
        """Press keys, as if somebody typed."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def find(self, selector):
        """Return an element of the page."""
        return self.driver.find_element("css selector", selector)

    def click(self, selector):
        """Click on an element."""
        self.find(selector).click()

    def text(self, selector):
        """Return what an element says, hidden parts too."""
        return self.run("return document.querySelector(arguments[0]).textContent;", selector)

    def complaints(self):
        """Return what the console says."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Return the addresses that the page asked for, itself left out."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
        return [url for url in found if not url.startswith(("file:", "data:", "blob:"))]

    def quit(self):
        """End the browser."""
        self.driver.quit()


def shots_folder():
    """Return the folder for screenshots that the environment names, or None."""
    return os.environ.get("ZEROONE_SCREENSHOTS")

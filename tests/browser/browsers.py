"""A real Chromium without a window, driven from a thread so that the reactor goes on."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

CHROMIUM = Path("/usr/bin/chromium")
CHROMEDRIVER = Path("/usr/bin/chromedriver")
NOT_INSTALLED = "chromium and chromium-driver are not installed"
INSTALLED = CHROMIUM.exists() and CHROMEDRIVER.exists()

PHONE, DESK = (360, 740), (1280, 900)
"""Sizes in pixels."""

TIMEOUT_S = 30.0
LOOK_S = 0.02

Found = TypeVar("Found")


class Browser:
    """One browser with one page; everything that takes time gives a Deferred."""

    def __init__(self) -> None:
        # A process of it may still write there when it has ended.
        self._profile = TemporaryDirectory(prefix="cellrouter-chromium-", ignore_cleanup_errors=True)
        self._driver: Any = None

    def start(self) -> "Deferred[None]":
        """Start it."""
        return deferToThread(self._start)

    def stop(self) -> "Deferred[None]":
        """End it."""
        return deferToThread(self._stop)

    def open(self, url: str) -> "Deferred[None]":
        """Open a page and wait until it is loaded."""
        return deferToThread(self._driver.get, url)

    def run(self, script: str, *arguments: Any) -> "Deferred[Any]":
        """Run JavaScript in the page; gives what it returns."""
        return deferToThread(self._driver.execute_script, script, *arguments)

    def text(self, selector: str = "body") -> "Deferred[str]":
        """Give the text that is to be seen of an element."""
        return deferToThread(lambda: self._driver.find_element(By.CSS_SELECTOR, selector).text)

    def until(self, selector: str, text: str, timeout_s: float = TIMEOUT_S) -> "Deferred[None]":
        """Wait until the first element of a selector shows a text."""
        script = "return document.querySelector(arguments[0])?.innerText.includes(arguments[1])"
        return self.until_true(script, selector, text, timeout_s=timeout_s)

    def until_true(self, script: str, *arguments: Any, timeout_s: float = TIMEOUT_S) -> "Deferred[None]":
        """Wait until JavaScript returns something that is true."""

        def wait() -> None:
            WebDriverWait(self._driver, timeout_s, LOOK_S).until(
                lambda driver: driver.execute_script(script, *arguments),
                f"not within {timeout_s} s: {script} {arguments}; the page says:\n{self._body()}",
            )

        return deferToThread(wait)

    def command(self, name: str, **parameters: Any) -> "Deferred[Any]":
        """Give the browser a command of the DevTools protocol."""
        return deferToThread(self._driver.execute_cdp_cmd, name, parameters)

    def resize(self, size: tuple[int, int]) -> "Deferred[Any]":
        """Give the page another size, smaller than windows can be too."""
        width, height = size
        return self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < DESK[0],
        )

    def errors(self) -> "Deferred[list[str]]":
        """Give what the console has that is an error since this was asked last."""
        return deferToThread(
            lambda: [
                entry["message"]
                for entry in self._driver.get_log("browser")
                if entry["level"] in ("SEVERE", "WARNING")
            ]
        )

    def do(self, job: Callable[[Any], Found]) -> "Deferred[Found]":
        """Do anything with the driver, in a thread."""
        return deferToThread(lambda: job(self._driver))

    def _body(self) -> str:
        with contextlib.suppress(Exception):
            return str(self._driver.find_element(By.TAG_NAME, "body").text)
        return "nothing"

    def _start(self) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for argument in (
            "--headless=new",
            # As root there is no sandbox; in containers little shared memory.
            *("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"),
            *("--no-proxy-server", "--disable-background-networking", "--no-first-run"),
            f"--user-data-dir={self._profile.name}",
            f"--window-size={DESK[0]},{DESK[1]}",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self._driver = webdriver.Chrome(options, Service(str(CHROMEDRIVER)))
        self._driver.set_page_load_timeout(TIMEOUT_S)
        self._driver.set_script_timeout(TIMEOUT_S)

    def _stop(self) -> None:
        if self._driver is not None:
            self._driver.quit()
        self._profile.cleanup()

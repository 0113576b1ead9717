"""A browser for the tests: whichever Chromium is here, cut off from everything but this machine."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    sync_playwright,
)

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",  # containers run as root
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
VIEW = {"width": 1440, "height": 900}


def chromium() -> str | None:
    """The browser that NODEGRAPH_CHROMIUM names, or the system's; None: Playwright's own."""
    return os.environ.get("NODEGRAPH_CHROMIUM") or next(
        filter(None, map(shutil.which, NAMES)), None
    )


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser for as long as the block runs."""
    with sync_playwright() as playwright:
        browser = _launched(playwright)
        yield browser
        browser.close()


def _launched(playwright: Playwright) -> Browser:
    path = chromium()
    try:
        return playwright.chromium.launch(executable_path=path, args=list(FLAGS))
    except Error as error:
        raise AssertionError(
            f"no Chromium to drive ({error.message.splitlines()[0]}): `apt install chromium`, or"
            " `python -m playwright install chromium`, or name one in NODEGRAPH_CHROMIUM"
        ) from error


class Tab:
    """A page with what went wrong in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.refusals = re.compile(r"status of (409|412|422) ")
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._hear)
        page.on("request", lambda request: self._note(request.url))

    def _hear(self, message: ConsoleMessage) -> None:
        # A refusal that the page expects and explains is still an error to the console.
        if message.type == "error" and not self.refusals.search(message.text):
            self.errors.append(message.text)

    def _note(self, url: str) -> None:
        own = (self.address, self.address.replace("http", "ws", 1), "blob:", "data:")
        if not url.startswith(own):
            self.foreign.append(url)


def new_context(browser: Browser, **settings: Any) -> BrowserContext:
    """A browser as if it were started anew: nothing stored, animations off."""
    options = {"viewport": VIEW, "reduced_motion": "reduce", "accept_downloads": True, **settings}
    context: BrowserContext = browser.new_context(**options)
    context.set_default_timeout(20_000)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return context


AXE = Path(__file__).resolve().parents[2] / "editor" / "node_modules" / "axe-core" / "axe.min.js"

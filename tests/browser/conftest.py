"""The editor as it is built, a server, and a browser, shared by all tests that can share them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from nodegraph.web.build import build
from scripts.browser.browsing import Tab, browsing, new_context
from scripts.browser.serving import Server, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them are slow."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def editor() -> None:
    """The page, built of the sources as they are."""
    build()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all: what one test has computed, another need not."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def server(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for all tests that do not end theirs."""
    with serving(tmp_path_factory.mktemp("server"), cache) as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that knows nothing yet."""
    context = new_context(browser)
    yield context
    context.close()


@pytest.fixture
def tab(server: Server, context: BrowserContext) -> Iterator[Tab]:
    """The editor in a tab; nothing may go wrong in it, and nothing be asked of another host."""
    tab = Tab(context.new_page(), server.address)
    tab.page.goto(server.address)
    yield tab
    assert tab.errors == []
    assert tab.foreign == []

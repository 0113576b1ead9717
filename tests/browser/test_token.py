"""A server that wants a token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from scripts.browser.editing import Editor
from scripts.browser.serving import Server, serving

TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture
def closed(cache: Path, tmp_path: Path) -> Iterator[Server]:
    """A server with a token."""
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    with serving(tmp_path / "server", cache, "--token-file", str(file)) as server:
        yield server


def test_the_page_asks_for_the_token_once_and_never_puts_it_into_an_address(
    closed: Server, context: BrowserContext
) -> None:
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(closed.address)
    dialog = page.get_by_role("dialog", name="This server asks for a token")

    dialog.get_by_label("Token").fill("a-token-that-is-wrong")
    dialog.get_by_role("button", name="Use it").click()
    expect(dialog.get_by_role("alert")).to_contain_text("did not accept")
    dialog.get_by_label("Token").fill(TOKEN)
    dialog.get_by_role("button", name="Use it").click()

    editor = Editor(page)
    expect(editor.node("sample")).to_be_visible()
    expect(dialog).to_have_count(0)
    editor.run()
    picture = editor.pictures("sheet").first
    assert (picture.get_attribute("src") or "").startswith("blob:")
    assert picture.evaluate("one => one.naturalWidth") > 0
    page.reload()
    expect(editor.node("sample")).to_be_visible()
    # The empty workflow that stood in for the first one is not left behind.
    expect(page.locator(".tab")).to_have_count(1)
    assert [url for url in asked if TOKEN in url] == []

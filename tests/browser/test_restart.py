"""The server ends under the page and comes back."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from scripts.browser.editing import LONG, Editor
from scripts.browser.serving import Server, serving


@pytest.fixture
def own(cache: Path, tmp_path: Path) -> Iterator[Server]:
    """A server that a test may end."""
    with serving(tmp_path, cache) as server:
        yield server


def test_a_run_goes_on_when_the_server_was_killed_under_the_page(
    own: Server, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(own.address)
    editor = Editor(page)
    expect(editor.node("sample")).to_be_visible(timeout=LONG)  # a server that was just started
    editor.set("sample", "Seed", "77")
    editor.start()

    own.stop(signal.SIGKILL)
    banner = page.get_by_text("The server does not answer.")
    expect(banner).to_be_visible(timeout=LONG)
    editor.set("sample", "Seed", "78")  # drawing goes on
    page.get_by_role("button", name="Try now").click()
    expect(banner).to_be_visible()
    own.start()

    expect(banner).to_have_count(0, timeout=LONG)
    editor.until("Done, changed since")
    expect(editor.pictures("sheet")).to_have_count(1)
    expect(editor.field("sample", "Seed")).to_have_value("78")
    expect(
        editor.side("Queue").get_by_role("list", name="Done").get_by_role("listitem")
    ).to_have_count(1)


def test_what_was_made_and_what_was_drawn_survive_a_restart_and_a_reload(
    own: Server, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(own.address)
    editor = Editor(page)
    expect(editor.node("sample")).to_be_visible(timeout=LONG)  # a server that was just started
    editor.run()
    editor.set("sample", "Seed", "4711")

    own.stop()
    own.start()
    page.reload()

    expect(editor.field("sample", "Seed")).to_have_value("4711")
    gallery = editor.side("Gallery")
    expect(gallery.get_by_role("listitem").first).to_be_visible(timeout=LONG)
    expect(editor.pictures("sheet")).to_have_count(1)

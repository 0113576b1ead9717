"""Drawings outlive whatever happens to the page: reloads, crashes, a full browser, other tabs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Error, Page, expect

from scripts.browser.editing import Editor
from scripts.browser.serving import Server

NO_LOCKS = "Object.defineProperty(navigator, 'locks', { value: undefined })"
"""As for pages that come over plain http from another machine."""

KEPT = r"Object.keys(localStorage).filter((key) => /^nodegraph\.drafts\.\w+\./.test(key))"
FILL = """() => {
    let size = 1 << 20;
    for (let n = 0; size >= 1; ) {
        try { localStorage.setItem(`filler ${n}`, "x".repeat(size)); n++; } catch { size >>= 1; }
    }
}"""
EMPTY = """() => Object.keys(localStorage).forEach(
    (key) => key.startsWith("filler") && localStorage.removeItem(key))"""


@pytest.fixture(params=["with locks", "without locks"])
def tabs(request: pytest.FixtureRequest, context: BrowserContext) -> BrowserContext:
    """A browser, as a page from this machine and as one from another has it."""
    if request.param == "without locks":
        context.add_init_script(NO_LOCKS)
    return context


def opened(context: BrowserContext, server: Server) -> Editor:
    page = context.new_page()
    page.goto(server.address)
    editor = Editor(page)
    expect(editor.node("sample")).to_be_visible()
    return editor


def draw(editor: Editor, seed: str) -> None:
    """Change something, and wait until it is kept."""
    editor.set("sample", "Seed", seed)
    found = '(seed) => Object.values(localStorage).some((text) => text.includes(`"seed":${seed}`))'
    editor.page.wait_for_function(found, arg=seed)


def crash(page: Page) -> None:
    with pytest.raises(Error):
        page.goto("chrome://crash")


def entry(page: Page) -> Any:
    """The only document that is kept."""
    return json.loads(page.evaluate(f"localStorage.getItem({KEPT}[0])"))


def test_a_reload_and_a_crash_lose_nothing_with_an_empty_tab_beside(
    tabs: BrowserContext, server: Server
) -> None:
    editor = opened(tabs, server)
    draw(editor, "4242")
    editor.open_new()
    expect(editor.page.locator(".tab")).to_have_count(2)
    editor.page.reload()
    expect(editor.page.locator(".tab")).to_have_count(2)
    editor.page.locator(".tab-title").first.click()
    expect(editor.field("sample", "Seed")).to_have_value("4242")

    draw(editor, "4243")
    crash(editor.page)
    again = opened(tabs, server)

    expect(again.field("sample", "Seed")).to_have_value("4243")
    expect(again.page.locator(".tab")).to_have_count(1)


def test_the_work_of_a_closed_tab_comes_back_and_drafts_do_not_pile_up(
    tabs: BrowserContext, server: Server
) -> None:
    for turn in range(3):
        editor = opened(tabs, server)
        if turn:
            expect(editor.field("sample", "Seed")).to_have_value(str(999 + turn))
        draw(editor, str(1000 + turn))
        assert editor.page.evaluate(f"{KEPT}.length") == 1
        editor.page.close()


def test_two_tabs_at_once_keep_their_own(tabs: BrowserContext, server: Server) -> None:
    first = opened(tabs, server)
    draw(first, "111")
    second = opened(tabs, server)
    expect(second.field("sample", "Seed")).not_to_have_value("111")
    draw(second, "222")
    draw(first, "112")

    for editor in (first, second):
        editor.page.reload()

    expect(first.field("sample", "Seed")).to_have_value("112")
    expect(second.field("sample", "Seed")).to_have_value("222")
    assert first.page.evaluate(f"{KEPT}.length") == 2


def test_what_cannot_be_read_is_put_aside_spoken_of_and_can_be_downloaded(
    context: BrowserContext, server: Server
) -> None:
    editor = opened(context, server)
    draw(editor, "31")
    page = editor.page
    later = {"form": 2, "present": {"format": 2, "title": "Later", "nodes": {}}}
    key = page.evaluate(f"{KEPT}[0]").rpartition(".")[0] + ".later"
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [key, json.dumps(later)])

    page.reload()

    expect(editor.field("sample", "Seed")).to_have_value("31")
    banner = page.get_by_role("status").filter(has_text="“Later” is kept in this browser")
    expect(banner).to_contain_text("format 2 is not known here, only 1")
    banner.get_by_role("button", name="Show").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download Later").click()
    assert json.loads(download.value.path().read_bytes()) == later["present"]
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.reload()
    expect(banner).to_be_visible()
    assert page.evaluate("(key) => localStorage.getItem(key)", key) == json.dumps(later)


def test_a_full_browser_is_said_and_the_work_can_be_downloaded(
    context: BrowserContext, server: Server
) -> None:
    editor = opened(context, server)
    page = editor.page
    page.wait_for_function(f"{KEPT}.length === 1")
    page.evaluate(FILL)

    editor.set("sample", "Prompt 1", "a long thought " * 20)

    banner = page.get_by_role("status").filter(has_text="The browser has no room to keep")
    expect(banner).to_contain_text("“Canny portraits")
    with page.expect_download() as download:
        banner.get_by_role("button", name="Download").click()
    assert "a long thought" in download.value.path().read_text()
    page.evaluate(EMPTY)
    editor.set("sample", "Seed", "5")
    expect(banner).to_have_count(0)
    assert "a long thought" in json.dumps(entry(page))


def test_escape_leaves_a_prompt_with_its_text_and_undo_takes_it_back(
    context: BrowserContext, server: Server
) -> None:
    editor = opened(context, server)
    prompt = editor.field("sample", "Prompt 1")
    before = prompt.input_value()
    prompt.press("Control+End")
    prompt.press_sequentially(", a long thought")

    prompt.press("Escape")

    expect(prompt).not_to_be_focused()
    expect(prompt).to_have_value(f"{before}, a long thought")
    editor.page.keyboard.press("Control+z")
    expect(prompt).to_have_value(before)
    editor.page.keyboard.press("Control+Shift+z")
    expect(prompt).to_have_value(f"{before}, a long thought")


def test_a_closed_tab_is_opened_again_as_it_was(context: BrowserContext, server: Server) -> None:
    editor = opened(context, server)
    draw(editor, "77")
    page = editor.page
    page.get_by_role("button", name="Close Canny portraits").click()
    page.get_by_role("dialog").get_by_role("button", name="Close", exact=True).click()
    expect(editor.node("sample")).to_have_count(0)

    editor.note().get_by_role("button", name="Open it again").click()

    expect(editor.field("sample", "Seed")).to_have_value("77")
    expect(page.locator(".tab")).to_have_count(1)


@pytest.mark.parametrize("name", ["My portraits", "肖像"])
def test_a_workflow_is_saved_under_any_name(
    context: BrowserContext, server: Server, name: str
) -> None:
    editor = opened(context, server)
    page = editor.page
    editor.press("Control+s")
    field = page.get_by_role("dialog").get_by_label("Name")
    field.fill("a/b")
    expect(page.get_by_role("dialog")).to_contain_text("This cannot be a name")

    field.fill(name)
    field.press("Enter")

    expect(page.get_by_role("dialog")).to_have_count(0)
    listed = context.request.get(f"{server.address}/v1/workflows").json()["workflows"]
    assert name in [one["name"] for one in listed]
    expect(editor.side("Workflows").get_by_role("list", name="Yours")).to_contain_text(name)

"""What axe finds in the main views: nothing serious."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from scripts.browser.browsing import AXE, new_context
from scripts.browser.editing import Editor
from scripts.browser.serving import Server

RUN = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html }) => html.slice(0, 160))]);
}"""


def graph(_: Editor) -> None:
    """The graph as it is opened first."""


def palette(editor: Editor) -> None:
    editor.page.get_by_role("region", name="Graph").click(position={"x": 40, "y": 40})
    editor.page.keyboard.press("Tab")
    expect(editor.page.get_by_role("combobox", name="Find a node")).to_be_visible()


def form(editor: Editor) -> None:
    editor.page.get_by_role("button", name="Form", exact=True).click()
    expect(editor.page.get_by_role("textbox", name="Prompts 1")).to_be_visible()


def made(editor: Editor) -> None:
    """A finished run, its pictures at the nodes and in the gallery."""
    editor.run()
    expect(editor.side("Gallery").get_by_role("listitem").first).to_be_visible()


def large(editor: Editor) -> None:
    made(editor)
    editor.side("Gallery").get_by_role("listitem").first.get_by_role("button").click()
    expect(editor.page.get_by_role("dialog").locator("img")).to_be_visible()


def wrong(editor: Editor) -> None:
    """A problem, marked and listed."""
    editor.set("photo", "Path", "")
    editor.page.locator(".status").get_by_role("button").click()
    expect(editor.page.get_by_role("region", name="Problems")).to_be_visible()


def workflows(editor: Editor) -> None:
    expect(editor.side("Workflows").get_by_role("list", name="Ready to run")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", [graph, palette, form, wrong, workflows, made, large])
def test_axe_finds_nothing_serious(
    view: Callable[[Editor], None], scheme: str, server: Server, browser: Browser
) -> None:
    # axe is put into the page, whose policy allows no script but its own.
    context = new_context(browser, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(server.address)
    editor = Editor(page)
    expect(editor.node("sample")).to_be_visible()
    view(editor)

    assert judged(page) == []
    context.close()


def judged(page: Page) -> list[object]:
    """What axe has to object to."""
    page.add_script_tag(path=str(AXE))
    found: list[object] = page.evaluate(RUN)
    if found:
        print(json.dumps(found, indent=1))
    return found

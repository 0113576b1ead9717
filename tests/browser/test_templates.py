"""Templates that the server knows: their inside is shown in a tab, or put in their place."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from scripts.browser.browsing import Tab
from scripts.browser.editing import Editor

USED = {
    "format": 1,
    "title": "One portrait",
    "nodes": {
        "photo": {"type": "LoadImage", "values": {"path": "portrait.png"}},
        "portrait": {"type": "CannyToImage", "values": {"prompt": "a man", "steps": 2}},
        "small": {
            "type": "Resize",
            "values": {"width": 64},
            "links": {"image": "portrait.image"},
        },
    },
    "results": {"small": "small.image"},
    "view": {"photo": [-400, 0], "portrait": [0, 0], "small": [400, 0]},
}


@pytest.fixture
def editor_in(tab: Tab) -> Editor:
    editor = Editor(tab.page)
    expect(editor.node("sample")).to_be_visible()
    editor.drop("one.json", "application/json", json.dumps(USED).encode(), 500, 500)
    expect(editor.node("portrait")).to_be_visible()
    return editor


def choose(editor: Editor, entry: str) -> None:
    editor.node("portrait").locator(".card-name").click(button="right")
    editor.page.get_by_role("menuitem", name=entry).click()


def test_a_template_of_the_server_is_expanded_in_its_place(editor_in: Editor) -> None:
    inside = {"photo_2", "sized", "edges", "base", "net", "control", "sample"}

    choose(editor_in, "Expand the template")

    expect(editor_in.node("sample")).to_be_visible()
    assert editor_in.nodes() >= {"photo", "small"} | inside
    document = editor_in.document()
    assert document["nodes"]["sample"]["values"]["prompt"] == "a man"
    assert document["nodes"]["sample"]["values"]["steps"] == 2
    assert document["nodes"]["small"]["links"] == {"image": "sample.image"}
    expect(editor_in.page.locator(".status").get_by_role("button")).to_have_text("No problems")
    assert editor_in.undo_all() == 1
    assert editor_in.nodes() == {"photo", "portrait", "small"}


def test_a_template_of_the_server_is_opened_in_a_tab(editor_in: Editor) -> None:
    page = editor_in.page

    choose(editor_in, "Open the template in a tab")

    tabs = page.get_by_role("navigation", name="Open workflows").locator(".tab.active")
    expect(tabs).to_contain_text("Canny to image")
    expect(editor_in.node("sample")).to_be_visible()
    assert editor_in.document()["params"]["prompt"]["to"] == "sample.prompt"

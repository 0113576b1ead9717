"""Scene 1 drawn by hand on an empty canvas, run, changed, taken back and done again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from scripts.browser.browsing import Tab, new_context
from scripts.browser.editing import Editor
from scripts.browser.serving import Server

PROMPTS = [
    "a man wearing a red shirt and blue trousers on a yellow background",
    "a man wearing a green shirt and black trousers on a white background",
    "a man wearing a purple shirt and orange trousers on a cyan background",
    "a man wearing a white shirt and black trousers on a red background",
]


@pytest.fixture
def wide(server: Server, browser: Browser) -> Iterator[Tab]:
    """A window in which the whole graph has room at its full size."""
    context = new_context(browser, viewport={"width": 2400, "height": 1500})
    tab = Tab(context.new_page(), server.address)
    tab.page.goto(server.address)
    yield tab
    context.close()
    assert tab.errors == []
    assert tab.foreign == []


def draw(editor: Editor) -> None:
    """Draw four portraits that follow the edges of a picture."""
    page = editor.page
    expect(page.locator(".react-flow__node").first).to_be_visible()
    editor.open_new()
    expect(page.locator(".react-flow__node")).to_have_count(0)

    editor.add("Load image", 160, 250)
    editor.set("load_image", "Path", "portrait.png")
    editor.pull("load_image", "out", "image", 480, 250)
    offered = editor.options().all_inner_texts()
    assert not any("Load base model" in text for text in offered)  # it takes no picture
    editor.choose("Resize")
    editor.set("resize", "Width", "128")
    editor.set("resize", "Height", "128")
    editor.pull("resize", "out", "image", 800, 250)
    editor.choose("Canny")
    editor.pull("canny", "out", "image", 1120, 250)
    editor.choose("Control")

    editor.add("Load ControlNet", 760, 760)
    editor.set("load_control_net", "Model", "tiny-canny")
    editor.connect(("load_control_net", "controlnet"), ("control", "controlnet"))
    editor.add("Load base model", 1080, 760)
    editor.set("load_base_model", "Model", "tiny")
    editor.pull("load_base_model", "out", "model", 1440, 500)
    editor.choose("Sample")
    editor.connect(("control", "control"), ("sample", "controls"))
    editor.set("sample", "Steps", "4")
    editor.set("sample", "Guidance scale", "2")

    editor.node("sample").get_by_text("Prompt", exact=True).click(button="right")
    page.get_by_role("menuitem", name="Several values, one run each").click()
    for number, prompt in enumerate(PROMPTS, start=1):
        if number > 1:
            editor.node("sample").get_by_role("button", name="+ Add").click()
        editor.set("sample", f"Prompt {number}", prompt)

    editor.pull("sample", "out", "image", 1850, 400)
    editor.choose("Grid")
    editor.set("grid", "Columns", "2")
    editor.keep_result("grid.image")


def test_scene_one_is_drawn_run_changed_taken_back_and_done_again(wide: Tab) -> None:
    editor, page = Editor(wide.page), wide.page
    draw(editor)
    assert editor.wires().count() == 7
    expect(page.get_by_role("button", name="No problems")).to_be_visible()

    editor.run()

    expect(editor.pictures("sample")).to_have_count(4)
    expect(editor.pictures("grid")).to_have_count(1)
    for picture in editor.pictures("sample").all():
        assert picture.evaluate("one => one.complete && one.naturalWidth") > 0

    editor.set("sample", "Prompt 2", "a man wearing a black shirt on a green background")
    editor.run()

    badge = editor.badge("sample")
    told = re.compile(r"^1 of 4 items computed: prompt was .+; 3 known already\.$")
    expect(badge).to_have_attribute("title", told)
    expect(editor.badge("canny")).to_have_text("cached")
    expect(editor.pictures("sample")).to_have_count(4)

    drawn = editor.document()
    taken_back = editor.undo_all()
    assert editor.nodes() == set()
    assert editor.redo_all() == taken_back
    assert editor.document() == drawn


def test_undo_in_a_text_field_is_the_browsers(wide: Tab) -> None:
    editor, page = Editor(wide.page), wide.page
    expect(page.locator(".react-flow__node").first).to_be_visible()
    editor.open_new()
    editor.add("Load image", 400, 300)
    field = editor.field("load_image", "Path")

    field.click()
    page.keyboard.type("portrait.png")
    page.keyboard.press("Control+z")

    assert editor.nodes() == {"load_image"}
    assert field.input_value() != "portrait.png"


def test_a_wire_of_another_type_is_refused(wide: Tab) -> None:
    editor, page = Editor(wide.page), wide.page
    expect(page.locator(".react-flow__node").first).to_be_visible()
    editor.open_new()
    editor.add("Load base model", 300, 300)
    editor.add("Canny", 800, 300)

    editor.connect(("load_base_model", "model"), ("canny", "image"))

    assert editor.wires().count() == 0


def test_a_problem_is_marked_where_it_is_and_goes_when_it_is_mended(wide: Tab) -> None:
    editor, page = Editor(wide.page), wide.page
    expect(page.locator(".react-flow__node").first).to_be_visible()
    editor.open_new()
    editor.add("Canny", 800, 300)

    status = page.locator(".status").get_by_role("button")
    expect(status).to_have_text("1 problem")
    expect(editor.node("canny").locator(".card.wrong")).to_be_visible()
    status.click()
    page.get_by_role("region", name="Problems").get_by_role("button").click()
    expect(editor.node("canny").locator(".card.selected")).to_be_visible()

    editor.pull("canny", "in", "image", 400, 300)
    editor.choose("Load image")
    editor.set("load_image", "Path", "portrait.png")

    expect(status).to_have_text("No problems")

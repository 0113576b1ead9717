"""What is dropped on the page, and what the page keeps on the server."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, expect

from scripts.browser.browsing import Tab
from scripts.browser.editing import Editor
from scripts.browser.serving import Server

MIDDLE = (500.0, 500.0)
ASSET = re.compile(r"^[0-9a-f]{64}\.png$")


@pytest.fixture
def editor_in(tab: Tab) -> Editor:
    editor = Editor(tab.page)
    expect(editor.node("sample")).to_be_visible()
    return editor


def plain_png() -> bytes:
    stream = BytesIO()
    Image.new("RGB", (8, 8), "green").save(stream, "PNG")
    return stream.getvalue()


def test_a_saved_picture_dropped_into_a_new_tab_gives_its_graph_back(
    editor_in: Editor, server: Server, context: BrowserContext
) -> None:
    editor_in.set("sample", "Prompt 1", "a man wearing a pink shirt")
    editor_in.run()
    drawn = editor_in.nodes()
    shown = context.request.get(f"{server.address}/v1/results").json()["results"]
    grid = next(one for one in shown if one["result"] == "grid")
    picture = context.request.get(f"{server.address}/v1/assets/{grid['asset']}").body()

    page = context.new_page()
    page.goto(server.address)
    other = Editor(page)
    expect(page.locator(".react-flow__node").first).to_be_visible()
    other.open_new()
    other.drop("grid.png", "image/png", picture, *MIDDLE)

    expect(other.field("sample", "Prompt 1")).to_have_value("a man wearing a pink shirt")
    assert other.nodes() == drawn


def test_a_picture_without_a_workflow_says_why_it_opens_nothing(editor_in: Editor) -> None:
    tabs = editor_in.page.locator(".tab")
    before = tabs.count()

    editor_in.drop("photo.png", "image/png", plain_png(), *MIDDLE)

    expect(editor_in.note()).to_contain_text("photo.png carries no workflow")
    assert tabs.count() == before


def test_a_picture_dropped_on_a_node_that_loads_one_goes_into_it(editor_in: Editor) -> None:
    box = editor_in.node("photo").bounding_box()
    assert box is not None

    editor_in.drop("photo.png", "image/png", plain_png(), box["x"] + 40, box["y"] + 10)

    expect(editor_in.field("photo", "Path")).not_to_have_value("portrait.png")
    expect(editor_in.page.get_by_role("button", name="No problems")).to_be_visible()


def test_a_json_file_opens_in_a_tab_of_its_own(editor_in: Editor) -> None:
    text = Path("workflows/pose-transfer.json").read_bytes()
    tabs = editor_in.page.locator(".tab")
    before = tabs.count()

    editor_in.drop("pose-transfer.json", "application/json", text, *MIDDLE)

    expect(tabs).to_have_count(before + 1)
    expect(editor_in.page.locator(".tab.active")).to_contain_text("pose", ignore_case=True)


def test_a_picture_of_the_gallery_dragged_to_the_canvas_becomes_a_node(editor_in: Editor) -> None:
    editor_in.run()
    before = editor_in.nodes()
    thumbnail = editor_in.side("Gallery").get_by_role("listitem").first.get_by_role("button")

    thumbnail.drag_to(editor_in.page.get_by_role("region", name="Graph"),
                      target_position={"x": 300, "y": 60})  # fmt: skip

    (added,) = editor_in.nodes() - before
    expect(editor_in.field(added, "Path")).to_have_value(ASSET)


def test_saving_over_what_another_tab_saved_is_refused_and_explained(
    editor_in: Editor, server: Server, context: BrowserContext
) -> None:
    page = editor_in.page
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("dialog").get_by_label("Name").fill("mine")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    kept = context.request.get(f"{server.address}/v1/workflows/mine").json()
    theirs = {**kept["workflow"], "title": "Theirs"}
    answer = context.request.put(
        f"{server.address}/v1/workflows/mine",
        data=theirs,
        headers={"If-Match": f'"{kept["version"]}"'},
    )
    assert answer.ok

    editor_in.set("sample", "Seed", "5")
    page.get_by_role("button", name="Save", exact=True).click()

    dialog = page.get_by_role("dialog", name="mine was changed meanwhile")
    expect(dialog).to_be_visible()
    stored = context.request.get(f"{server.address}/v1/workflows/mine").json()
    assert stored["workflow"]["title"] == "Theirs"

    dialog.get_by_role("button", name="Replace it by mine").click()
    expect(dialog).to_have_count(0)
    stored = context.request.get(f"{server.address}/v1/workflows/mine").json()
    assert stored["workflow"]["nodes"]["sample"]["values"]["seed"] == 5

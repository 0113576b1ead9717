"""Every command that has a key does what it says, as one step that is undone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import pytest
from playwright.sync_api import BrowserContext, expect

from scripts.browser.browsing import Tab
from scripts.browser.editing import LONG, Editor
from scripts.browser.serving import Server

ALL = {"photo", "sized", "edges", "base", "net", "control", "sample", "sheet"}


@pytest.fixture
def editor_in(tab: Tab) -> Editor:
    editor = Editor(tab.page)
    expect(editor.node("sample")).to_be_visible()
    assert editor.nodes() == ALL
    return editor


def select(editor: Editor, *names: str, held: Literal["Shift", "Control"] = "Shift") -> None:
    for at, name in enumerate(names):
        editor.node(name).locator(".card-name").click(modifiers=[held] if at else [])


def nodes_are(editor: Editor, names: set[str]) -> None:
    for name in names:
        expect(editor.node(name)).to_have_count(1)
    expect(editor.page.locator(".react-flow__node-call")).to_have_count(len(names))


def links(editor: Editor, node: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = editor.document()["nodes"][node].get("links", {})
    return found


def undone(editor: Editor) -> None:
    """What was done was one step."""
    assert editor.undo_all() == 1
    nodes_are(editor, ALL)


def test_duplicate_sets_a_copy_beside_it_with_the_wires_that_come_in(editor_in: Editor) -> None:
    select(editor_in, "edges")

    editor_in.press("Control+d")

    nodes_are(editor_in, ALL | {"edges_2"})
    assert links(editor_in, "edges_2") == {"image": "sized.image"}
    undone(editor_in)


@pytest.mark.parametrize(
    ("keys", "incoming"),
    [
        ("Control+v", ({}, {})),
        ("Control+Shift+v", ({"image": "sized.image"}, {"controlnet": "net.controlnet"})),
    ],
    ids=["the wires inside it", "the wires that come in, too"],
)
def test_what_is_copied_is_pasted_with_its_wires(
    editor_in: Editor, keys: str, incoming: tuple[Mapping[str, str], Mapping[str, str]]
) -> None:
    select(editor_in, "edges", "control")
    editor_in.press("Control+c")

    editor_in.press(keys)

    nodes_are(editor_in, ALL | {"edges_2", "control_2"})
    assert links(editor_in, "edges_2") == incoming[0]
    assert links(editor_in, "control_2") == {"image": "edges_2.image", **incoming[1]}
    undone(editor_in)


def test_what_is_cut_goes_and_can_be_pasted(editor_in: Editor) -> None:
    select(editor_in, "sheet")

    editor_in.press("Control+x")
    nodes_are(editor_in, ALL - {"sheet"})
    editor_in.press("Control+v")

    nodes_are(editor_in, ALL)
    assert editor_in.undo_all() == 2
    assert links(editor_in, "sheet") != {}


@pytest.mark.parametrize("key", ["Delete", "Backspace"])
def test_delete_takes_what_is_chosen_with_its_wires(editor_in: Editor, key: str) -> None:
    select(editor_in, "edges")

    editor_in.press(key)

    nodes_are(editor_in, ALL - {"edges"})
    assert "image" not in links(editor_in, "control")
    undone(editor_in)


def test_select_all_and_delete_leave_nothing(editor_in: Editor) -> None:
    editor_in.press("Control+a")
    editor_in.press("Delete")

    nodes_are(editor_in, set())
    undone(editor_in)


@pytest.mark.parametrize("held", ["Shift", "Control"])
def test_a_click_chooses_one_more_and_once_more_takes_it_away(
    editor_in: Editor, held: Literal["Shift", "Control"]
) -> None:
    select(editor_in, "edges", "control", "net", "control", held=held)

    editor_in.press("Delete")

    nodes_are(editor_in, ALL - {"edges", "net"})
    undone(editor_in)


def test_a_node_is_folded_and_unfolded(editor_in: Editor) -> None:
    select(editor_in, "sample")
    steps = editor_in.field("sample", "Steps")
    expect(steps).to_be_visible()

    editor_in.press("h")
    expect(steps).to_have_count(0)
    editor_in.press("h")

    expect(steps).to_be_visible()
    assert editor_in.undo_all() == 2


def test_a_frame_is_drawn_around_what_is_chosen(editor_in: Editor) -> None:
    select(editor_in, "base", "net")

    editor_in.press("Control+g")
    dialog = editor_in.page.get_by_role("dialog", name="Frame")
    dialog.get_by_label("Title of the frame").fill("Models")
    dialog.get_by_label("Title of the frame").press("Enter")

    titles = editor_in.page.get_by_role("textbox", name="Title of the frame")
    expect(titles).to_have_value("Models")
    undone(editor_in)
    expect(titles).to_have_count(0)


def test_nodes_are_collapsed_to_a_template_that_runs(editor_in: Editor) -> None:
    select(editor_in, "edges", "control")

    editor_in.press("Control+Shift+g")
    dialog = editor_in.page.get_by_role("dialog", name="Collapse to a template")
    dialog.get_by_label("Name").fill("Outlines")
    dialog.get_by_label("Name").press("Enter")

    expect(editor_in.node("edges")).to_have_count(0)
    document = editor_in.document()
    (name,) = set(document["nodes"]) - ALL
    assert set(document["nodes"]) == ALL - {"edges", "control"} | {name}
    assert list(document["templates"]) == [document["nodes"][name]["type"]]
    expect(editor_in.page.locator(".status").get_by_role("button")).to_have_text("No problems")
    editor_in.run()
    undone(editor_in)


def test_a_node_is_renamed_with_the_wires_that_lead_from_it(editor_in: Editor) -> None:
    select(editor_in, "edges")

    editor_in.press("F2")
    field = editor_in.page.get_by_label(re.compile("name", re.IGNORECASE)).and_(
        editor_in.page.locator(":focus")
    )
    field.fill("outlines")
    field.press("Enter")

    nodes_are(editor_in, ALL - {"edges"} | {"outlines"})
    assert links(editor_in, "control")["image"] == "outlines.image"
    undone(editor_in)


def test_tidy_up_moves_nodes_as_one_step(editor_in: Editor) -> None:
    editor_in.move("sheet", 400, 500)
    before = editor_in.document()["view"]

    editor_in.press("l")

    expect(editor_in.node("sheet")).to_be_visible()
    assert editor_in.document()["view"] != before
    assert editor_in.undo_all() == 2


def test_the_view_is_zoomed_and_fitted_without_a_step(editor_in: Editor) -> None:
    def scale() -> float:
        pane = editor_in.page.locator(".react-flow__viewport")
        found = re.search(r"scale\(([0-9.]+)\)", pane.get_attribute("style") or "")
        assert found is not None
        return float(found[1])

    def settled(key: str) -> float:
        editor_in.press(key)
        editor_in.page.wait_for_timeout(600)
        return scale()

    whole = settled("0")
    assert whole == 1
    assert settled("+") > 1
    assert settled("-") < 1.2
    assert settled("f") < 1
    select(editor_in, "sheet")
    assert settled("g") > scale() * 0.99
    assert editor_in.page.get_by_role("button", name="Undo").is_disabled()


def test_the_shortcuts_are_listed_and_escape_closes_the_list(editor_in: Editor) -> None:
    editor_in.press("?")
    dialog = editor_in.page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Run to the selected nodes")

    editor_in.page.keyboard.press("Escape")

    expect(dialog).to_have_count(0)


def test_only_what_the_chosen_node_needs_is_run(
    editor_in: Editor, context: BrowserContext, server: Server
) -> None:
    select(editor_in, "edges")

    with editor_in.page.expect_response(lambda answer: answer.url.endswith("/v1/jobs")) as asked:
        editor_in.press("Control+Shift+Enter")

    editor_in.until("Done")
    job = asked.value.json()["id"]
    events = context.request.get(f"{server.address}/v1/jobs/{job}/events").json()["events"]
    assert {event["data"]["node"] for event in events if "node" in event["data"]} == {
        "photo",
        "sized",
        "edges",
    }


def test_a_run_is_started_and_cancelled_by_its_keys(editor_in: Editor) -> None:
    editor_in.set("sample", "Steps", "149")
    editor_in.press("Control+Enter")
    status = editor_in.page.locator(".status [role=status]")
    expect(status).to_have_text(re.compile("^Running"), timeout=LONG)

    editor_in.press("Control+.")

    editor_in.until("Cancelled")
    expect(editor_in.node("sample")).to_be_visible()

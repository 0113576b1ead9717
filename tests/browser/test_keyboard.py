"""The graph with a keyboard alone: connect, disconnect, rename, and never lose one's place."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from scripts.browser.browsing import Tab
from scripts.browser.editing import Editor


@pytest.fixture
def editor_in(tab: Tab) -> Editor:
    """The first workflow, untouched by any pointer."""
    editor = Editor(tab.page)
    expect(editor.node("sample")).to_be_visible()
    return editor


def row(editor: Editor, node: str, title: str) -> Locator:
    """The button of an input's name."""
    return editor.node(node).get_by_role("button", name=f"{title}: what can be done with it")


def form_row(editor: Editor, node: str, title: str) -> Locator:
    return row(editor, node, f"{title}, on the form")


def menu_item(editor: Editor, label: str) -> Locator:
    return editor.page.get_by_role("menuitem", name=label)


def test_an_input_that_takes_a_wire_is_connected_and_disconnected(editor_in: Editor) -> None:
    editor, page = editor_in, editor_in.page
    editor.open_new()
    for title in ("Load image", "Canny"):
        editor.press(" ")
        editor.choose(title)
    port = row(editor, "canny", "Image")

    port.press("Enter")
    expect(menu_item(editor, "Connect to …")).to_be_focused()
    page.keyboard.press("Enter")
    expect(editor.options().first).to_contain_text("load_image")
    page.keyboard.press("Enter")
    expect(editor.wires()).to_have_count(1)
    expect(port).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(menu_item(editor, "Remove the wire")).to_be_focused()
    page.keyboard.press("Enter")

    expect(editor.wires()).to_have_count(0)
    expect(port).to_be_focused()


def test_a_node_is_connected_with_a_new_one_from_the_menu_of_its_ports(editor_in: Editor) -> None:
    editor, page = editor_in, editor_in.page
    editor.open_new()
    editor.press(" ")
    editor.choose("Load image")
    editor.node("load_image").focus()

    page.keyboard.press("c")
    expect(menu_item(editor, "Image goes to …")).to_be_focused()
    page.keyboard.press("Enter")
    editor.choose("Canny")

    expect(editor.wires()).to_have_count(1)
    expect(editor.node("canny")).to_be_focused()


def test_a_node_and_a_wire_have_their_menus_at_the_menu_key(editor_in: Editor) -> None:
    editor, page = editor_in, editor_in.page
    editor.node("edges").focus()

    page.keyboard.press("Shift+F10")
    expect(menu_item(editor, "Duplicate")).to_be_visible()
    page.keyboard.press("Escape")
    expect(editor.node("edges")).to_be_focused()
    wires = editor.wires().count()
    page.get_by_role("group", name="Wire from photo.image to sized.image").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Delete")

    expect(editor.wires()).to_have_count(wires - 1)


def test_escape_leaves_the_palette_where_one_was(editor_in: Editor) -> None:
    editor = editor_in
    connect = editor.node("photo").get_by_role("button", name="Connect photo.image")

    connect.press("Enter")
    expect(editor.page.get_by_role("combobox", name="Find a node")).to_be_focused()
    editor.page.keyboard.press("Escape")

    expect(connect).to_be_focused()


def test_a_parameter_is_renamed_by_its_key_and_undone(editor_in: Editor) -> None:
    editor, page = editor_in, editor_in.page
    name = form_row(editor, "sample", "Steps")

    name.press("F2")
    field = page.get_by_role("dialog").get_by_label("New name of steps")
    field.fill("passes")
    field.press("Enter")

    expect(name).to_be_focused()
    params = editor.document()["params"]
    assert ("passes" in params, "steps" in params) == (True, False)
    page.get_by_role("button", name="Undo", exact=True).click()
    assert "steps" in editor.document()["params"]


def test_what_was_entered_for_a_parameter_follows_its_new_name(editor_in: Editor) -> None:
    editor, page = editor_in, editor_in.page
    steps = page.locator("form.form").get_by_role("spinbutton", name="Steps")
    page.get_by_role("button", name="Form", exact=True).click()
    steps.fill("7")
    page.get_by_role("button", name="Show the graph").click()

    form_row(editor, "sample", "Steps").click()
    menu_item(editor, "Rename the parameter").click()
    field = page.get_by_role("dialog").get_by_label("New name of steps")
    field.fill("passes")
    field.press("Enter")
    page.get_by_role("button", name="Form", exact=True).click()

    expect(steps).to_have_value("7")  # its label is what it was
    assert "passes" in editor.document()["params"]


def test_a_result_is_renamed_from_the_menu_unless_the_name_is_taken(editor_in: Editor) -> None:
    editor, page = editor_in, editor_in.page
    flag = editor.node("sheet").get_by_role("button", name="Keep sheet.image as a result")
    flag.click(button="right")
    menu_item(editor, "Rename the result").click()
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_label("New name of grid")
    field.fill("edges")
    field.press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("there is a result called “edges” already")
    field.fill("portraits")
    field.press("Enter")

    expect(dialog).to_have_count(0)
    assert editor.document()["results"] == {"edges": "edges.image", "portraits": "sheet.image"}


def test_a_port_of_a_template_is_renamed_with_the_wires_that_lead_to_it(editor_in: Editor) -> None:
    editor, page = editor_in, editor_in.page
    editor.node("sized").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Shift+g")
    page.get_by_role("dialog").get_by_label("Name").fill("Small")
    page.keyboard.press("Enter")

    row(editor, "small", "Image").press("Enter")
    menu_item(editor, "Rename it in the template").press("Enter")
    field = page.get_by_role("dialog").get_by_label("New name of image")
    field.fill("photo")
    field.press("Enter")

    document = editor.document()
    assert document["nodes"]["small"]["links"] == {"photo": "photo.image"}
    assert document["templates"]["Small"]["params"]["photo"] == {"to": "sized.image"}

"""Where a model is named, those that fit are offered: on a node and in a form."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from scripts.browser.browsing import Tab
from scripts.browser.editing import Editor


def offers(tab: Tab) -> Locator:
    return tab.page.locator(".offers").get_by_role("option")


def test_a_node_offers_the_models_of_its_kind_and_takes_one_by_keyboard(tab: Tab) -> None:
    editor = Editor(tab.page)
    field = editor.field("net", "Model")
    field.focus()

    field.press("ArrowDown")
    offered = offers(tab).locator(".offer-name").all_inner_texts()
    field.press("Control+a")
    tab.page.keyboard.type("depth")
    expect(offers(tab)).to_have_count(1)
    field.press("ArrowDown")
    field.press("Enter")

    assert "tiny-canny" in offered
    assert "tiny" not in offered  # which is a base model
    expect(offers(tab)).to_have_count(0)
    expect(field).to_have_value("tiny-depth")
    assert editor.document()["nodes"]["net"]["values"] == {"model": "tiny-depth"}
    tab.page.get_by_role("button", name="Undo", exact=True).click()
    expect(field).to_have_value("tiny-canny")


def test_escape_closes_the_list_first_and_any_other_name_can_be_typed(tab: Tab) -> None:
    editor = Editor(tab.page)
    field = editor.field("base", "Model")
    field.click()
    field.press_sequentially("-p")
    expect(offers(tab)).to_have_text(["tiny-potatotiny · built in"])
    field.press("Escape")
    expect(offers(tab)).to_have_count(0)
    expect(field).to_have_value("tiny-p")

    field.fill("some/where")
    field.press("Tab")

    expect(field).to_have_value("some/where")


def test_a_form_offers_them_too_and_takes_one_by_a_click(tab: Tab) -> None:
    editor = Editor(tab.page)
    expect(editor.node("sample")).to_be_visible()
    panel = editor.side("Workflows")
    panel.get_by_role("button", name="Show canny-to-image as a form").click()
    field = tab.page.locator("form.form").get_by_role("combobox", name="Model")

    field.click()
    expect(offers(tab).locator(".offer-name")).to_contain_text(["tiny", "tiny-potato"])
    offers(tab).filter(has_text="tiny-potato").click()

    expect(field).to_have_value("tiny-potato")
    expect(field).to_be_focused()

"""What is kept on the server: jobs that are over, workflows, and why a run failed."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from scripts.browser.browsing import Tab
from scripts.browser.editing import LONG, Editor
from scripts.browser.serving import Server


@pytest.fixture
def editor_in(tab: Tab) -> Editor:
    editor = Editor(tab.page)
    expect(editor.node("sample")).to_be_visible()
    return editor


def done(editor: Editor) -> Locator:
    """The jobs that are over, newest first."""
    return editor.side("Queue").get_by_role("list", name="Done").get_by_role("listitem")


def test_a_run_that_fails_says_why_at_the_node_and_in_the_queue(editor_in: Editor) -> None:
    editor_in.set("photo", "Path", "portrait.txt")

    editor_in.start()

    editor_in.until("Failed")
    expect(editor_in.node("photo")).to_contain_text("portrait.txt")
    expect(editor_in.badge("photo")).to_have_text("failed")
    expect(editor_in.badge("edges")).to_have_text("not run")
    expect(done(editor_in).first).to_contain_text("photo")
    expect(done(editor_in).first).to_contain_text("portrait.txt")

    editor_in.press("Control+z")
    editor_in.start()
    editor_in.until("Done")


def test_a_job_that_is_over_is_run_again_opened_and_deleted(
    editor_in: Editor, context: BrowserContext, server: Server
) -> None:
    body = {"name": "canny-portraits", "title": "Past", "params": {"steps": 2, "seed": 77}}
    first = context.request.post(f"{server.address}/v1/jobs", data=body).json()["id"]
    past = done(editor_in).filter(has_text="Past")
    expect(past).to_have_count(1, timeout=LONG)

    past.get_by_role("button", name="Run Past again").click()
    expect(past).to_have_count(2, timeout=LONG)
    past.last.get_by_role("button", name="Open the graph of Past").click()
    expect(editor_in.field("sample", "Seed")).to_have_value("77")
    past.last.get_by_role("button", name="Delete Past").click()

    expect(past).to_have_count(1)
    assert context.request.get(f"{server.address}/v1/jobs/{first}").status == 404


def test_a_job_deleted_in_another_tab_goes_from_this_one(
    editor_in: Editor, context: BrowserContext, server: Server
) -> None:
    body = {"name": "canny-portraits", "title": "Elsewhere", "params": {"steps": 2}}
    job = context.request.post(f"{server.address}/v1/jobs", data=body).json()["id"]
    past = done(editor_in).filter(has_text="Elsewhere")
    expect(past).to_have_count(1, timeout=LONG)

    assert context.request.delete(f"{server.address}/v1/jobs/{job}").ok

    expect(past).to_have_count(0)


def test_the_course_of_an_older_job_is_shown_on_the_canvas(
    editor_in: Editor, context: BrowserContext, server: Server
) -> None:
    body = {"name": "canny-portraits", "title": "Older", "params": {"steps": 2, "seed": 78}}
    context.request.post(f"{server.address}/v1/jobs", data=body)
    older = done(editor_in).filter(has_text="Older")
    expect(older).to_have_count(1, timeout=LONG)
    expect(editor_in.pictures("sheet")).to_have_count(0)

    older.get_by_title("Show its course").click()

    editor_in.until("Done, changed since")  # its seed is another than the one drawn
    expect(editor_in.pictures("sample")).to_have_count(4)
    expect(editor_in.pictures("sheet")).to_have_count(1)


def test_a_workflow_is_saved_found_opened_and_deleted(
    editor_in: Editor, context: BrowserContext, server: Server
) -> None:
    page = editor_in.page
    editor_in.set("sample", "Seed", "41")
    editor_in.press("Control+s")
    dialog = page.get_by_role("dialog", name="Save the workflow")
    dialog.get_by_label("Name").fill("forty-one")
    dialog.get_by_label("Name").press("Enter")
    expect(dialog).to_have_count(0)
    editor_in.set("sample", "Seed", "42")
    editor_in.press("Control+s")
    panel = editor_in.side("Workflows")

    panel.get_by_label("Find a workflow").fill("forty")
    entry = panel.get_by_role("list", name="Yours").get_by_role("listitem")
    expect(entry).to_have_count(1)
    entry.get_by_role("button", name="forty-one").first.click()
    expect(editor_in.field("sample", "Seed")).to_have_value("42")
    entry.get_by_role("button", name="Delete forty-one").click()
    page.get_by_role("dialog", name="Delete forty-one?").get_by_role(
        "button", name="Delete", exact=True
    ).click()

    expect(entry).to_have_count(0)
    assert context.request.get(f"{server.address}/v1/workflows/forty-one").status == 404
    expect(editor_in.field("sample", "Seed")).to_have_value("42")


def test_closing_a_tab_with_unsaved_work_asks_first(editor_in: Editor) -> None:
    page = editor_in.page
    editor_in.set("sample", "Seed", "43")

    page.get_by_role("button", name="Close Canny portraits").click()

    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(editor_in.field("sample", "Seed")).to_have_value("43")

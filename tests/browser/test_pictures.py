"""Pictures and states: what was made stays and can be found, and what is shown is what is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from scripts.browser.browsing import Tab
from scripts.browser.editing import LONG, Editor
from scripts.browser.serving import Server

BY_HAND = {
    "format": 1,
    "title": "By hand",
    "nodes": {
        "photo": {"type": "LoadImage", "values": {"path": "portrait.png"}},
        "edges": {"type": "Canny", "links": {"image": "photo.image"}},
    },
}


@pytest.fixture
def editor_in(tab: Tab) -> Editor:
    editor = Editor(tab.page)
    expect(editor.node("sample")).to_be_visible()
    return editor


@pytest.fixture
def ask(server: Server, context: BrowserContext) -> Any:
    """Ask the server itself."""
    return lambda path: context.request.get(f"{server.address}/v1/{path}").json()


def shelf(page: Page, name: str) -> Locator:
    """Show one of the gallery's shelves; its pictures."""
    gallery = Editor(page).side("Gallery")
    gallery.get_by_role("button", name=name, exact=True).click()
    return gallery.get_by_role("listitem")


def test_a_picture_stays_without_its_job_and_a_deleted_one_comes_back_in_every_tab(
    editor_in: Editor, server: Server, context: BrowserContext, ask: Any
) -> None:
    page = editor_in.page
    editor_in.run()
    [job] = ask("jobs?limit=1")["jobs"]
    made = [one["id"] for one in ask("results?limit=200")["results"] if one["job"] == job["id"]]
    other = context.new_page()
    other.goto(server.address)

    queue = editor_in.side("Queue")
    queue.get_by_role("button", name=f"Delete {job['title']}").first.click()
    expect(editor_in.page.locator(".status [role=status]")).to_have_text("")
    left = [one["id"] for one in ask("results?limit=200")["results"] if one["job"] == job["id"]]
    assert left == made != []

    expect(shelf(other, "Bin")).to_have_count(0)
    shelf(page, "Results").first.get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(other.get_by_role("region", name="Gallery").get_by_role("listitem")).to_have_count(1)
    assert made[0] not in [one["id"] for one in ask("results?limit=200")["results"]]
    page.keyboard.press("Escape")
    editor_in.note().get_by_role("button", name="Undo").click()

    expect(other.get_by_role("region", name="Gallery").get_by_role("listitem")).to_have_count(0)
    page.reload()
    shelf(page, "Results").first.get_by_role("button").click()
    page.get_by_role("dialog").get_by_role("button", name="Open its graph").click()
    expect(page.locator(".tab")).to_have_count(2)
    expect(editor_in.node("sample")).to_be_visible()
    assert made[0] in [one["id"] for one in ask("results?limit=200")["results"]]


def test_a_graph_without_a_flag_keeps_what_its_last_node_makes_and_a_try_is_kept_apart(
    editor_in: Editor, ask: Any
) -> None:
    page = editor_in.page
    editor_in.drop("by-hand.json", "application/json", json.dumps(BY_HAND).encode(), 600, 400)
    expect(editor_in.node("edges")).to_be_visible()
    flag = page.get_by_role("button", name="Keep edges.image as a result")
    expect(flag).to_have_attribute("title", re.compile("nothing is flagged"))

    editor_in.run()
    expect(shelf(page, "Results").first.get_by_role("button")).to_have_accessible_name(
        "By hand, edges"
    )
    before = len(ask("results?limit=200")["results"])
    editor_in.set("edges", "Low threshold", "61")
    editor_in.node("edges").locator(".card-name").click()
    page.keyboard.press("Control+Shift+Enter")
    editor_in.until("Done")

    expect(shelf(page, "Tries").first.get_by_role("button")).to_have_accessible_name(
        "By hand, edges"
    )
    assert len(ask("results?limit=200")["results"]) == before


def test_what_was_changed_since_its_run_says_what_a_run_would_do_also_after_a_reload(
    editor_in: Editor,
) -> None:
    editor_in.run()
    old = re.compile(r"\bold\b")
    strip = editor_in.node("edges").locator(".strip")
    expect(strip).not_to_have_class(old)
    editor_in.set("edges", "Low threshold", "37")

    for again in (False, True):
        if again:
            editor_in.page.reload()
        for node in ("edges", "sample"):
            expect(editor_in.badge(node)).to_have_text("will run")
        expect(strip).to_have_class(old)
        expect(editor_in.node("photo").locator(".strip")).not_to_have_class(old)
        expect(editor_in.page.locator(".status [role=status]")).to_have_text("Done, changed since")
    editor_in.set("edges", "Low threshold", "100")

    expect(strip).not_to_have_class(old)
    editor_in.until("Done")


def test_cancel_takes_what_runs_and_the_canvas_goes_on_with_the_next(
    editor_in: Editor, ask: Any
) -> None:
    page = editor_in.page
    editor_in.set("sample", "Steps", "150")
    for seed in ("7001", "7002", "7003"):
        editor_in.set("sample", "Seed", seed)
        editor_in.start()
    status = page.locator(".status [role=status]")
    expect(status).to_have_text(re.compile("^Running"), timeout=LONG)
    expect(editor_in.badge("sample")).to_have_text(re.compile(r"^\d+/150$"), timeout=LONG)
    first = [job["id"] for job in ask("jobs?limit=3")["jobs"]][-1]
    cancel = page.get_by_role("button", name="Cancel", exact=True)

    cancel.click()

    queue = editor_in.side("Queue")
    expect(queue.get_by_role("list", name="Waiting").get_by_role("listitem")).to_have_count(
        1, timeout=LONG
    )
    expect(status).to_have_text(re.compile("^Running"), timeout=LONG)
    states = [(job["id"] == first, job["state"]) for job in ask("jobs?limit=3")["jobs"]]
    assert states == [(False, "queued"), (False, "running"), (True, "cancelled")]
    page.reload()
    expect(status).to_have_text(re.compile("^Running"), timeout=LONG)
    cancel.click()
    expect(queue.get_by_role("list", name="Waiting")).to_have_count(0, timeout=LONG)
    expect(status).to_have_text(re.compile("^Running"), timeout=LONG)
    cancel.click()
    editor_in.until("Cancelled")
    expect(cancel).to_have_count(0)

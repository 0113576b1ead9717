"""The queue, the form and the gallery."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import APIResponse, BrowserContext, expect

from scripts.browser.browsing import Tab
from scripts.browser.editing import LONG, Editor
from scripts.browser.serving import Server


@pytest.fixture
def editor_in(tab: Tab) -> Editor:
    editor = Editor(tab.page)
    expect(editor.node("sample")).to_be_visible()
    return editor


class Queue:
    """Jobs by way of the server's own interface."""

    def __init__(self, context: BrowserContext, server: Server) -> None:
        self.context, self.address = context, f"{server.address}/v1/jobs"

    def submit(self, title: str, **params: Any) -> APIResponse:
        body = {"name": "canny-portraits", "title": title, "params": params}
        answer = self.context.request.post(self.address, data=body)
        assert answer.status == 201, answer.text()
        return answer

    def submit_four(self, seed: int) -> None:
        """One that takes long on any machine, and three that wait behind it."""
        self.submit("Long", steps=150, size=256, seed=seed)
        for title in ("First", "Second", "Third"):
            self.submit(title, steps=2, seed=seed + 1)


def test_waiting_jobs_are_moved_with_the_keyboard_and_cancelled_one_by_one(
    editor_in: Editor, server: Server, context: BrowserContext
) -> None:
    Queue(context, server).submit_four(seed=991)
    panel = editor_in.side("Queue")
    names = panel.get_by_role("list", name="Waiting").locator(".job-name")
    expect(names).to_have_text(["First", "Second", "Third"], timeout=LONG)

    handle = panel.get_by_role("button", name="Move Third")
    handle.press("ArrowUp")
    expect(names).to_have_text(["First", "Third", "Second"])
    handle.press("ArrowUp")
    expect(names).to_have_text(["Third", "First", "Second"])
    panel.get_by_role("button", name="Cancel First").click()

    expect(names).to_have_text(["Third", "Second"])
    waiting = context.request.get(f"{server.address}/v1/queue").json()["jobs"]
    assert [job["title"] for job in waiting] == ["Third", "Second"]
    for title in ("Long", "Third", "Second"):
        panel.get_by_role("button", name=f"Cancel {title}").click()
    expect(panel.get_by_role("list", name="Waiting")).to_have_count(0)
    expect(panel.get_by_role("list", name="Running")).to_have_count(0, timeout=LONG)


def test_waiting_jobs_are_moved_with_the_mouse(
    editor_in: Editor, server: Server, context: BrowserContext
) -> None:
    Queue(context, server).submit_four(seed=993)
    panel = editor_in.side("Queue")
    names = panel.get_by_role("list", name="Waiting").locator(".job-name")
    expect(names).to_have_text(["First", "Second", "Third"], timeout=LONG)
    row = panel.get_by_role("list", name="Waiting").get_by_role("listitem")

    panel.get_by_role("button", name="Move Third").drag_to(row.filter(has_text="First"))
    expect(names).to_have_text(["Third", "First", "Second"])
    panel.get_by_role("button", name="Move Third").drag_to(row.filter(has_text="First"))
    expect(names).to_have_text(["First", "Third", "Second"])
    panel.get_by_role("button", name="Move First").drag_to(row.filter(has_text="Second"))

    expect(names).to_have_text(["Third", "Second", "First"])
    waiting = context.request.get(f"{server.address}/v1/queue").json()["jobs"]
    assert [job["title"] for job in waiting] == ["Third", "Second", "First"]
    for title in ("Long", "First", "Second", "Third"):
        panel.get_by_role("button", name=f"Cancel {title}").click()
    expect(panel.get_by_role("list", name="Running")).to_have_count(0, timeout=LONG)


def test_a_run_is_cancelled_from_its_button_and_the_page_goes_on(editor_in: Editor) -> None:
    page = editor_in.page
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    editor_in.set("sample", "Steps", "150")
    editor_in.start()
    expect(page.locator(".status [role=status]")).to_have_text(re.compile("^Running"), timeout=LONG)

    page.get_by_role("button", name="Cancel", exact=True).click()

    editor_in.until("Cancelled")
    expect(editor_in.side("Queue").get_by_role("list", name="Running")).to_have_count(0)
    expect(editor_in.node("sample")).to_be_visible()
    assert broken == []


def test_a_form_with_several_prompts_runs_and_shows_what_it_made_beside_it(
    editor_in: Editor,
) -> None:
    page = editor_in.page
    page.get_by_role("button", name="Form", exact=True).click()
    form = page.locator("form.form")
    expect(form.get_by_role("textbox", name="Prompts 4")).to_be_visible()
    form.get_by_role("button", name="Remove Prompts 4").click()
    form.get_by_role("textbox", name="Prompts 1").fill("a man wearing a yellow shirt")
    form.get_by_role("spinbutton", name="Steps").fill("2")

    form.get_by_role("button", name="Run").click()

    results = page.get_by_role("region", name="Results")
    expect(results.get_by_role("button", name="grid, full size")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Show the graph").click()
    expect(editor_in.node("sample")).to_be_visible()


def test_a_limit_is_told_at_its_field_of_the_form(editor_in: Editor) -> None:
    page = editor_in.page
    page.get_by_role("button", name="Form", exact=True).click()
    form = page.locator("form.form")
    form.get_by_role("spinbutton", name="Steps").fill("999")

    form.get_by_role("button", name="Run").click()

    expect(form.get_by_role("spinbutton", name="Steps")).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_text("150").last).to_be_visible()


def test_the_gallery_shows_a_picture_in_full_size_and_goes_on_by_key(editor_in: Editor) -> None:
    editor_in.run()
    page = editor_in.page
    gallery = editor_in.side("Gallery")
    gallery.get_by_role("listitem").first.get_by_role("button").click()
    lightbox = page.get_by_role("dialog")
    expect(lightbox.locator("img")).to_be_visible()
    first = lightbox.get_attribute("aria-label")

    page.keyboard.press("ArrowRight")
    expect(lightbox).not_to_have_attribute("aria-label", first or "")
    with page.expect_download() as download:
        lightbox.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.endswith(".png")
    page.keyboard.press("Escape")

    expect(lightbox).to_have_count(0)


def test_what_is_to_be_done_where_memory_does_not_suffice_goes_with_every_run(
    editor_in: Editor, server: Server, context: BrowserContext
) -> None:
    menu = editor_in.page.get_by_role("menuitem")

    def choices() -> None:
        editor_in.page.get_by_role("button", name="More", exact=True).click()
        menu.filter(has_text="When memory does not suffice").click()

    choices()
    menu.filter(has_text="Fail").click()
    editor_in.run()

    newest = context.request.get(f"{server.address}/v1/jobs?limit=1").json()["jobs"][0]
    assert newest["on_oom"] == "fail"
    editor_in.page.reload()
    choices()
    expect(menu.filter(has_text="✓")).to_have_text(["Fail✓"])


def test_a_node_that_goes_on_from_an_earlier_run_says_at_which_step(editor_in: Editor) -> None:
    editor_in.set("sample", "Seed", "4711")
    editor_in.run()
    editor_in.set("control", "End", "0.8")
    editor_in.run()

    badge = editor_in.badge("sample")
    expect(badge).to_have_text(re.compile(r"^(done|\d.* s), resumed$"), timeout=LONG)
    expect(badge).to_have_attribute("title", re.compile("Resumed at step 17 of 20: an earlier run"))

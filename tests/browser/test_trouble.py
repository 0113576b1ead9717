"""A fault of the page itself: it says so, and what was drawn is there after a reload."""

from __future__ import annotations

import json

from playwright.sync_api import BrowserContext, Route, expect

from scripts.browser.editing import Editor
from scripts.browser.serving import Server

UNKNOWN = {"id": "0" * 32, "seq": 1, "title": "One", "state": "done", "results": None, "counts": {}}


def broken(route: Route) -> None:
    """A list of jobs that the page cannot draw."""
    route.fulfill(json={"jobs": [{**UNKNOWN, "created": 1, "finished": 2}], "next": None})


def test_a_page_that_cannot_be_drawn_offers_the_work_and_a_way_on(
    context: BrowserContext, server: Server
) -> None:
    page = context.new_page()
    editor = Editor(page)
    page.goto(server.address)
    editor.set("sample", "Seed", "47")
    page.route("**/v1/jobs?limit=*", broken)
    page.reload()

    trouble = page.get_by_role("alert")
    expect(trouble).to_contain_text("The page has stopped")
    with page.expect_download() as download:
        trouble.get_by_role("button", name="Download the workflow").click()
    kept = json.loads(download.value.path().read_bytes())
    page.unroute("**/v1/jobs?limit=*")
    trouble.get_by_role("button", name="Reload", exact=True).click()

    assert kept["nodes"]["sample"]["values"]["seed"] == 47
    expect(editor.field("sample", "Seed")).to_have_value("47")

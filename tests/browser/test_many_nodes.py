"""A graph of 300 nodes: it is panned and zoomed smoothly, and far away it is drawn lightly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from scripts.browser.browsing import Tab
from scripts.browser.editing import Editor

COUNT, COLUMNS = 300, 20
KINDS: tuple[tuple[str, dict[str, int]], ...] = (
    ("Resize", {"width": 128, "height": 128}),
    ("Canny", {"low_threshold": 60}),
    ("Blur", {}),
    ("Adjust", {}),
    ("Sharpen", {}),
)
FRAMES = """async ([seconds, zooming]) => {
    const pane = document.querySelector(".react-flow__pane");
    const box = pane.getBoundingClientRect();
    const at = { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
    const turn = (deltaY) => pane.dispatchEvent(
        new WheelEvent("wheel", { deltaY, bubbles: true, cancelable: true, ...at }));
    const begun = performance.now();
    const end = begun + 1000 * seconds;
    let frames = 0;
    for (let now = begun; now < end; now = performance.now()) {
        // In and out, so that every zoom between is passed.
        if (zooming) turn(Math.floor((now - begun) / 700) % 2 ? 40 : -40);
        await new Promise(requestAnimationFrame);
        frames += 1;
    }
    return frames / seconds;
}"""

NOTE_CHANGES = """() => {
    window.changes = [];
    const note = (all) => window.changes.push(...all.map((one) => one.attributeName ?? one.type));
    const wanted = { subtree: true, childList: true, attributes: true, characterData: true };
    new MutationObserver(note).observe(document.querySelector(".react-flow__nodes"), wanted);
}"""
NAME = 'card => getComputedStyle(card, "::after").content'


def many() -> dict[str, Any]:
    """A picture, and chains of nodes that each take the picture of the one before."""
    nodes: dict[str, Any] = {"photo": {"type": "LoadImage", "values": {"path": "portrait.png"}}}
    view: dict[str, Any] = {"photo": [-340, 0]}
    for number in range(COUNT - 1):
        kind, values = KINDS[number % len(KINDS)]
        source = "photo" if number % COLUMNS == 0 else f"node_{number - 1}"
        nodes[f"node_{number}"] = {
            "type": kind, "values": values, "links": {"image": f"{source}.image"},
        }  # fmt: skip
        view[f"node_{number}"] = [340 * (number % COLUMNS), 420 * (number // COLUMNS)]
    return {"format": 1, "title": "Many", "nodes": nodes, "view": view}


@pytest.fixture
def editor_in(tab: Tab) -> Editor:
    editor = Editor(tab.page)
    expect(editor.node("sample")).to_be_visible()
    editor.drop("many.json", "application/json", json.dumps(many()).encode(), 500, 500)
    expect(tab.page.locator(".react-flow__node")).to_have_count(COUNT, timeout=60_000)
    tab.page.wait_for_timeout(1500)  # what the server finds in the graph is shown
    return editor


def frames(page: Page, seconds: float, *, zooming: bool) -> float:
    """How many frames a second are drawn, zooming in and out or at rest."""
    rate: float = page.evaluate(FRAMES, [seconds, zooming])
    return rate


def work_per_frame(page: Page, seconds: float) -> dict[str, float]:
    """What the browser does for a frame while it zooms: layouts, and styles computed anew."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")

    def counts() -> dict[str, float]:
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in metrics}

    before = counts()
    drawn = frames(page, seconds, zooming=True) * seconds
    after = counts()
    return {
        name: (after[name] - before[name]) / drawn for name in ("LayoutCount", "RecalcStyleCount")
    }


def test_a_frame_of_zooming_needs_few_layouts_and_styles(editor_in: Editor) -> None:
    # However fast the machine is. Code that reads sizes between its writes lays out many times.
    work = work_per_frame(editor_in.page, 4)

    print(f"{COUNT} nodes: {work} a frame")
    assert max(work.values()) <= 3


def test_zooming_draws_no_node_anew(editor_in: Editor) -> None:
    page = editor_in.page
    page.evaluate(NOTE_CHANGES)

    frames(page, 2, zooming=True)

    # Away: it left the window, or came back.
    assert set(page.evaluate("window.changes")) <= {"data-away"}


def test_from_far_away_a_node_is_its_name_and_comes_back_nearer(editor_in: Editor) -> None:
    node, width = editor_in.node("node_150"), editor_in.field("node_150", "Width")
    expect(width).to_be_hidden()
    assert node.locator(".card").evaluate(NAME) == '"node_150"'
    expect(node.locator(".port").first).to_be_hidden()

    node.hover()
    expect(node.locator(".port").first).to_be_visible()
    node.click()
    editor_in.press("g")

    expect(width).to_be_visible()

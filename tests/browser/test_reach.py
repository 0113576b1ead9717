"""Every control of every view, in a wide and a narrow window: in it, named, in reach of keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from scripts.browser.browsing import Tab, new_context
from scripts.browser.editing import Editor
from scripts.browser.serving import Server

NUMBER = """() => {
    const kinds = "button, input, select, textarea, a[href], [role=option], [tabindex='0']";
    const over = document.querySelector("dialog[open], .menu, .palette");
    const shown = [...document.querySelectorAll(kinds)].filter((one) => {
        const style = getComputedStyle(one);
        const isShown = one.getClientRects().length > 0 && style.visibility !== "hidden";
        return isShown && !one.disabled && !one.closest("[inert], .react-flow__attribution")
            && (over?.contains(one) ?? true);
    });
    shown.forEach((one, at) => one.dataset.walked = at);
    return shown.length;
}"""
"""Give each control that is shown a number."""

JUDGE = """() => {
    const text = (one) => (one?.textContent ?? "").trim();
    const textOf = (id) => text(document.getElementById(id));
    const nameOf = (one) => one.getAttribute("aria-label")
        || (one.getAttribute("aria-labelledby") ?? "").split(" ").map(textOf).join("")
        || [...one.labels ?? []].map(text).join("") || text(one) || one.title;
    const faults = [];
    for (const one of document.querySelectorAll("[data-walked]")) {
        const say = (what) => faults.push(`${what}: ${one.outerHTML.slice(0, 150)}`);
        if (!nameOf(one)) say("has no name");
        // The drawing is moved and zoomed, not scrolled.
        if (one.closest(".react-flow__viewport")) continue;
        one.scrollIntoView({ block: "nearest", inline: "nearest" });
        const box = one.getBoundingClientRect();
        const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
        const top = document.elementFromPoint(x, y);
        if (box.left < -1 || box.right > innerWidth + 1 || y < 0 || y > innerHeight)
            say("lies outside the window");
        else if (!one.contains(top) && !top?.closest("label")?.contains(one))
            say(`is covered by ${top?.className}`);
    }
    if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is too wide");
    return faults;
}"""
"""What is wrong with the numbered controls, in words."""

FOCUSED = "() => document.activeElement?.dataset?.walked ?? null"

ONE_NODE = {
    "format": 1,
    "title": "A walk",
    "nodes": {
        "photo": {"type": "LoadImage", "values": {"path": "portrait.png"}},
        "edges": {"type": "Canny", "links": {"image": "photo.image"}},
        "alone": {"type": "Blur"},
    },
    "params": {"detail": {"to": "edges.low_threshold"}, "words": {"to": "edges.high_threshold"}},
    "view": {"photo": [0, 0], "edges": [340, 0], "alone": [340, 500]},
}


def graph(_: Editor) -> None:
    """Three nodes and a wire."""


def form(editor: Editor) -> None:
    editor.page.get_by_role("button", name="Form", exact=True).click()
    expect(editor.page.get_by_role("spinbutton", name="Detail")).to_be_visible()


def many_tabs(editor: Editor) -> None:
    for _ in range(8):
        editor.open_new()


def problems(editor: Editor) -> None:
    editor.page.locator(".status").get_by_role("button", name="1 problem").click()
    expect(
        editor.page.get_by_role("region", name="Problems").get_by_role("button").first
    ).to_be_visible()


def queue(editor: Editor) -> None:
    editor.side("Queue")


def gallery(editor: Editor) -> None:
    editor.side("Gallery")


def workflows(editor: Editor) -> None:
    expect(editor.side("Workflows").get_by_role("list", name="Ready to run")).to_be_visible()


def help_(editor: Editor) -> None:
    editor.press("?")
    expect(editor.page.get_by_role("dialog")).to_be_visible()


def save_as(editor: Editor) -> None:
    editor.press("Control+Shift+s")
    expect(editor.page.get_by_role("dialog")).to_be_visible()


def title(editor: Editor) -> None:
    more(editor)
    editor.page.get_by_role("menuitem", name="Change the title …").click()
    expect(editor.page.get_by_role("dialog")).to_be_visible()


def more(editor: Editor) -> None:
    editor.page.get_by_role("button", name="More", exact=True).click()


def node_menu(editor: Editor) -> None:
    editor.node("edges").focus()
    editor.page.keyboard.press("Shift+F10")
    expect(editor.page.get_by_role("menuitem", name="Duplicate")).to_be_visible()


def palette(editor: Editor) -> None:
    editor.press(" ")
    expect(editor.page.get_by_role("combobox", name="Find a node")).to_be_focused()


TABBED = [graph, form, many_tabs, problems, queue, gallery, workflows, help_, save_as, title]
LISTED = [more, node_menu, palette]
WIDTHS = {"wide": (1300, 850), "narrow": (400, 800)}


@pytest.fixture(params=WIDTHS)
def editor_in(request: pytest.FixtureRequest, server: Server, browser: Browser) -> Iterator[Editor]:
    width, height = WIDTHS[request.param]
    context = new_context(browser, viewport={"width": width, "height": height})
    tab = Tab(context.new_page(), server.address)
    tab.page.goto(server.address)
    editor = Editor(tab.page)
    expect(editor.node("sample")).to_be_visible()
    data = json.dumps(ONE_NODE).encode()
    editor.drop("walk.json", "application/json", data, 200, 300)
    expect(editor.node("edges")).to_be_visible()
    tab.page.get_by_role("button", name="Close Canny").first.click()
    tab.page.get_by_role("button", name="Dismiss").first.click()
    yield editor
    context.close()
    assert tab.errors == []


@pytest.mark.parametrize("view", [*TABBED, *LISTED])
def test_every_control_lies_within_the_window_and_has_a_name(
    view: Callable[[Editor], None], editor_in: Editor
) -> None:
    view(editor_in)

    assert editor_in.page.evaluate(NUMBER) > 0
    faults = editor_in.page.evaluate(JUDGE)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("view", TABBED)
def test_every_control_is_reached_by_tab(view: Callable[[Editor], None], editor_in: Editor) -> None:
    page = editor_in.page
    view(editor_in)
    count = page.evaluate(NUMBER)
    if not page.locator("dialog[open]").count():
        page.locator(".tab-title").first.focus()

    reached = set()
    for _ in range(count + 10):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(FOCUSED))

    missed = page.evaluate(
        """reached => [...document.querySelectorAll("[data-walked]")]
            .filter((one) => !reached.includes(one.dataset.walked))
            // The arrow of a list that its field opens by keys; one of several radio buttons.
            .filter((one) => !one.matches(".combobox-open, [type=radio]"))
            .map((one) => one.outerHTML.slice(0, 150))""",
        sorted(filter(None, reached)),
    )
    assert not missed, "\n".join(missed)


@pytest.mark.parametrize("view", LISTED)
def test_every_entry_of_a_list_is_reached_by_arrow(
    view: Callable[[Editor], None], editor_in: Editor
) -> None:
    page = editor_in.page
    view(editor_in)
    page.evaluate(NUMBER)
    entries = page.locator("[role=menuitem], [role=option]")
    reached = set()
    for _ in range(entries.count()):
        page.keyboard.press("ArrowDown")
        chosen = page.locator("[role=menuitem]:focus, [role=option][aria-selected=true]")
        reached.add(chosen.get_attribute("data-walked"))

    assert len(reached) == entries.count()


def test_a_node_is_added_to_an_empty_workflow_by_keys_alone(editor_in: Editor) -> None:
    page = editor_in.page
    page.get_by_role("button", name="New workflow").press("Enter")
    expect(page.get_by_role("region", name="Graph")).to_be_focused()

    page.keyboard.press("Space")
    editor_in.choose("Canny")
    expect(page.get_by_role("region", name="Graph")).to_be_focused()
    more(editor_in)
    page.keyboard.press("Enter")
    editor_in.choose("Blur")

    assert editor_in.nodes() == {"canny", "blur"}


def test_the_tab_of_what_was_opened_is_in_view(editor_in: Editor) -> None:
    many_tabs(editor_in)

    expect(editor_in.page.locator(".tab.active")).to_be_in_viewport(ratio=0.99)


def test_the_wheel_zooms_over_a_field_unless_it_scrolls_by_itself(editor_in: Editor) -> None:
    page = editor_in.page
    view = page.locator(".react-flow__viewport")
    before = view.get_attribute("style")
    editor_in.field("edges", "Low threshold").hover()
    page.mouse.wheel(0, -60)
    expect(view).not_to_have_attribute("style", before or "")
    editor_in.open_new()
    editor_in.press(" ")
    editor_in.choose("Sample")
    prompt = editor_in.field("sample", "Prompt")
    prompt.fill("\n".join("a fox" for _ in range(30)))
    before = view.get_attribute("style")

    prompt.hover()
    page.mouse.wheel(0, 60)
    page.wait_for_function("() => document.querySelector('textarea').scrollTop > 0")

    assert view.get_attribute("style") == before


def test_the_ring_of_the_keys_does_not_stay_where_one_goes_on_by_pointing(
    editor_in: Editor,
) -> None:
    page = editor_in.page
    page.locator(".tab-title").first.focus()
    while not page.evaluate("document.activeElement.matches('.react-flow__node, .canvas')"):
        page.keyboard.press("Tab")
    ringed = ":is(.canvas, .react-flow__node):focus-visible"
    expect(page.locator(ringed)).to_have_count(1)

    page.mouse.click(200, 200)

    expect(page.locator(ringed)).to_have_count(0)


def test_a_frame_is_dragged_by_its_title_and_renamed_by_a_click(editor_in: Editor) -> None:
    page = editor_in.page
    editor_in.node("edges").locator(".card-name").click()
    page.keyboard.press("Control+g")
    page.get_by_role("dialog").get_by_role("textbox").fill("Lines")
    page.keyboard.press("Enter")
    title = page.get_by_role("textbox", name="Title of the frame")
    title.wait_for()
    before, card = title.bounding_box(), editor_in.node("edges").bounding_box()
    assert before is not None
    assert card is not None
    x, y = before["x"] + 20, before["y"] + before["height"] / 2

    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 40, steps=6)
    page.mouse.up()

    after = editor_in.node("edges").bounding_box()
    assert after is not None
    assert after["y"] > card["y"] + 20
    expect(title).not_to_be_focused()
    title.click()
    expect(title).to_be_focused()

"""The graph under a finger: choose, move, look round, add, connect, and reach every menu."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Locator, expect

from scripts.browser.browsing import Tab, new_context
from scripts.browser.editing import Editor
from scripts.browser.serving import Server

Point = tuple[float, float]


class Finger:
    """Touches as the browser itself makes them of what a screen reports."""

    def __init__(self, session: CDPSession) -> None:
        self.session = session

    def drag(self, begin: Point, end: Point, *, hold: bool = True) -> None:
        """Put a finger down, move it, and take it up."""
        self._send("touchStart", begin)
        for step in range(1, 9):
            self._send("touchMove", _between(begin, end, step / 8))
        if hold:
            self._send("touchEnd")

    def pinch(self, middle: Point, begin: float, end: float) -> None:
        """Two fingers beside a point, from one distance to another."""
        x, y = middle
        self._send("touchStart", (x - begin, y), (x + begin, y))
        for step in range(1, 9):
            apart = begin + (end - begin) * step / 8
            self._send("touchMove", (x - apart, y), (x + apart, y))
        self._send("touchEnd")

    def press_long(self, editor: Editor, at: Point) -> None:
        self._send("touchStart", at)
        editor.page.wait_for_timeout(900)
        self._send("touchEnd")

    def _send(self, kind: str, *points: Point) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def _between(begin: Point, end: Point, share: float) -> Point:
    return begin[0] + (end[0] - begin[0]) * share, begin[1] + (end[1] - begin[1]) * share


def middle(what: Locator) -> Point:
    box = what.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture
def touched(server: Server, browser: Browser) -> Iterator[tuple[Editor, Finger]]:
    """The first workflow on a tablet."""
    context = new_context(browser, has_touch=True, viewport={"width": 1280, "height": 800})
    tab = Tab(context.new_page(), server.address)
    tab.page.goto(server.address)
    editor = Editor(tab.page)
    expect(editor.node("sample")).to_be_visible()
    yield editor, Finger(context.new_cdp_session(tab.page))
    context.close()
    assert tab.errors == []


def test_a_tap_chooses_a_node(touched: tuple[Editor, Finger]) -> None:
    editor, _ = touched

    editor.node("edges").locator(".card-name").tap()

    expect(editor.node("edges").locator(".card.selected")).to_be_visible()


def test_a_finger_moves_a_node_as_one_step(touched: tuple[Editor, Finger]) -> None:
    editor, finger = touched
    before = editor.document()["view"]["photo"]
    x, y = middle(editor.node("photo").locator(".card-name"))

    finger.drag((x, y), (x + 60, y + 120))

    after = editor.document()["view"]["photo"]
    assert after[1] > before[1] + 100
    assert editor.undo_all() == 1


def test_a_finger_moves_the_canvas_and_two_zoom_it(touched: tuple[Editor, Finger]) -> None:
    editor, finger = touched
    node = editor.node("edges")
    before = middle(node)

    finger.drag((200, 620), (260, 660))
    moved = middle(node)
    finger.pinch((200, 680), 30, 120)

    assert (round(moved[0] - before[0]), round(moved[1] - before[1])) == (60, 40)
    expect(editor.field("edges", "Low threshold")).to_be_visible()
    zoom = editor.page.locator(".react-flow__viewport").evaluate(
        "element => new DOMMatrix(getComputedStyle(element).transform).a"
    )
    assert zoom > 1


def test_two_taps_on_the_canvas_open_the_palette_and_a_tap_adds_a_node(
    touched: tuple[Editor, Finger],
) -> None:
    editor, _ = touched
    editor.open_new()

    for _tap in range(2):
        editor.page.touchscreen.tap(500, 400)
    editor.options().filter(has_text="Load image").first.tap()

    expect(editor.node("load_image")).to_be_visible()


def test_a_long_press_opens_the_menu_of_what_is_under_it(touched: tuple[Editor, Finger]) -> None:
    editor, finger = touched

    finger.press_long(editor, (200, 620))
    editor.page.get_by_role("menuitem", name="Add a node").tap()
    expect(editor.page.get_by_role("combobox", name="Find a node")).to_be_visible()
    editor.page.touchscreen.tap(700, 100)
    finger.press_long(editor, middle(editor.node("edges").locator(".card-name")))

    expect(editor.page.get_by_role("menuitem", name="Duplicate")).to_be_visible()


def test_a_finger_draws_a_wire(touched: tuple[Editor, Finger]) -> None:
    editor, finger = touched
    wires = editor.wires().count()

    finger.drag(
        middle(editor.port("photo", "out", "mask")), middle(editor.port("control", "in", "mask"))
    )

    expect(editor.wires()).to_have_count(wires + 1)


def test_two_taps_connect_without_drawing(touched: tuple[Editor, Finger]) -> None:
    editor, _ = touched
    wires = editor.wires().count()

    editor.node("control").get_by_role("button", name="Mask: what can be done with it").tap()
    editor.page.get_by_role("menuitem", name="Connect to …").tap()
    editor.options().filter(has_text="photo").first.tap()

    expect(editor.wires()).to_have_count(wires + 1)

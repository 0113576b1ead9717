"""The steps of a person in the editor, by the names and roles that the page gives its parts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Locator, Page, expect

LONG = 240_000
"""Milliseconds for a run on a busy machine, the import of PyTorch included."""


class Editor:
    """The editor in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    # What is drawn

    def open_new(self) -> None:
        """An empty workflow in a tab of its own."""
        self.page.get_by_role("button", name="New workflow").click()

    def node(self, name: str) -> Locator:
        return self.page.locator(f'.react-flow__node[data-id="{name}"]')

    def field(self, node: str, label: str) -> Locator:
        return self.node(node).get_by_label(label, exact=True)

    def port(self, node: str, side: str, name: str) -> Locator:
        return self.node(node).locator(f'[data-port="{side}:{name}"]')

    def nodes(self) -> set[str]:
        """The names of the nodes that are drawn."""
        drawn = self.page.locator(".react-flow__node-call")
        return {drawn.nth(at).get_attribute("data-id") or "" for at in range(drawn.count())}

    def wires(self) -> Locator:
        return self.page.locator(".react-flow__edge")

    # Drawing

    def add(self, title: str, x: float, y: float) -> None:
        """Add a node by a double click on the empty canvas, by its title."""
        self.page.mouse.dblclick(x, y)
        self.choose(title)

    def choose(self, title: str) -> None:
        """Find a node in the palette by typing, and take the first."""
        find = self.page.get_by_role("combobox", name="Find a node")
        expect(find).to_be_focused()
        find.fill(title)
        expect(self.options().first).to_contain_text(title)
        find.press("Enter")
        expect(find).to_have_count(0)

    def options(self) -> Locator:
        """What the palette offers."""
        return self.page.get_by_role("listbox", name="Nodes").get_by_role("option")

    def pull(self, node: str, side: str, port: str, x: float, y: float) -> None:
        """Draw a wire from a port to a point."""
        self._drag(self.port(node, side, port), x, y)

    def connect(self, source: tuple[str, str], target: tuple[str, str]) -> None:
        """Draw a wire from an output to an input."""
        end = _middle(self.port(target[0], "in", target[1]))
        self._drag(self.port(source[0], "out", source[1]), *end)

    def set(self, node: str, label: str, value: str) -> None:
        """Type a value into a field and leave it."""
        field = self.field(node, label)
        field.fill(value)
        field.press("Tab")

    def move(self, node: str, x: float, y: float) -> None:
        """Drag a node by its name, so that this is at a point."""
        self._drag(self.node(node).locator(".card-name"), x, y)

    def keep_result(self, address: str) -> None:
        self.page.get_by_role("button", name=f"Keep {address} as a result").click()

    def press(self, keys: str) -> None:
        """Press a key while nothing has the focus."""
        self.page.evaluate("document.activeElement?.blur?.()")
        self.page.keyboard.press(keys)

    def undo_all(self) -> int:
        """Take back every step; returns how many there were."""
        return self._press_until_disabled("Undo")

    def redo_all(self) -> int:
        return self._press_until_disabled("Redo")

    def document(self) -> Mapping[str, Any]:
        """The workflow, as it would be downloaded."""
        self.page.get_by_role("button", name="More", exact=True).click()
        with self.page.expect_download() as download:
            self.page.get_by_role("menuitem", name="Download as JSON").click()
        document: Mapping[str, Any] = json.loads(download.value.path().read_bytes())
        return document

    # Running

    def run(self) -> None:
        """Press Run and wait until it is done."""
        self.start()
        self.until("Done")

    def start(self) -> None:
        """Press Run and wait until it is queued."""
        with self.page.expect_response(lambda answer: answer.url.endswith("/v1/jobs")) as answer:
            self.page.get_by_role("button", name="Run", exact=True).click()
        answer.value.finished()  # its head alone does not say which job it is

    def until(self, state: str) -> None:
        """Wait until the run is in this state."""
        expect(self.page.locator(".status [role=status]")).to_have_text(state, timeout=LONG)

    def pictures(self, node: str) -> Locator:
        """The pictures that are shown at a node."""
        return self.node(node).get_by_role("list", name=f"Pictures of {node}").locator("img")

    def badge(self, node: str) -> Locator:
        return self.node(node).locator(".badge")

    # Around the canvas

    def side(self, name: str) -> Locator:
        """Show a panel at the right."""
        button = self.page.get_by_role("group", name="Panel", exact=True).get_by_role(
            "button", name=name
        )
        if button.get_attribute("aria-pressed") != "true":
            button.click()
        return self.page.get_by_role("region", name=name)

    def note(self) -> Locator:
        """What was said lately."""
        return self.page.locator(".notes .note")

    def drop(self, name: str, kind: str, data: bytes, x: float, y: float) -> None:
        """Drop a file at a point of the window, as from the desktop."""
        self.page.evaluate(
            """([name, type, bytes, x, y]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], name, { type }));
                const at = { clientX: x, clientY: y, dataTransfer: data };
                const all = { bubbles: true, cancelable: true, ...at };
                const under = document.elementFromPoint(x, y);
                for (const kind of ["dragenter", "dragover", "drop"]) {
                    under.dispatchEvent(new DragEvent(kind, all));
                }
            }""",
            [name, kind, list(data), x, y],
        )

    def _drag(self, element: Locator, x: float, y: float) -> None:
        mouse = self.page.mouse
        mouse.move(*_middle(element))
        mouse.down()
        mouse.move(x, y, steps=8)
        mouse.up()

    def _press_until_disabled(self, name: str) -> int:
        button = self.page.get_by_role("button", name=name, exact=True)
        steps = 0
        while button.is_enabled():
            button.click()
            steps += 1
            assert steps < 500, f"{name} never ends"
        return steps


def _middle(element: Locator) -> tuple[float, float]:
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    assert box is not None, "it is not on the page"
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

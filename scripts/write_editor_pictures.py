"""Write docs/pictures/editor/: the main views of the editor, from a real server with tiny models.

python scripts/write_editor_pictures.py [view …]
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, expect

from nodegraph.web.build import build
from scripts.browser.browsing import browsing, new_context
from scripts.browser.editing import LONG, Editor
from scripts.browser.serving import Server, serving

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "editor"


def graph(editor: Editor) -> None:
    """The first workflow, after its first run."""
    editor.run()
    expect(editor.pictures("sample")).to_have_count(4)
    editor.press("l")


def running(editor: Editor) -> None:
    """Half way through a run, with previews, whose colours are learned from an earlier one."""
    editor.run()
    editor.set("sample", "Seed", "5")
    editor.set("sample", "Steps", "60")
    editor.press("l")
    editor.start()
    expect(editor.page.get_by_alt_text("Preview of sample").first).to_be_visible(timeout=LONG)
    expect(editor.badge("sample")).to_have_text(re.compile(r"^(39|4\d)/60$"), timeout=LONG)


def problem(editor: Editor) -> None:
    """Two mistakes, marked where they are and listed below."""
    for node in ("net", "base"):
        editor.node(node).locator(".card-name").click()
        editor.press("Delete")
    button = editor.page.locator(".status").get_by_role("button")
    expect(button).to_have_text("2 problems")
    button.click()


def palette(editor: Editor) -> None:
    """What a wire that was dropped on the canvas can go on with."""
    editor.pull("edges", "out", "image", 560, 620)
    expect(editor.options().first).to_be_visible()


def form(editor: Editor) -> None:
    """The same workflow as a form, its results beside it."""
    editor.page.get_by_role("button", name="Form", exact=True).click()
    editor.page.locator("form.form").get_by_role("button", name="Run").click()
    results = editor.page.get_by_role("region", name="Results")
    expect(results.get_by_role("button", name="grid, full size")).to_be_visible(timeout=LONG)
    editor.page.locator("form.form").evaluate("form => form.scrollTo(0, 0)")


def gallery(editor: Editor) -> None:
    """The pictures that were made, one of them large."""
    for seed in ("2", "3", "4"):
        editor.set("sample", "Seed", seed)
        editor.run()
    expect(editor.side("Gallery").get_by_role("listitem").first).to_be_visible()
    editor.side("Gallery").get_by_role("button", name="grid").first.click()
    expect(editor.page.get_by_role("dialog").locator("img")).to_be_visible()


VIEWS: dict[str, tuple[Callable[[Editor], None], str]] = {
    "graph": (graph, "light"),
    "dark": (graph, "dark"),
    "running": (running, "light"),
    "problem": (problem, "light"),
    "palette": (palette, "dark"),
    "form": (form, "light"),
    "gallery": (gallery, "dark"),
}


def main() -> None:
    """Write those that are named, else all."""
    names = sys.argv[1:] or list(VIEWS)
    build()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder)) as server,
        browsing() as browser,
    ):
        for name in names:
            write(name, server, browser)


def write(name: str, server: Server, browser: Browser) -> None:
    """Bring the editor to a view and take its picture."""
    show, scheme = VIEWS[name]
    context = new_context(browser, color_scheme=scheme)
    page = context.new_page()
    page.goto(server.address)
    editor = Editor(page)
    expect(editor.node("sample")).to_be_visible()
    show(editor)
    page.mouse.move(700, 890)
    if show is not running:
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(1000)
    page.screenshot(path=FOLDER / f"{name}.png")
    context.close()


if __name__ == "__main__":
    main()

"""The kinds of events: those the server tells are described, and known to the editor."""

from __future__ import annotations

import re
from pathlib import Path

from nodegraph.web.reference import EVENTS

ROOT = Path(__file__).parent.parent.parent
KIND = r"\"((?:job|node|queue)\.[a-z]+)\""


def test_every_kind_that_is_told_is_described() -> None:
    told = {
        kind
        for folder in ("jobs", "worker")
        for file in (ROOT / "nodegraph" / folder).glob("*.py")
        for kind in re.findall(KIND, file.read_text())
    }

    assert told == set(EVENTS)


def test_the_editor_knows_every_kind_that_is_described() -> None:
    types = (ROOT / "editor" / "src" / "server" / "types.ts").read_text()
    known = re.search(r"interface EventData \{\n(.*?)\n\}", types, re.DOTALL)
    assert known is not None

    assert set(re.findall(rf"^  {KIND}:", known[1], re.MULTILINE)) == set(EVENTS)

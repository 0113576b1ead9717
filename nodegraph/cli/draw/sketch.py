"""A workflow reduced to boxes and lines, for `nodegraph show` to draw."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Port:
    """An output; ``result`` is the name under which the workflow gives it away, if it does."""

    name: str
    wire: str
    result: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} → {self.result}" if self.result else self.name


@dataclass(frozen=True, slots=True)
class Box:
    """One call: its name, kind and palette group, constants as shown, and the ports in use."""

    name: str
    kind: str
    group: str
    values: tuple[tuple[str, str], ...]
    inputs: tuple[str, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A link."""

    source: str
    output: str
    target: str
    input: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """Boxes in an order in which every box follows what it depends on."""

    title: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def short(value: object, width: int = 22) -> str:
    """Show a constant in a few characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= width:
        return text
    return f"{len(value)} items" if isinstance(value, list) else f"{text[: width - 1]}…"

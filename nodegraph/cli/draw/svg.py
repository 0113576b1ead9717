"""Draw a sketch of a workflow as one self-contained SVG, for light and dark pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from xml.sax.saxutils import escape

from .layout import Layout, Size, place
from .sketch import Box, Line, Sketch

_WIDTH, _HEAD, _ROW, _PAD, _MARGIN = 214.0, 44.0, 20.0, 9.0, 24.0
_COLOURS = ("#4c8dff", "#e0803a", "#3aa675", "#b56be0", "#d6527c", "#2fa4b8", "#b0922a", "#7b7f8c")

_STYLE = """
text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1d2433 }
.title { font-size: 17px; font-weight: 600 } .name { font-size: 14px; font-weight: 600 }
.kind { font-size: 11px } .right { text-anchor: end } text.soft { fill: #667085 }
.value { font: 11px ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace }
.paper { fill: #f6f7f9 } .card { fill: #ffffff; stroke: #d9dde3 }
.socket { fill: #ffffff; stroke: #98a2b3; stroke-width: 1.5 }
.link { fill: none; stroke-width: 2; opacity: .85 }
@media (prefers-color-scheme: dark) {
  text { fill: #e8ebf0 } text.soft { fill: #98a2b3 } .paper { fill: #14171d }
  .card { fill: #1f242d; stroke: #363d49 } .socket { fill: #1f242d; stroke: #667085 }
}
"""


def svg(sketch: Sketch) -> str:
    """The whole drawing: boxes in columns, links from outputs (right) to inputs (left)."""
    boxes = {box.name: box for box in sketch.boxes}
    sizes = {name: Size(_WIDTH, _height(box)) for name, box in boxes.items()}
    layout = place(sizes, [(line.source, line.target) for line in sketch.lines])
    top = _MARGIN + (34 if sketch.title else 0)
    width, height = layout.width + 2 * _MARGIN, layout.height + top + _MARGIN
    wires = _palette(port.wire for box in sketch.boxes for port in box.outputs)
    groups = _palette(box.group for box in sketch.boxes)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        f"<title>{escape(sketch.title or 'workflow')}</title><style>{_STYLE}</style>",
        '<rect width="100%" height="100%" rx="12" class="paper"/>',
    ]
    if sketch.title:
        parts.append(f'<text class="title" x="{_MARGIN:.0f}" y="38">{escape(sketch.title)}</text>')
    parts.append(f'<g transform="translate({_MARGIN:.0f} {top:.0f})">')
    parts += [_link(line, boxes, layout, wires) for line in sketch.lines]
    for name, box in boxes.items():
        parts += _card(box, layout.corners[name], groups[box.group], wires)
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _palette(names: Iterable[str]) -> Mapping[str, str]:
    return {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(dict.fromkeys(names))}


def _rows(box: Box) -> int:
    return max(len(box.inputs), len(box.outputs))


def _height(box: Box) -> float:
    return _HEAD + _ROW * (_rows(box) + len(box.values)) + _PAD


def _port_y(corner: tuple[float, float], index: int) -> float:
    return corner[1] + _HEAD + _ROW * index + _ROW / 2


def _link(line: Line, boxes: Mapping[str, Box], layout: Layout, wires: Mapping[str, str]) -> str:
    source, target = boxes[line.source], boxes[line.target]
    outputs = [port.name for port in source.outputs]
    start, end = layout.corners[line.source], layout.corners[line.target]
    colour = wires[source.outputs[outputs.index(line.output)].wire]
    points = [
        (start[0] + _WIDTH, _port_y(start, outputs.index(line.output))),
        *layout.bends.get((line.source, line.target), ()),
        (end[0], _port_y(end, target.inputs.index(line.input))),
    ]
    path = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for (x0, y0), (x1, y1) in pairwise(points):
        pull = (x1 - x0) / 2
        path.append(f"C{x0 + pull:.1f} {y0:.1f} {x1 - pull:.1f} {y1:.1f} {x1:.1f} {y1:.1f}")
    return f'<path class="link" stroke="{colour}" d="{"".join(path)}"/>'


def _card(
    box: Box, corner: tuple[float, float], colour: str, wires: Mapping[str, str]
) -> Iterator[str]:
    x, y = corner
    size = f'width="{_WIDTH:.0f}" height="{_height(box):.0f}"'
    yield f'<rect class="card" x="{x:.1f}" y="{y:.1f}" {size} rx="9"/>'
    yield f'<rect x="{x + 1:.1f}" y="{y + 10:.1f}" width="3" height="24" rx="1.5" fill="{colour}"/>'
    yield _text(x + 12, y + 19, box.name, "name")
    yield _text(x + 12, y + 34, box.kind, "kind", f' style="fill:{colour}"')
    for index, name in enumerate(box.inputs):
        at = _port_y(corner, index)
        yield f'<circle class="socket" cx="{x:.1f}" cy="{at:.1f}" r="4"/>'
        yield _text(x + 12, at + 4, name)
    for index, port in enumerate(box.outputs):
        at = _port_y(corner, index)
        yield f'<circle cx="{x + _WIDTH:.1f}" cy="{at:.1f}" r="4.5" fill="{wires[port.wire]}"/>'
        yield _text(x + _WIDTH - 12, at + 4, port.label, "right")
    for index, (name, value) in enumerate(box.values, start=_rows(box)):
        at = _port_y(corner, index) + 4
        yield _text(x + 12, at, name, "soft")
        yield _text(x + _WIDTH - 12, at, value, "value right")


def _text(x: float, y: float, text: str, style: str = "", more: str = "") -> str:
    named = f' class="{style}"' if style else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}"{more}>{escape(text)}</text>'

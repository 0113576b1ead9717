"""A sketch as text: a tree from the results down to what they are made of, and Mermaid."""

from __future__ import annotations

from collections.abc import Iterator

from .sketch import Box, Line, Sketch


def tree(sketch: Sketch) -> str:
    """The results on top, and below a box those it depends on; a box met again is marked (*)."""
    boxes = {box.name: box for box in sketch.boxes}
    links: dict[str, list[Line]] = {name: [] for name in boxes}
    for line in sketch.lines:
        links[line.target].append(line)
    used = {line.source for line in sketch.lines}
    drawn: set[str] = set()
    lines = [sketch.title] if sketch.title else []
    # A stack of (how the link reads, box, indentation of its own line, indentation below it).
    waiting = [("", name, "", "") for name in reversed(boxes) if name not in used]
    waiting.reverse()
    while waiting:
        link, name, lead, below = waiting.pop()
        again = name in drawn and bool(links[name])
        lines.append(f"{lead}{link or name}: {_heading(boxes[name], again)}")
        if name in drawn:
            continue
        drawn.add(name)
        children = links[name]
        for index, line in reversed(list(enumerate(children))):
            last = index == len(children) - 1
            waiting.append((
                f"{line.input} ← {line.source}.{line.output}",
                line.source,
                below + ("└─ " if last else "├─ "),
                below + ("   " if last else "│  "),
            ))  # fmt: skip
    return "\n".join(lines) + "\n"


def _heading(box: Box, again: bool) -> str:
    if again:
        return f"{box.kind} (*)"
    results = "".join(f"  ⇒ {port.result}" for port in box.outputs if port.result)
    values = "".join(f"  {name}={value}" for name, value in box.values)
    return f"{box.kind}{values}{results}"


def mermaid(sketch: Sketch) -> str:
    """A flowchart for anything that renders Mermaid: GitHub, GitLab, many editors."""
    return "\n".join(_mermaid(sketch)) + "\n"


def _mermaid(sketch: Sketch) -> Iterator[str]:
    if sketch.title:
        yield f"---\ntitle: {_quoted(sketch.title)}\n---"
    yield "flowchart LR"
    for box in sketch.boxes:
        rows = [f"<b>{_escaped(box.name)}</b>", f"<i>{_escaped(box.kind)}</i>"]
        rows += [_escaped(f"{name}: {value}") for name, value in box.values]
        yield f'  n_{box.name}["{"<br>".join(rows)}"]'
    for line in sketch.lines:
        label = line.output if line.output == line.input else f"{line.output} → {line.input}"
        yield f'  n_{line.source} -- "{label}" --> n_{line.target}'
    for box in sketch.boxes:
        for port in box.outputs:
            if port.result:
                yield f'  n_{box.name} -- "{port.name}" --> r_{port.result}(["{port.result}"])'


def _escaped(text: str) -> str:
    """Mermaid reads HTML entities written with # instead of &."""
    return "".join(c if c.isalnum() or c in " _.,:;=/-+()[]" else f"#{ord(c)};" for c in text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

"""`nodegraph show`: a workflow as a text tree, as Mermaid, or as a drawing."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...base.files import write_whole
from ...base.order import find_circles, topological_order
from ...errors import Problem, UserError, WorkflowError
from ...graph.bundle import bundle
from ...graph.registry import Kind
from ...graph.schema import group_of
from ...graph.workflow import Call, Workflow, split
from .. import kinds
from ..exits import warn, writing
from ..find import find_workflow, keep_from_loss
from ..output import echo, is_unicode
from .sketch import Box, Line, Port, Sketch, short
from .tree import mermaid, tree

FORMATS = ("text", "mermaid", "svg")
_SUFFIXES = {
    ".svg": "svg",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".md": "mermaid",
    ".txt": "text",
}


def show_file(file: str, format: str | None, output: Path | None, folders: Sequence[Path]) -> None:
    """Print the graph, or write it to ``output``."""
    chosen = format or _format_of(output)
    if chosen not in FORMATS:
        raise UserError(f"--format {chosen!r}: it should be one of {', '.join(FORMATS)}")
    source, registry = find_workflow(file), kinds.load_kinds(folders)
    whole = bundle(source.workflow, registry, source.source, (Path.cwd(),))
    registry = registry.with_templates_of(whole)
    text = drawn(sketch(source.workflow, registry), chosen)
    for name, words in source.shortages.items():
        warn(f"{name}: memory was short, so it was made by {', '.join(words)}")
    if output is None:
        if chosen == "svg" and not is_unicode(sys.stdout):  # a file that says nothing else is UTF-8
            text = text.encode("ascii", "xmlcharrefreplace").decode()
        echo(text, newline=False)
        return
    fenced = (
        f"```mermaid\n{text}```\n"
        if output.suffix.lower() == ".md" and chosen == "mermaid"
        else text
    )
    with writing(output):
        keep_from_loss(output, ("another file",))  # an earlier drawing, say
        write_whole(output, fenced)
    echo(output)


def _format_of(output: Path | None) -> str:
    suffix = output.suffix.lower() if output else ""
    if suffix not in {"", *_SUFFIXES}:
        ends = ", ".join(_SUFFIXES)
        raise UserError(f"{str(output)!r}: no graph is drawn as {suffix}; use {ends}, or --format")
    return _SUFFIXES.get(suffix, "text")


def drawn(graph: Sketch, format: str) -> str:
    """The graph in one of FORMATS."""
    if format == "svg":
        from .svg import svg

        return svg(graph)
    return mermaid(graph) if format == "mermaid" else tree(graph)


def sketch(workflow: Workflow, registry: Mapping[str, Kind]) -> Sketch:
    """Reduce a workflow to what is drawn. Kinds that are not known are drawn by what links to them.

    Raises:
        WorkflowError: it cannot be drawn, because it goes in a circle or links to nothing.
    """
    lines = tuple(
        Line(*split(address), name, field)
        for name, call in workflow.nodes.items()
        for field, link in call.links.items()
        for address in ([link] if isinstance(link, str) else link)
    )
    order = _order(workflow, lines)
    sketcher = _Sketcher(workflow, registry, lines)
    return Sketch(workflow.title, tuple(sketcher.box(name) for name in order), lines)


def _order(workflow: Workflow, lines: Sequence[Line]) -> list[str]:
    loose = [line for line in lines if line.source not in workflow.nodes]
    if loose:
        raise WorkflowError(
            [
                Problem(f"{line.target}.{line.input}", f"no {line.source!r} in the workflow")
                for line in loose
            ]
        )
    names = [*workflow.nodes]
    places = {name: place for place, name in enumerate(names)}
    before: list[list[int]] = [[] for _ in names]
    for line in lines:
        before[places[line.target]].append(places[line.source])
    order = topological_order(before)
    if len(order) < len(names):
        circle = [names[place] for place in find_circles(before)[0]]
        message = f"depends on itself: {' -> '.join([*circle, circle[0]])}"
        raise WorkflowError([Problem(circle[0], message)])
    return [names[place] for place in order]


@dataclass(frozen=True, slots=True)
class _Sketcher:
    workflow: Workflow
    registry: Mapping[str, Kind]
    lines: Sequence[Line]

    def box(self, name: str) -> Box:
        call = self.workflow.nodes[name]
        kind = self.registry.get(call.type)
        return Box(
            name=name,
            kind=call.type,
            group=group_of(kind) if kind else "unknown",
            values=tuple(
                (field, short(value, max(25 - len(field), 8)))
                for field, value in call.values.items()
            ),
            inputs=tuple(call.links),
            outputs=self._outputs(name, call),
        )

    def _outputs(self, name: str, call: Call) -> tuple[Port, ...]:
        """The outputs in use, in the kind's order."""
        kind = self.registry.get(call.type)
        wires = (
            {port.name: port.type for port in kinds.outputs_of(kind, self.registry)} if kind else {}
        )
        results = {split(address): result for result, address in self.workflow.results.items()}
        used = {line.output for line in self.lines if line.source == name}
        used |= {output for node, output in results if node == name}
        names = [*(o for o in wires if o in used), *sorted(used - set(wires))]
        return tuple(Port(o, wires.get(o, "unknown"), results.get((name, o), "")) for o in names)

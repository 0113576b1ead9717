"""Composites and templates expanded: what is left is one flat graph of nodes that run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from ..base.budget import Budget
from ..errors import (
    Fix,
    NodeGraphError,
    Problem,
    Severity,
    Suggestions,
    UserError,
    brief,
    did_you_mean,
    way_of,
)
from ..node import Address, Composite, Node
from .drawing import Drawing, addresses
from .ports import convert, output_of, ports
from .registry import Kind, Registry, Template
from .workflow import Call, Workflow

LIMIT = 20_000
"""Calls that one composite or template may expand to: those that hold others twice double."""

_TYPE = 10
"""Letters that a type which a call lies in counts for."""

AnyLink: TypeAlias = str | list[str]


class Origin(NamedTuple):
    """The author's own call that an inner call comes from.

    Attributes:
        name: The call in the workflow.
        inputs: The address of each inner input that one of the outer inputs sets.
    """

    name: str
    inputs: Mapping[str, str]


@dataclass(slots=True)
class Flat:
    """A workflow whose every call is a node.

    Attributes:
        calls: By name, ``sample/denoise`` for those inside; links hold such names too.
        aliases: The address of each composite's output, and the address it stands for.
        expanded: The composites and templates that were expanded, with the names of their outputs.
        broken: Calls that cannot be planned; why is in ``problems``.
        suggestions: What of names that do not exist is told, all mistakes together.
    """

    calls: dict[str, Call] = field(default_factory=dict)
    kinds: dict[str, type[Node]] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    expanded: dict[str, tuple[str, ...]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    suggestions: Suggestions = field(default_factory=Suggestions)
    _outer: dict[str, str] | None = None

    def problem(
        self,
        name: str,
        input: str,
        message: str,
        severity: Severity = "error",
        fix: Fix | None = None,
    ) -> Problem:
        """A mistake at an input (or at a whole call), at the address where the author can act."""
        origin = self.origins.get(name)
        whole, bracket, entry = input.partition("[")
        outer = origin.inputs.get(whole) if origin else None
        address = f"{outer or f'{name}.{whole}'}{bracket}{entry}" if input else name
        return Problem(address, message, severity, fix and self._outer_fix(origin, fix, address))

    def _outer_fix(self, origin: Origin | None, fix: Fix, address: str) -> Fix | None:
        """The same change at the author's own call; None where that has no such inputs."""
        if origin is None:
            return fix
        outer = {origin.inputs.get(input, ""): value for input, value in fix.inputs.items()}
        prefix = f"{origin.name}."
        if not all(place.startswith(prefix) for place in (*outer, address)):
            return None
        return Fix(fix.label, {place.removeprefix(prefix): v for place, v in outer.items()})

    def outer_address(self, address: str) -> str:
        """The address as the author knows it: ``sample.image`` for ``sample/decode.image``."""
        if "/" not in address:
            return address
        if self._outer is None:  # it is asked for only when all have been expanded
            outer = [(inner, alias) for alias, inner in self.aliases.items() if "/" not in alias]
            self._outer = dict(reversed(outer))
        return self._outer.get(address, address)


class _Body(NamedTuple):
    """The inside of a composite or template; a link ``.prompt`` is its own input of that name."""

    calls: Mapping[str, Call]
    kinds: Mapping[str, Kind]
    inputs: Mapping[str, None]
    outputs: Mapping[str, str]


class _Frame(NamedTuple):
    """A call on its way to being expanded; ``path`` holds the types it lies in, outermost first."""

    name: str
    call: Call
    kinds: Mapping[str, Kind]
    path: tuple[str, ...] = ()


def expand(workflow: Workflow, registry: Registry, budget: Budget | None = None) -> Flat:
    """Replace every composite and template by the calls inside it, in the author's order.

    Raises:
        WorkflowError: that would be more than the budget allows.
    """
    budget = budget or Budget()
    # A body is drawn once a kind and bound once a call. By id, as templates
    # cannot be hashed; the registry keeps all kinds alive meanwhile.
    flat, bodies = Flat(), dict[int, _Body | str]()
    registry = registry.with_templates_of(workflow)
    for name in workflow.templates:
        if isinstance(kind := registry.get(name), type):
            message = f"the name is taken by {kind.__module__}.{kind.__qualname__}"
            flat.problems.append(Problem(f"templates[{name}]", message))
    for name, call in workflow.nodes.items():
        kind = registry.nodes.get(call.type)
        if kind is not None:
            _count(name, call, budget, name)
            flat.calls[name] = upgrade_call(call, kind) if kind.renamed else call
            flat.kinds[name] = kind
        else:
            _expand_one(_Frame(name, call, registry), flat, bodies, budget)
    return flat


def upgrade_call(call: Call, kind: type[Node] | type[Composite]) -> Call:
    """Give the inputs of a call that were renamed since their new names."""
    names = call.values.keys() | call.links.keys()
    new = {a: b for a, b in kind.renamed.items() if a in names and b not in names}
    if not new:
        return call
    values = {new.get(name, name): value for name, value in call.values.items()}
    links = {new.get(name, name): link for name, link in call.links.items()}
    return call.model_copy(update={"values": values, "links": links})


def is_file(type: str) -> bool:
    """Whether a call's type names a template's file, not a kind."""
    return type.startswith(("./", "../", "/")) or type.lower().endswith(".json")


def unknown_type_message(type: str, kinds: Mapping[str, Kind], suggestions: Suggestions) -> str:
    """The sentence that there is no kind called ``type``, with the nearest."""
    if is_file(type):
        return (
            f"{brief(type)} is a file, but this workflow is in none that it could lie beside (it"
            " came in a picture, or from elsewhere); put its content under templates"
        )
    # Not the class's address: modules move, and a workflow is to be read for years.
    if "." in type and (name := type.rpartition(".")[2]) in kinds:
        return f"types are written without their module: {name!r}"
    aliases = kinds.aliases if isinstance(kinds, Registry) and "/" in type else kinds
    return suggestions(type, aliases)


def _expand_one(first: _Frame, flat: Flat, bodies: dict[int, _Body | str], budget: Budget) -> None:
    # A stack instead of recursion: templates may lie in one another deeper than Python's stack.
    todo, count = [first], 0
    while todo:
        frame = todo.pop()
        _count(frame.name, frame.call, budget, first.name)
        # The types that it lies in are listed once more.
        budget.letters(_TYPE * len(frame.path), first.name)
        kind = frame.kinds.get(frame.call.type)
        count += 1
        if kind is None:
            message = unknown_type_message(frame.call.type, frame.kinds, flat.suggestions)
        elif isinstance(kind, type) and issubclass(kind, Node):
            flat.calls[frame.name], flat.kinds[frame.name] = upgrade_call(frame.call, kind), kind
            continue
        # A kind inside itself would never end; the limit stops those that double at every level.
        elif frame.call.type in frame.path:
            message = f"contains itself: {way_of([*frame.path, frame.call.type])}"
        elif count > LIMIT:
            message = f"expands to more than {LIMIT:,} calls"
            todo.clear()
        else:
            body = bodies.get(id(kind))
            if body is None:
                body = bodies[id(kind)] = _read_body(kind, frame.kinds)
            if isinstance(body, _Body):
                budget.entries(len(body.outputs), first.name)
                # Reversed, so that the first is on top: calls come out in the author's order.
                todo += reversed(list(_expand_call(frame, kind, body, flat, budget)))
                continue
            message = body
        flat.problems.append(flat.problem(frame.name, "", message))
        flat.broken.add(frame.name)


def _count(name: str, call: Call, budget: Budget, address: str) -> None:
    """Count a call that has been written out, before anything else is made of it."""
    budget.calls(1, address)
    budget.letters(len(name), address)
    arrays = sum(len(link) for link in call.links.values() if isinstance(link, list))
    budget.entries(len(call.values) + len(call.links) + arrays, address)


def _read_body(kind: type[Composite] | Template, kinds: Mapping[str, Kind]) -> _Body | str:
    """The inside of a kind, or why it has none."""
    try:
        return _drawn(kind, kinds)
    except NodeGraphError as error:
        return f"cannot be drawn: {error}"
    except Exception as error:  # a composite is somebody's code
        return f"cannot be drawn: {type(error).__name__}: {error}"


def _drawn(kind: type[Composite] | Template, kinds: Mapping[str, Kind]) -> _Body:
    if isinstance(kind, Template):
        workflow, calls = kind.workflow, dict(kind.workflow.nodes)
        # Copied once a node, however many of its inputs are params.
        bound: dict[str, dict[str, Any]] = {}
        for param, definition in workflow.params.items():
            for node, input in definition.targets:
                if node not in calls:
                    raise UserError(f"params.{param}: {did_you_mean(node, calls)}")
                links = bound.get(node)
                if links is None:
                    links = bound[node] = dict(calls[node].links)
                if input in links:
                    raise UserError(f"param {param} stands for {node}.{input}, which is linked")
                # The value stays beside the link: it counts where the outer call gives nothing.
                links[input] = f".{param}"
        for node, links in bound.items():
            calls[node] = calls[node].model_copy(update={"links": links})
        return _Body(calls, kinds, dict.fromkeys(workflow.params), workflow.results)
    # Addresses stand in for its inputs: wherever ``draw`` puts one, the inner call gets a link
    # ``.input``, which each use replaces by what it is itself given.
    drawing = Drawing()
    stand_ins = {name: Address(f".{name}") for name in kind.model_fields}
    drawn = kind.model_construct(None, **stand_ins).draw(drawing)  # type: ignore[attr-defined]
    outputs = addresses(drawn, output_of(kind))
    if wrong := [name for name, address in outputs.items() if not isinstance(address, Address)]:
        raise TypeError(f"draw returned no output of a call for {', '.join(wrong)}")
    return _Body(
        drawing.calls,
        drawing.kinds,
        dict.fromkeys(kind.model_fields),
        {n: str(a) for n, a in outputs.items()},
    )


def _expand_call(
    frame: _Frame,
    kind: type[Composite] | Template,
    body: _Body,
    flat: Flat,
    budget: Budget,
) -> Iterator[_Frame]:
    """Yield the calls inside ``frame``, linked to what it is linked to."""
    call = frame.call if isinstance(kind, Template) else upgrade_call(frame.call, kind)
    flat.problems += [
        flat.problem(frame.name, *mistake)
        for mistake in _find_mistakes(call, kind, body, flat.suggestions)
    ]
    flat.expanded[frame.name] = tuple(body.outputs)
    values = call.values if isinstance(kind, Template) else {**_defaults(kind, call), **call.values}
    outer = flat.origins.get(frame.name)
    # No call is left that has these outputs: links to them are led on through ``aliases``, to an
    # inner call's output or, where an input is handed through, to what the outer call is linked to.
    for output, address in body.outputs.items():
        if address.startswith("."):
            target = call.links.get(address[1:])
            if not isinstance(target, str):
                message = f"is given on as {output!r}, so it needs one link"
                flat.problems.append(flat.problem(frame.name, address[1:], message))
                flat.broken.add(frame.name)
                continue
            flat.aliases[f"{frame.name}.{output}"] = target
        else:
            flat.aliases[f"{frame.name}.{output}"] = f"{frame.name}/{address}"
    for name, inner in body.calls.items():
        inside = f"{frame.name}/{name}"
        bound = {
            i: link[1:]
            for i, link in inner.links.items()
            if isinstance(link, str) and link[0] == "."
        }
        # A mistake inside is told at the input of the outermost call that caused it, the only one
        # that its author sees: so origins are handed on from level to level.
        flat.origins[inside] = Origin(
            outer.name if outer else frame.name,
            {
                input: outer.inputs[own] if outer else f"{frame.name}.{own}"
                for input, own in bound.items()
                if (outer is None or own in outer.inputs)
                # Without a value from outside, what the template itself stores is its own mistake.
                and (own in values or own in call.links or input not in inner.values)
            },
        )
        for own in {
            entry[1:] for link in inner.links.values() if isinstance(link, list) for entry in link
        }:
            if values.get(own):
                flat.problems.append(flat.problem(frame.name, own, "takes only links, not values"))
        new = _bind_call(inner, values, call.links, frame.name, budget)
        yield _Frame(inside, new, body.kinds, (*frame.path, frame.call.type))


def _find_mistakes(
    call: Call, kind: type[Composite] | Template, body: _Body, suggestions: Suggestions
) -> Iterator[tuple[str, str]]:
    for name in {**call.values, **call.links}:
        if name not in body.inputs:
            yield name, suggestions(name, body.inputs)
        elif name in call.values and name in call.links:
            yield name, "has both a value and a link"
    if not isinstance(kind, Template):
        yield from convert(kind, {n: v for n, v in call.values.items() if n in body.inputs})[2]
        for name in body.inputs:
            if name in ports(kind).required and name not in call.values and name not in call.links:
                yield name, "needs a value or a link"


def _defaults(kind: type[Composite], call: Call) -> Mapping[str, Any]:
    declared = ports(kind)
    defaults = {**declared.defaults, **{name: make() for name, make in declared.factories.items()}}
    return {name: value for name, value in defaults.items() if name not in call.links}


def _bind_call(
    inner: Call,
    values: Mapping[str, Any],
    links: Mapping[str, AnyLink],
    prefix: str,
    budget: Budget,
) -> Call:
    """Copy an inner call with the outer call's values and links in place of ``.input``."""
    new_values, new_links = dict(inner.values), dict[str, AnyLink]()
    for input, link in inner.links.items():
        if isinstance(link, list):
            # Counted one by one: arrays that hold an outer array twice double at every level.
            entries: list[str] = []
            for entry in link:
                bound = _bind_entry(entry, links, prefix)
                budget.entries(len(bound), prefix.partition("/")[0])
                entries += bound
            new_links[input] = entries
        elif not link.startswith("."):
            new_links[input] = f"{prefix}/{link}"
        # Its own input: a link outside wins, then a value outside, then what is stored inside.
        elif (own := link[1:]) in links:
            new_links[input] = links[own]
            new_values.pop(input, None)
        elif own in values:
            new_values[input] = values[own]
    return Call.model_construct(None, type=inner.type, values=new_values, links=new_links)


def _bind_entry(link: str, links: Mapping[str, AnyLink], prefix: str) -> list[str]:
    """One entry of an array of links; an outer input that has no link adds nothing to it."""
    if not link.startswith("."):
        return [f"{prefix}/{link}"]
    outer = links.get(link[1:], [])
    return [outer] if isinstance(outer, str) else outer

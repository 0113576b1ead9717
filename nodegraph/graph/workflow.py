"""The workflow document: which nodes, their constant values, and the links between them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    FailFast,
    JsonValue,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails, to_jsonable_python

from ..base import strict_json
from ..base.files import write_whole
from ..base.gc_pause import pause_gc
from ..base.keys import canonical, digest
from ..errors import Problem, Suggestions, WorkflowError, brief
from .foreign import name_bytes, name_document, name_text
from .migrations import migrate

LARGEST = 64 * 2**20
"""Bytes of a file; what claims to be a workflow and is larger is an attack or damage."""
_MODEL = ConfigDict(extra="forbid", frozen=True)

LONGEST_NAME = 200
"""Letters of a name: in a graph of thousands, each is part of many others."""
LONGEST_TYPE = 1000
"""Letters of a type, which may be a template's path."""
MOST_PROBLEMS = 1000
"""Mistakes in its form that are told of one document."""
_SLICE = 2000
"""Nodes and inputs that are read at once: meanwhile no other thread runs."""
_NOTHING: dict[str, Any] = {}

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=LONGEST_NAME)]
Address = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", max_length=2 * LONGEST_NAME + 1
    ),
]
_Type = Annotated[str, StringConstraints(max_length=LONGEST_TYPE)]


class _FirstOnly(FailFast):
    """Reads a list up to its first mistake; it can be part of a union, which FailFast cannot."""

    __hash__ = object.__hash__


_Addresses = Annotated[list[Address], _FirstOnly()]


class Call(BaseModel):
    """One entry of a workflow: a node's type, its constants, and the outputs it is linked to."""

    model_config = _MODEL

    type: _Type
    values: dict[Name, JsonValue] = {}
    links: dict[Name, Address | _Addresses] = {}


class Param(BaseModel):
    """One of a workflow's own inputs: it sets the values at ``to``; these are its default."""

    model_config = _MODEL

    to: Address | _Addresses
    label: str = ""
    help: str = ""

    @property
    def targets(self) -> list[tuple[str, str]]:
        """Every (node, input) it sets."""
        return [split(address) for address in ([self.to] if isinstance(self.to, str) else self.to)]

    @property
    def first(self) -> tuple[str, str]:
        """The first that it sets; empty where it sets none."""
        address = self.to if isinstance(self.to, str) else next(iter(self.to), "")
        return split(address)


class ModelLock(BaseModel):
    """A model as a workflow was made with it: its revision, its hash and those of its files."""

    model_config = _MODEL

    revision: str = ""
    sha256: str = ""
    files: dict[str, str] = {}


class Workflow(BaseModel):
    """A whole workflow, as data: nothing in it has been checked against the nodes there are."""

    model_config = _MODEL

    format: Literal[1] = 1
    title: str = ""
    nodes: dict[Name, Call] = {}
    params: dict[Name, Param] = {}
    results: dict[Name, Address] = {}
    models: dict[str, ModelLock] = {}
    templates: dict[_Type, Workflow] = {}
    """Workflows that calls of this one name as their type: with them it needs no other file."""
    view: dict[str, JsonValue] = {}

    @classmethod
    @pause_gc()
    def load(cls, source: Path | str | bytes) -> Workflow:
        """Read a workflow from a file (a Path) or from its JSON text, old formats included.

        Raises:
            WorkflowError: it is no workflow; all that is wrong with its form is said at once.
        """
        name = source.name if isinstance(source, Path) else "workflow"
        return cls.read(_parse(_text(source, name), name), name)

    @classmethod
    @pause_gc()
    def read(cls, document: Any, name: str = "workflow") -> Workflow:
        """Read a workflow from what its JSON text says, old formats included.

        Raises:
            WorkflowError: it is no workflow; all that is wrong with its form is said at once.
        """
        if not isinstance(document, dict):
            raise WorkflowError(
                [Problem(name, f"{brief(document)} should be an object with nodes")]
            )
        if "format" not in document and (foreign := name_document(document)) is not None:
            raise _foreign(name, foreign)
        problems: dict[str, Problem] = {}
        workflow = cls._read(migrate(document), problems)
        if workflow is None or problems:
            raise WorkflowError([*problems.values()])
        return workflow

    @classmethod
    def _read(
        cls, document: dict[str, Any], problems: dict[str, Problem], prefix: str = ""
    ) -> Workflow | None:
        """Read a workflow part by part: while one is read, no other thread runs."""
        nodes, inside = document.get("nodes"), document.get("templates")
        if not isinstance(nodes, dict) or (inside and not isinstance(inside, dict)):
            return cls._validate(document, problems, prefix)
        rest = {**document, "nodes": {}}
        if inside:
            rest["templates"] = dict.fromkeys(inside, _NOTHING)
        workflow = cls._validate(rest, problems, prefix)
        calls: dict[str, Call] = {}
        for some in _slices(nodes):
            part = cls._validate({"nodes": some}, problems, prefix)
            calls.update(part.nodes if part else {})
        templates: dict[str, Workflow] = {}
        for some in _slices(inside or {}):
            [[name, first], *others] = some.items()
            if others or not isinstance(first, dict) or _weight(first) < _SLICE:
                part = cls._validate({"templates": some}, problems, prefix)
                templates.update(part.templates if part else {})
            elif (one := cls._read(first, problems, f"{prefix}templates[{name}].")) is not None:
                templates[name] = one
        parts: dict[str, Any] = {"nodes": calls, **({"templates": templates} if inside else {})}
        return workflow.model_copy(update=parts) if workflow else None

    @classmethod
    def _validate(cls, document: Any, problems: dict[str, Problem], prefix: str) -> Workflow | None:
        """Make it of JSON values; else add what is wrong, by address."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            _add_problems(error, problems, prefix)
            return None

    def to_json(self) -> str:
        """Write the canonical text: the author's order, without defaults, one last newline."""
        return json.dumps(self.document(), indent=2, ensure_ascii=False) + "\n"

    @pause_gc()
    def document(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"format": self.format, **self.model_dump(mode="json", exclude_defaults=True)}

    def save(self, path: Path) -> None:
        """Write the document to ``path``, which holds either the old text or the whole new one."""
        write_whole(path, self.to_json())

    def fill(self, params: Mapping[str, object] | None = None, /, **more: object) -> Workflow:
        """Copy the workflow with each named param's value written to the inputs it stands for.

        Raises:
            WorkflowError: a param does not exist, stands for an input that cannot be set, or gives
                an input another value than a param before it.
        """
        suggestions, problems = Suggestions(), list[Problem]()
        # Copied once a node, however many of its inputs are set.
        filled: dict[str, dict[str, JsonValue]] = {}
        setters: dict[tuple[str, str], tuple[str, JsonValue]] = {}
        for name, value in {**(params or {}), **more}.items():
            if name not in self.params:
                problems.append(Problem(f"params.{name}", suggestions(name, self.params)))
                continue
            plain = to_jsonable_python(value)
            for node, field in self.params[name].targets:
                call = self.nodes.get(node)
                if call is None:
                    problems.append(Problem(f"params.{name}", suggestions(node, self.nodes)))
                elif field in call.links:
                    problems.append(
                        Problem(
                            f"params.{name}", f"{node}.{field} is linked, so it has no value to set"
                        )
                    )
                elif (first := setters.setdefault((node, field), (name, plain)))[1] != plain:
                    message = f"sets {node}.{field}, which params.{first[0]} sets to another value"
                    problems.append(Problem(f"params.{name}", message))
                else:
                    if node not in filled:
                        filled[node] = dict(call.values)
                    filled[node][field] = plain
        if problems:
            raise WorkflowError(problems)
        calls = {
            name: call.model_copy(update={"values": filled[name]}) if name in filled else call
            for name, call in self.nodes.items()
        }
        return self.model_copy(update={"nodes": calls})

    @property
    def identity(self) -> str:
        """A hash of what the workflow does, without its title and where its nodes are drawn."""
        drawn: dict[str, Any] = {"view": True, "title": True}
        exclude: dict[str, Any] = {**drawn, "templates": {"__all__": drawn}}
        document = self.model_dump(mode="json", exclude=exclude, exclude_defaults=True)
        return digest(canonical(document)).hex()


def split(address: str) -> tuple[str, str]:
    """Take ``node.output`` apart."""
    node, _, port = address.rpartition(".")
    return node, port


def _text(source: Path | str | bytes, name: str) -> str:
    try:
        raw = _read(source, name) if isinstance(source, Path) else source
        # Some editors put a byte-order mark in front.
        text = raw if isinstance(raw, str) else raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if (foreign := name_bytes(error.object)) is not None:
            raise _foreign(name, foreign) from error
        message = f"is not text in UTF-8 (byte {error.start})"
        raise WorkflowError([Problem(name, message)]) from error
    return text


def _read(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            # What is no workflow may be a model of many gigabytes.
            raw = file.read(LARGEST + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise WorkflowError([Problem(str(path), f"cannot be read: {reason}")]) from error
    if len(raw) > LARGEST:
        most = f"a workflow has at most {LARGEST // 2**20} MiB"
        foreign = name_bytes(raw)
        raise (
            _foreign(name, foreign)
            if foreign
            else WorkflowError([Problem(name, f"is too large; {most}")])
        )
    return raw


def _parse(text: str, name: str) -> Any:
    try:
        return strict_json.parse(text)
    except strict_json.StrictJsonError as error:
        foreign = _other(text)
        if foreign is not None:
            raise _foreign(name, foreign) from error
        raise WorkflowError([Problem(name, str(error))]) from error


def _other(text: str) -> str | None:
    """What a text is that is no JSON, unless it seems to be meant as JSON."""
    head = text[:1024]
    if head.lstrip().startswith(("{", "[")) and "\0" not in head:
        return None
    return name_bytes(head.encode("utf-8", "replace")) or name_text(text)


def _foreign(name: str, foreign: str) -> WorkflowError:
    begins = 'a workflow is JSON that begins with "format": 1'
    return WorkflowError([Problem(name, f"is {foreign}; {begins}")])


def _slices(parts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Nodes or templates in their order, some at a time; what is large comes alone."""
    some: dict[str, Any] = {}
    left = _SLICE
    for name, part in parts.items():
        weight = _weight(part)
        if some and weight > left:
            yield some
            some, left = {}, _SLICE
        some[name] = part
        left -= weight
    if some:
        yield some


def _weight(part: object, depth: int = 6) -> int:
    """How many objects and entries a node or a template has; as deep as a template in another."""
    inner = part.values() if isinstance(part, dict) else ()
    return (
        1
        + sum(_weight(each, depth - 1) for each in inner if depth and isinstance(each, dict))
        + len(inner)
    )


def _add_problems(error: ValidationError, problems: dict[str, Problem], prefix: str) -> None:
    """Turn pydantic's report into one problem an address: a union reports each of its branches."""
    suggestions = Suggestions()
    for detail in error.errors(include_url=False):
        address = prefix + _address_at(detail["loc"]) if detail["loc"] else prefix
        if len(problems) < MOST_PROBLEMS and address not in problems:
            problems[address] = Problem(address, _message_of(detail, suggestions))


def _address_at(loc: tuple[int | str, ...]) -> str:
    parts = [str(part) for part in loc]
    if parts[0] == "templates" and len(parts) > 2:
        return f"templates[{parts[1]}].{_address_at(loc[2:])}"
    if parts[0] != "nodes" or len(parts) == 1:
        return ".".join(parts[:2])
    if parts[2:3] in (["values"], ["links"]) and len(parts) > 3:
        return f"{parts[1]}.{parts[3]}"
    return ".".join(part for part in parts[1:3] if part != "[key]")


def _message_of(detail: ErrorDetails, suggestions: Suggestions) -> str:
    kind, loc, value = detail["type"], detail["loc"], detail["input"]
    if kind == "extra_forbidden":
        return suggestions(str(loc[-1]), _fields_at(loc))
    if kind == "missing":
        return "is missing"
    if kind == "string_too_long":
        most = detail.get("ctx", {}).get("max_length")
        wrong = f"is too long; at most {most} letters are taken"
    elif loc[-1:] == ("[key]",):
        wrong = "is no name: use small letters, digits and _, beginning with a letter"
    elif kind == "string_pattern_mismatch":
        wrong = "is no address; write 'node.port'"
    elif kind in ("model_type", "dict_type"):
        wrong = "should be an object"
    else:
        wrong = detail["msg"].removeprefix("Input ")
    return f"{brief(value)} {wrong}"


def _fields_at(loc: tuple[int | str, ...]) -> list[str]:
    while loc[0] == "templates" and len(loc) > 2:
        loc = loc[2:]
    if len(loc) == 1:
        return list(Workflow.model_fields)
    kinds: dict[int | str, type[BaseModel]] = {"nodes": Call, "params": Param, "models": ModelLock}
    return list(kinds[loc[0]].model_fields) if loc[0] in kinds else []

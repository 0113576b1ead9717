"""Ports of a node class: their types, what may be linked to what, which values they take."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, ErrorDetails, SchemaValidator, core_schema

from ..errors import brief
from ..node import Composite, Doubts, Each, EntriesOf, Node, Output, Reads, Wire

_LISTS = (list, tuple, set, frozenset, Sequence)


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything planning asks of a kind, read from its class once.

    Attributes:
        defaults: Of the inputs that have one.
        factories: Of the inputs whose default is made anew for each call.
        required: The inputs without any default.
        lists: The inputs declared ``list[T]``: they take several items at once.
        scalars: The inputs for which a JSON list means several items.
        expands: The inputs whose one value may stand for several (see Each).
        reads: The fields of their value that inputs depend on, where not on all (see Reads).
        entries: The input that holds all entries of an output, by output (see EntriesOf).
        tells: Whether the kind tells facts about its outputs.
        checks: Whether the kind checks the facts of its inputs.
        looks: Whether the kind tells facts from files.
        examines: Whether the kind knows of files that it cannot use.
        doubts: What finds something in a value that is probably not meant, by input (see Doubts).
        validator: Checks and converts a call's constants, but for those that are several.
        several: Checks and converts the list that stands for several items, by input.
    """

    inputs: Mapping[str, FieldInfo]
    outputs: Mapping[str, FieldInfo]
    defaults: Mapping[str, object]
    factories: Mapping[str, Callable[[], object]]
    required: frozenset[str]
    lists: frozenset[str]
    scalars: frozenset[str]
    expands: frozenset[str]
    reads: Mapping[str, tuple[str, ...]]
    entries: Mapping[str, str]
    tells: bool
    checks: bool
    looks: bool
    examines: bool
    doubts: Mapping[str, Callable[[Any], Iterable[str]]]
    validator: SchemaValidator
    several: Mapping[str, SchemaValidator]


@cache
def ports(kind: type[Node] | type[Composite]) -> Ports:
    """Read the ports of ``kind``.

    Raises:
        TypeError: its ``run`` (or ``draw``) does not say which Output it returns.
        NameError: an annotation names something that does not exist.
    """
    fields = kind.model_fields
    schemas, definitions = _field_schemas(kind)
    scalars = frozenset(name for name, field in fields.items() if not _takes_list(field.annotation))
    return Ports(
        inputs=fields,
        outputs=output_of(kind).model_fields,
        defaults={
            name: field.default
            for name, field in fields.items()
            if not field.is_required() and field.default_factory is None
        },
        factories={
            name: partial(field.get_default, call_default_factory=True, validated_data={})
            for name, field in fields.items()
            if field.default_factory is not None
        },
        required=frozenset(name for name, field in fields.items() if field.is_required()),
        lists=frozenset(name for name, field in fields.items() if is_list(field.annotation)),
        scalars=scalars,
        expands=frozenset(
            name
            for name, field in fields.items()
            if any(isinstance(marker, Each) for marker in field.metadata)
        ),
        reads={
            name: marker.fields
            for name, field in fields.items()
            for marker in field.metadata
            if isinstance(marker, Reads)
        },
        entries={
            name: marker.input
            for name, field in output_of(kind).model_fields.items()
            for marker in field.metadata
            if isinstance(marker, EntriesOf)
        },
        tells=_overrides(kind, "facts"),
        checks=_overrides(kind, "check_facts"),
        looks=_overrides(kind, "file_facts"),
        examines=_overrides(kind, "check_files"),
        doubts={
            name: marker.find
            for name, field in fields.items()
            for marker in field.metadata
            if isinstance(marker, Doubts)
        },
        # Of constants alone, so no input is required here: links and defaults fill in the rest.
        validator=_validator(
            core_schema.typed_dict_schema(
                {n: core_schema.typed_dict_field(s, required=False) for n, s in schemas.items()}
            ),
            definitions,
        ),
        several={
            name: _validator(core_schema.list_schema(schemas[name]), definitions)
            for name in scalars
        },
    )


def inputs(kind: type[Node] | type[Composite]) -> Mapping[str, FieldInfo]:
    """The inputs of ``kind`` by name."""
    return kind.model_fields


def outputs(kind: type[Node] | type[Composite]) -> Mapping[str, FieldInfo]:
    """The outputs of ``kind`` by name."""
    return output_of(kind).model_fields


@cache
def output_of(kind: type[Node] | type[Composite]) -> type[Output]:
    """Find the Output that a kind's ``run`` (a composite's ``draw``) is annotated to return."""
    verb = "draw" if issubclass(kind, Composite) else "run"
    method = getattr(kind, verb, None)
    if not callable(method):
        raise TypeError(f"has no method {verb!r}")
    if "return" not in method.__annotations__:
        raise TypeError(f"{verb} needs a return annotation that names an Output")
    # Only this annotation: the others may name things that are imported for type checkers alone.
    lone = types.SimpleNamespace(__annotations__={"return": method.__annotations__["return"]})
    returned = get_type_hints(lone, globalns=method.__globals__)["return"]
    result = get_args(returned)[-1] if get_origin(returned) and get_args(returned) else returned
    if not (isinstance(result, type) and issubclass(result, Output)):
        raise TypeError(
            f"{verb} should be annotated to return an Output, not {type_name(returned)}"
        )
    return result


def is_list(annotation: Any) -> bool:
    """Whether a port declared so carries several items: ``list[T]``, also when it is optional."""
    return any(get_origin(part) is list or part is list for part in _parts(annotation))


def element(annotation: Any) -> Any:
    """The type of one item on a port declared so: ``T`` for ``T`` and for ``list[T]``."""
    for part in _parts(annotation):
        if get_origin(part) is list:
            return get_args(part)[0]
        if part is list:
            return Any
    return annotation


def is_shown(annotation: Any) -> bool:
    """Whether every value of this type can be kept and shown: as a picture, or as JSON."""
    return all(not _is_wire(part) or hasattr(part, "pil") for part in _parts(annotation))


def accepts(target: Any, source: Any) -> bool:
    """Whether an input of type ``target`` takes every value of type ``source``.

    A source that may be anything is taken by whatever could hold some of it; the value itself is
    judged when the node is built.
    """
    if target is Any or target is object or target == source or source is Any:
        return True
    # JSON holds anything but wires; compared first, as its own union refers to itself.
    if JsonValue in (target, source):
        opposite = target if source == JsonValue else source
        return not all(map(_is_wire, _parts(opposite)))
    targets, sources = _parts(target), _parts(source)
    # Every alternative of the source must fit, each into some alternative of the target.
    if len(sources) > 1:
        return all(accepts(target, part) for part in sources)
    if len(targets) > 1:
        return any(accepts(part, source) for part in targets)
    return _accepts_one(targets[0], sources[0])


def type_name(annotation: Any) -> str:
    """Spell a type as a user would: ``Image``, ``list[Image]``, ``int | None``."""
    if annotation == JsonValue:
        return "JSON"
    parts = [part for part in _parts(annotation) if part is not types.NoneType]
    if len(parts) > 1 or len(parts) < len(_parts(annotation)):
        optional = ["None"] if len(parts) < len(_parts(annotation)) else []
        return " | ".join([*map(type_name, parts), *optional])
    part = parts[0] if parts else annotation
    if get_origin(part) is Literal:
        return " | ".join(map(repr, get_args(part)))
    if get_origin(part) is not None:
        return f"{type_name(get_origin(part))}[{', '.join(map(type_name, get_args(part)))}]"
    return part.__name__ if isinstance(part, type) else str(part).removeprefix("typing.")


Mistakes = list[tuple[str, str]]


def convert(
    kind: type[Node] | type[Composite], values: Mapping[str, JsonValue]
) -> tuple[dict[str, object], tuple[str, ...], Mistakes]:
    """Check and convert constants: ``"room.png"`` becomes a Path.

    Returns:
        The converted values, the names of those that are a list of values to map over, and the
        mistakes as (``input`` or ``input[2]``, what is wrong with it).
    """
    declared = ports(kind)
    mapped = tuple(
        n for n, value in values.items() if type(value) is list and n in declared.scalars
    )
    problems: Mistakes = []
    single = {n: v for n, v in values.items() if n not in mapped} if mapped else values
    try:
        converted: dict[str, object] = declared.validator.validate_python(single)
    except ValidationError as error:
        converted, problems = dict(single), mistakes(error)
    for name in mapped:
        if not values[name]:
            problems.append((name, "is an empty list; give at least one value"))
            continue
        try:
            converted[name] = declared.several[name].validate_python(values[name])
        except ValidationError as error:
            problems += mistakes(error, (name,))
    return converted, mapped, problems


def mistakes(error: ValidationError, prefix: tuple[str, ...] = ()) -> Mistakes:
    """One sentence an input, or an entry of it: a union reports each of its branches."""
    sentences: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        loc = [*prefix, *detail["loc"]]
        entry = f"[{loc[1]}]" if len(loc) > 1 and type(loc[1]) is int else ""
        sentences.setdefault(f"{loc[0]}{entry}", _sentence(detail))
    return list(sentences.items())


def _sentence(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Input ").removeprefix("Value error, ")
    return f"{brief(detail['input'])} {message}"


def _parts(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a union, without their Annotated metadata; one for anything else."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(part for branch in get_args(annotation) for part in _parts(branch))
    return (annotation,)


def _is_wire(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, Wire)


def _accepts_one(target: Any, source: Any) -> bool:
    wide, narrow = get_origin(target), get_origin(source)
    if narrow is Literal:
        kinds = {type(value) for value in get_args(source)}
        return (
            set(get_args(source)) <= set(get_args(target))
            if wide is Literal
            else all(accepts(target, kind) for kind in kinds)
        )
    if wide is not None and wide is narrow:
        return all(map(accepts, get_args(target), get_args(source)))
    if isinstance(target, type) and isinstance(source, type):
        # PEP 484: an int is welcome where a float is expected.
        return issubclass(source, target) or (target, source) == (float, int)
    return bool(target == source)


def _takes_list(annotation: Any) -> bool:
    """Whether one value of this type can be a JSON list."""
    for part in _parts(annotation):
        origin = get_origin(part) or part
        if origin in (Any, object, *_LISTS) or part == JsonValue:
            return True
    return False


def _overrides(kind: type[BaseModel], method: str) -> bool:
    base = getattr(Node, method).__func__
    return getattr(getattr(kind, method, None), "__func__", base) is not base


def _field_schemas(kind: type[BaseModel]) -> tuple[dict[str, CoreSchema], list[CoreSchema]]:
    """The schema of every field, without its default, and the definitions they refer to."""
    schema: Any = kind.__pydantic_core_schema__
    definitions: list[CoreSchema] = []
    while schema["type"] != "model-fields":
        definitions += schema.get("definitions", [])
        schema = schema["schema"]
    return {
        name: _no_default(field["schema"]) for name, field in schema["fields"].items()
    }, definitions


def _no_default(schema: Any) -> CoreSchema:
    inner: CoreSchema = schema["schema"] if schema["type"] == "default" else schema
    return inner


def _validator(schema: CoreSchema, definitions: list[CoreSchema]) -> SchemaValidator:
    whole = core_schema.definitions_schema(schema, definitions) if definitions else schema
    return SchemaValidator(whole)

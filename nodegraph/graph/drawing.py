"""A workflow drawn in typed Python: calls collected, their outputs standing in as addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, ParamSpec, TypeVar, cast

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError, to_jsonable_python

from ..base.keys import canonical
from ..errors import UserError
from ..node import Address, Draws, Node, Output, OutT, Runs, Wire
from .ports import output_of, type_name
from .registry import Kind, Registry
from .workflow import Call, Param, Workflow

P = ParamSpec("P")
T = TypeVar("T")


class Outputs:
    """Stands in for an Output while a graph is drawn: its ``image`` is an address."""

    def __init__(self, name: str, kind: type[Output]) -> None:
        self._name, self._kind = name, kind

    def __getattr__(self, output: str) -> Address:
        return Address(f"{self._name}.{output}")


class Drawing:
    """A workflow in the making: it collects calls.

    What ``add`` returns stands in for the outputs: pass it on to other calls.
    """

    def __init__(self, title: str = "") -> None:
        self.title = title
        self.calls: dict[str, Call] = {}
        self.kinds: dict[str, Kind] = {}
        self._params: dict[str, Param] = {}
        self._results: dict[str, str] = {}

    def add(
        self,
        name: str,
        kind: Callable[P, Runs[OutT] | Draws[OutT]],
        /,
        *args: P.args,
        **inputs: P.kwargs,
    ) -> OutT:
        """Add a call of ``kind`` under ``name``; its outputs can be inputs of later calls."""
        if args:
            raise UserError(f"{name}: give inputs by name")
        if name in self.calls:
            raise UserError(f"{name}: there is a call of this name already")
        added = cast(type[Node], kind)
        # Workflows name kinds by their class names, so one drawing cannot have two of one name.
        if self.kinds.setdefault(added.__name__, added) is not added:
            raise UserError(f"{name}: another kind is called {added.__name__!r} too")
        self.calls[name] = _make_call(name, added, inputs)
        return cast(OutT, Outputs(name, output_of(added)))

    def param(self, name: str, *to: str, label: str = "", help: str = "") -> None:
        """Let the workflow's own input ``name`` set the inputs at these addresses."""
        self._params[name] = Param(to=to[0] if len(to) == 1 else list(to), label=label, help=help)

    def result(self, name: str, output: object) -> None:
        """Name one output as the workflow's own result ``name``."""
        if not isinstance(output, Address):
            raise UserError(
                f"result {name}: give an output of a call, not {type_name(type(output))}"
            )
        self._results[name] = str(output)

    def workflow(self) -> Workflow:
        """The workflow drawn so far."""
        return Workflow(
            title=self.title, nodes=self.calls, params=self._params, results=self._results
        )

    @property
    def registry(self) -> Registry:
        """The kinds this graph uses."""
        return Registry.of(*self.kinds.values())


def each(values: Sequence[T]) -> T:
    """Give an input that takes one ``T`` several: the node runs once for each."""
    return cast(T, values if isinstance(values, Address) else list(values))


def every(item: T) -> list[T]:
    """Give an input that takes ``list[T]`` all items of an output at once."""
    if not isinstance(item, Address):
        raise UserError("every() takes an output of a call")
    return cast(list[T], item)


def kind_of(outputs: OutT) -> type[OutT]:
    """The Output that ``outputs`` of an added call stand in for."""
    return cast(type[OutT], cast(Outputs, outputs)._kind)


def addresses(drawn: object, kind: type[Output]) -> dict[str, object]:
    """The address of each output of ``kind``, from what a composite's ``draw`` returned."""
    return {name: getattr(drawn, name, None) for name in kind.model_fields}


def _make_call(name: str, kind: type[BaseModel], inputs: Mapping[str, object]) -> Call:
    values: dict[str, Any] = {}
    links: dict[str, Any] = {}
    for input, value in inputs.items():
        if isinstance(value, Address):
            links[input] = str(value)
        elif isinstance(value, list) and any(isinstance(entry, Address) for entry in value):
            links[input] = _link_all(f"{name}.{input}", value)
        elif not _is_default(kind, input, jsonable := _to_json(f"{name}.{input}", value)):
            values[input] = jsonable
    # Not validated: a composite's own inputs are addresses that no document may hold.
    return Call.model_construct(None, type=kind.__name__, values=values, links=links)


def _link_all(address: str, values: Sequence[object]) -> list[str]:
    if not all(isinstance(entry, Address) for entry in values):
        raise UserError(f"{address}: a list is either all outputs of calls or all values")
    return [str(entry) for entry in values]


def _to_json(address: str, value: object) -> object:
    value = _with_slashes(value)
    lone = value[0] if isinstance(value, list | tuple) and value else value
    message = (
        f"{address}: a workflow cannot hold a value of type {type_name(type(lone))}; link an output"
    )
    if isinstance(lone, Wire):  # a dataclass, which pydantic would spell
        raise UserError(message)
    try:
        return to_jsonable_python(value)
    except PydanticSerializationError as error:
        raise UserError(message) from error


def _with_slashes(value: object) -> object:
    """Paths as text that means the same on every system."""
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, list | tuple):
        return [_with_slashes(entry) for entry in value]
    return value


def _is_default(kind: type[BaseModel], input: str, value: object) -> bool:
    field = kind.model_fields.get(input)
    if field is None or field.is_required():
        return False
    try:
        default = to_jsonable_python(
            field.get_default(call_default_factory=True, validated_data={})
        )
    except PydanticSerializationError:
        return False
    return canonical(default) == canonical(value)

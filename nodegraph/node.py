"""The contract of a node: a frozen pydantic model of its inputs with a ``run`` method."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Generator, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from .errors import Fix, Severity
from .savings import Offload, Saving, Savings

# No protected names: many an input is called ``model``.
_MODEL = ConfigDict(
    frozen=True, extra="forbid", arbitrary_types_allowed=True, protected_namespaces=()
)

LaneName: TypeAlias = Literal["io", "cpu", "device"]
Facts: TypeAlias = Mapping[str, str]
"""What is known of a wire's value before anything runs: ``{"family": "tiny"}``."""
LinkedFacts: TypeAlias = Mapping[str, Sequence[Facts]]
"""The facts of what each linked input is given: one entry a link, empty where nothing is known."""
Finding: TypeAlias = tuple[str, str, Severity] | tuple[str, str, Severity, Fix]
"""An input's name, what is wrong with it, whether the workflow can run all the same, and a change
of the node's inputs that would do, where there is one."""


class Wire:
    """Base of every type that JSON cannot spell: frozen dataclasses that travel between nodes."""

    apart: ClassVar[tuple[str, ...]] = ()
    """The fields and properties that an input may depend on alone: each has a digest of its own
    (see Reads)."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls)


W_co = TypeVar("W_co", covariant=True)


class ModelRef(Protocol[W_co]):
    """A light reference to heavy weights: what wires carry, and what a lease turns into weights.

    ``key`` identifies the weights' content (source, revision, component), without dtype and device.
    """

    @property
    def key(self) -> str: ...

    def load(self, device: str, dtype: str) -> W_co:
        """Read the weights from disk. Called once while they stay in the pool."""
        ...


@runtime_checkable
class Composed(Protocol[W_co]):
    """A reference to weights that are made of others', such as a model's with a LoRA on them.

    The parts, and what is made of them, stay in the pool as weights of their own.
    """

    @property
    def parts(self) -> Sequence[ModelRef[Any]]:
        """The weights that are changed, then those that change them; none for a plain reference."""
        ...

    @property
    def derived_key(self) -> str:
        """The identity of what is made."""
        ...

    def make(self, parts: Sequence[Any]) -> Any:
        """Compute what is to be in place of some of the first part's weights.

        It must hold nothing of the parts, which must stay as they are: they may go before it.
        """
        ...

    def compose(self, base: Any, derived: Any) -> W_co:
        """Put together, for one lease, the first part and what was made: that computes nothing."""
        ...


@runtime_checkable
class Offloads(Protocol[W_co]):
    """A reference to weights that can be used on a device while they lie on the host."""

    def offloaded(self, device: str, by: Offload) -> ModelRef[W_co]:
        """Refer to such weights: they are loaded onto the host, and others than without."""
        ...


@runtime_checkable
class Returns(Protocol):
    """A reference to weights that come to a device by themselves while they are leased."""

    def put_back(self, weights: Any) -> None:
        """Bring them back to where they were loaded: the lease ends."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """The memory that a node is about to need on a device.

    Attributes:
        name: Of the work: the same work on as large pictures takes as much memory.
        size: What memory grows with, of one item: its pixels, or latents.
        weights: What is leased for it.
        guess: Estimates from no more than the models' configs what an item takes beside weights
            of a dtype, in bytes, if it can: for work that was never measured.
    """

    name: str
    size: int
    weights: tuple[ModelRef[Any], ...] = ()
    guess: Callable[[str], int | None] | None = None


@runtime_checkable
class Measured(Protocol):
    """A reference that tells beforehand how large its weights are; only such are loaded ahead."""

    def nbytes(self, dtype: str) -> int:
        """Bytes of the weights, without loading them."""
        ...


@runtime_checkable
class Paged(Protocol):
    """A reference to weights that on the host may be the very pages of their files."""

    def let_go(self, weights: Any, size: int) -> int:
        """Let go of pages of loaded weights that nobody uses; they are read again when touched.

        Returns:
            The bytes that went: ``size`` or a little more, less only if there were no more.
        """
        ...


@dataclass(frozen=True, slots=True)
class Folders:
    """The only places a node may touch: inputs are looked for in ``data``, in order.

    Attributes:
        models: Where models are taken from, by relative names; None where the person at the machine
            may name any.
    """

    data: tuple[Path, ...] = ()
    output: Path | None = None
    models: tuple[Path, ...] | None = None


class Reach(Protocol):
    """Where files may be taken from, and what is allowed: a node's context, a run's settings."""

    @property
    def folders(self) -> Folders: ...

    @property
    def allow(self) -> frozenset[str]: ...


W = TypeVar("W")
MemoT = TypeVar("MemoT", bound="Memo")
Pin: TypeAlias = tuple[str, str] | tuple[str, str, Mapping[str, str]]
"""A model's revision and SHA-256 and, to tell what changed, the SHA-256 of each of its files."""


class Space(Protocol):
    """Room on a device, counted in its budget."""

    def grow(self, size: int) -> bool:
        """Have so many bytes more, for which others may have to go, or fewer.

        False, and no more than before, if there is no room for them.
        """
        ...


class Context(Protocol):
    """The engine as a running node sees it."""

    @property
    def device(self) -> str:
        """Where tensors are computed: ``cpu``, ``cuda:0``, …"""
        ...

    @property
    def dtype(self) -> str:
        """The floating-point type of weights: ``float32``, ``float16`` or ``bfloat16``."""
        ...

    @property
    def folders(self) -> Folders: ...

    @property
    def allow(self) -> frozenset[str]:
        """Permissions that the person at this machine gave: ``pickle``, ``http``."""
        ...

    @property
    def workflow(self) -> str:
        """The running workflow as canonical JSON text."""
        ...

    @property
    def texts(self) -> Mapping[str, str]:
        """Texts for saved files about their making, by keyword: the workflow, versions, …"""
        ...

    @property
    def savings(self) -> Savings:
        """How sparing with memory it has to be, as far as ``Node.savings`` says that it can."""
        ...

    def proceed(self) -> None:
        """Go on, unless the run was cancelled: then what this raises ends the node.

        For work that takes seconds without Progress: asked between two parts of it, where nothing
        is left half done. It costs nothing.
        """
        ...

    def pinned(self, model: str) -> tuple[str, str]:
        """The revision and SHA-256 that the workflow pins ``model`` to; empty where it does not."""
        ...

    def pinned_files(self, model: str) -> Mapping[str, str]:
        """The SHA-256 of every file of ``model``, by name, as far as the workflow notes them."""
        ...

    def lease(self, ref: ModelRef[W]) -> AbstractContextManager[W]:
        """Keep the weights of ``ref`` on the device for as long as the block runs."""
        ...

    def reserve(self) -> AbstractContextManager[Space]:
        """Room on the device for what grows beside the results, for as long as the block runs."""
        ...

    def hold(self, key: Hashable, make: Callable[[], tuple[W, int]]) -> AbstractContextManager[W]:
        """Have what is of use on this device alone for as long as the block runs.

        It is kept for later runs, until it is forgotten or room is needed.

        Args:
            make: Makes it where it is not there, and tells the bytes that it takes.
        """
        ...

    def forget(self, key: Hashable) -> None:
        """Drop the value that ``hold`` made under ``key``."""
        ...

    def digest(self, value: object) -> bytes:
        """Name a value by its content: wires, tensors and whatever is made of them."""
        ...

    def recall(self, kind: type[MemoT], *parts: object) -> MemoT | None:
        """The memo under the same parts, if it is still held; on the device, if it was made there.

        Args:
            parts: All that it depends on, by content, beside the device's kind, the dtype, and
                whether weights are offloaded.
        """
        ...

    def keep(self, memo: Memo, *parts: object, seconds: float) -> None:
        """Keep a memo for later runs, as long as there is room. From now on it is shared.

        Args:
            seconds: What it takes to make it again.
        """
        ...

    def kept(self, kind: type[MemoT], make: Callable[[], MemoT], *parts: object) -> MemoT:
        """Recall a memo, or make it and keep it."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running node has come: ``done`` of ``total`` steps.

    Attributes:
        resumed: An earlier run did these steps; this one goes on from there.
    """

    done: int
    total: int
    preview: object = None
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class Each:
    """Field metadata: one value may stand for several (a folder, a glob).

    ``expand`` returns the values it stands for, or None where it is just one.
    """

    expand: Callable[[Any, Folders], list[Any] | None]


@dataclass(frozen=True, slots=True)
class Doubts:
    """Field metadata: what a value holds that is probably not meant as it is written.

    ``find`` yields a sentence for each, without the input's name: the value can be used all the
    same. It is asked of every constant, of lists of each entry.
    """

    find: Callable[[Any], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Reads:
    """Field metadata: the result depends on these fields of a linked value alone, or of each of
    several.

    What changes elsewhere in it does not run the node again. The value's class names them in
    ``apart``.
    """

    fields: tuple[str, ...]


@dataclass(frozen=True)
class EntriesOf:
    """Metadata of an output that is a list: all its entries are entries of this input, a list too.

    Where that input is a constant, plan judges the entries by what they are linked to.
    """

    input: str


class Address(str):
    """The address of a value to come, while a graph is drawn: a class of its own among texts.

    ``photo.image`` is an output; ``.prompt`` is an input of the composite that is being drawn.
    """

    __slots__ = ()


class Output(BaseModel):
    """The named results of a node; every field is a port that others may link to."""

    model_config = _MODEL

    def __init__(self, **outputs: Any) -> None:
        # A composite returns one that holds addresses, which no field's type would let through.
        if any(type(output) is Address for output in outputs.values()):
            self.__dict__.update(outputs)
            object.__setattr__(self, "__pydantic_fields_set__", set(outputs))
        else:
            super().__init__(**outputs)


class Memo(Output):
    """An intermediate value kept in the cache beside results, for any node and any run.

    It may be gone at any time, and is made again then. Two that were kept under the same parts are
    told apart by their classes, by ``version`` and by the installed versions of ``packages``.
    """

    version: ClassVar[int] = 1
    """Raised whenever the same parts give another memo than before."""
    packages: ClassVar[Sequence[str]] = ()
    """Installed packages whose version may make a difference."""


OutT = TypeVar("OutT", bound=Output)
OutT_co = TypeVar("OutT_co", bound=Output, covariant=True)
Returned = TypeVar("Returned")
Steps: TypeAlias = Generator[Progress, None, Returned]


class Node(BaseModel, ABC):
    """One call of an operation: its inputs are the fields, its work is ``run``.

    ``run(self)`` or ``run(self, context)`` returns an Output, or is a generator that yields
    Progress and returns one. An optional classmethod ``run_batch(items, context)`` does several
    items at once and returns one Output for each; results must not depend on the grouping.
    """

    model_config = _MODEL

    version: ClassVar[int] = 1
    """Raised whenever the same inputs give another result than before."""
    pure: ClassVar[bool] = True
    """False for a node that is run for its side effect: it runs every time."""
    packages: ClassVar[Sequence[str]] = ()
    """Installed packages whose version may make a difference: it is in the key, and saved pictures
    name it."""
    lane: ClassVar[LaneName] = "cpu"
    """What the node keeps busy. ``device`` adds the device's kind and dtype to the cache key."""
    savings: ClassVar[tuple[Saving, ...]] = ()
    """What it can do with less memory than usual, when ``context.savings`` asks for it."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """Inputs that had another name in older workflows: old name to new."""
    aliases: ClassVar[Sequence[str]] = ()
    """Other words that people look for it by; they name nothing in a workflow."""
    stamp_inputs: ClassVar[tuple[str, ...]] = ()
    """The inputs that ``stamp_by`` looks at, of a node that says so; others are not fetched."""

    @classmethod
    def facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Mapping[str, Facts]:  # noqa: ARG003
        """The facts of each output, from constants and upstream facts alone (no files).

        Args:
            values: The constants, validated, with defaults; those that are several are left out.
            linked: The facts of the linked inputs.
        """
        return {}

    @classmethod
    def file_facts(cls, values: Mapping[str, Any], folders: Folders) -> Mapping[str, Facts]:  # noqa: ARG003
        """More facts of each output, from the headers of files that the constants name.

        Asked only by who looks at a workflow that is not to run yet, so it must be quick: nothing
        is fetched, few files are read. Whatever it raises is no fact.

        Args:
            values: The constants, validated, with defaults; a list where there are several.
        """
        return {}

    @classmethod
    def check_facts(cls, values: Mapping[str, Any], linked: LinkedFacts) -> Iterable[Finding]:  # noqa: ARG003
        """Find what does not go together, before anything runs."""
        return ()

    @classmethod
    def check_files(cls, values: Mapping[str, Any], reach: Reach) -> Iterable[tuple[str, str]]:  # noqa: ARG003
        """Find, by a quick look, files that values name and that are of no use here.

        Asked by whoever checks a workflow beside the files and models that it would run with;
        planning never asks. A name that leads to nothing is no mistake yet: it may be fetched.

        Args:
            values: The constants of one item, validated, with defaults.
            reach: Where files may be looked at; nothing is fetched.

        Returns:
            Of each the input, and what is wrong, in words that follow the address.
        """
        return ()

    def stamp(self, context: Context) -> object:  # noqa: ARG002
        """Name whatever else the result depends on, as JSON: a file's content, a revision."""
        return None

    @classmethod
    def stamp_by(cls, inputs: Mapping[str, Any], context: Context) -> object:  # noqa: ARG003
        """The same as ``stamp``, by ``stamp_inputs`` alone: for a node that has many pictures.

        Args:
            inputs: Those of ``stamp_inputs``, defaults included.
        """
        return None

    def pins(self, context: Context) -> Mapping[str, Pin]:  # noqa: ARG002
        """Name the models it uses, each with the revision and the hashes to pin it to.

        Asked of a node that was not run: wires that are linked in are not there yet.
        """
        return {}

    def work(self) -> Work | None:
        """The memory it will need on a device, so that as many items run together as fit."""
        return None

    @classmethod
    def leases(cls, inputs: Mapping[str, Any]) -> Iterable[ModelRef[Any]]:  # noqa: ARG003
        """Name the weights that it, or whoever takes what it makes, will lease.

        Asked while it waits for others, so that they load meanwhile.

        Args:
            inputs: Those of the call that are known by then; of a list, the entries that are.
        """
        return ()

    def group(self) -> Hashable:
        """Items whose groups are equal may run in one batch."""
        return None


class Composite(BaseModel):
    """A node that draws a sub-graph: ``draw(self, drawing)`` adds calls and returns an Output.

    Its fields are inputs like a node's. While it draws, every field holds a stand-in that is only
    passed on to inner calls, never looked into.
    """

    model_config = _MODEL

    renamed: ClassVar[Mapping[str, str]] = {}
    """Inputs that had another name in older workflows: old name to new."""
    aliases: ClassVar[Sequence[str]] = ()
    """Other words that people look for it by; they name nothing in a workflow."""


class Runs(Protocol[OutT_co]):
    """Anything ``Builder.add`` accepts; lets the type checker see a node's Output."""

    @property
    def run(self) -> Callable[..., OutT_co | Generator[Progress, None, OutT_co]]: ...


class Draws(Protocol[OutT_co]):
    """A composite, as ``Builder.add`` sees it."""

    @property
    def draw(self) -> Callable[[Any], OutT_co]: ...

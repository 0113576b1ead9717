"""The nodes there are: explicit registration, entry points, and folders named by the user."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from ..errors import Problem, WorkflowError
from ..node import Composite, Node
from ..values.leaves import OpaqueError
from ..values.skeleton import clash_message, class_address, value_classes
from .moved import new_place
from .ports import output_of, ports
from .workflow import Workflow

GROUP = "nodegraph.nodes"


@dataclass(frozen=True, slots=True)
class Template:
    """A workflow used as a node: its params are the inputs, its results the outputs.

    Attributes:
        path: The file it was read from, if it was: what it uses itself is looked for beside it.
    """

    name: str
    workflow: Workflow
    doc: str = ""
    path: Path | None = None

    @classmethod
    def load(cls, path: Path) -> Template:
        """Read a template; ``canny_portraits.json`` is the type ``CannyPortraits``."""
        workflow = Workflow.load(path)
        name = "".join(
            part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", path.stem)
        )
        return cls(name, workflow, workflow.title, path)

    @property
    def alias(self) -> str:
        """Its other name, by folder and file: ``workflows/canny_portraits``; may be empty."""
        return f"{self.path.parent.name}/{self.path.stem}" if self.path else ""


Kind: TypeAlias = type[Node] | type[Composite] | Template


class Registry(Mapping[str, Kind]):
    """Kinds by type name. What could not be registered is in ``refused``, with the reason.

    Attributes:
        nodes: The kinds that run as they are: neither composites nor templates.
        aliases: The other names of templates (``workflows/canny-portraits``), and their types.
    """

    __slots__ = ("_classes", "_kinds", "aliases", "nodes", "refused")

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        refused: Sequence[Problem] = (),
        classes: Mapping[str, type] | None = None,
    ) -> None:
        self._kinds = dict(kinds)
        self._classes = classes or {}
        self.refused = tuple(refused)
        self.nodes: Mapping[str, type[Node]] = {
            name: kind
            for name, kind in kinds.items()
            if isinstance(kind, type) and issubclass(kind, Node)
        }
        self.aliases: Mapping[str, str] = {
            kind.alias: name
            for name, kind in kinds.items()
            if isinstance(kind, Template) and kind.alias
        }

    @classmethod
    def of(cls, *kinds: Kind) -> Registry:
        """Register these kinds, refusing those that could not work."""
        return cls({}).with_kinds(kinds)

    def with_kinds(self, kinds: Iterable[Kind], refused: Iterable[Problem] = ()) -> Registry:
        """Copy the registry with more kinds in it; a name that is taken stays what it was."""
        registered, problems = dict(self._kinds), [*self.refused, *refused]
        identities = dict(self._classes)
        for kind in kinds:
            name = name_of(kind)
            problem = refusal(kind)
            if problem is None and registered.get(name, kind) is not kind:
                problem = f"the name is taken by {_home(registered[name])}"
            # Last, as it reads annotations, which only a sound kind lets itself be asked for.
            if problem is None and isinstance(kind, type):
                problem = _clash(kind, identities)
            if problem is None:
                registered[name] = kind
            else:
                problems.append(Problem(name, problem))
        return Registry(registered, problems, identities)

    def with_templates_of(self, workflow: Workflow) -> Registry:
        """Copy the registry with the templates inside ``workflow``, which come before others."""
        if not workflow.templates:
            return self
        # A node's name stays the node's; ``expand`` reports the template that would take it.
        inside = {
            name: Template(name, template, template.title)
            for name, template in workflow.templates.items()
            if not isinstance(self._kinds.get(name), type)
        }
        return Registry({**self._kinds, **inside}, self.refused, self._classes)

    def __getitem__(self, name: str) -> Kind:
        kind = self._kinds.get(name)
        return self._kinds[self.aliases[name]] if kind is None else kind

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


def load_registry(folders: Iterable[Path] = (), templates: Iterable[Path] = ()) -> Registry:
    """Register what is installed, the node files in ``folders``, and ``templates`` (JSON files)."""
    registry = Registry({})
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        registry = _extended(registry, entry.value, entry.load)
    for folder in folders:
        if not folder.is_dir():
            registry = registry.with_kinds((), [Problem(str(folder), "there is no such folder")])
        for path in sorted(folder.glob("*.py")):
            registry = _extended(registry, str(path), partial(_nodes_in, path))
    for path in templates:
        registry = _extended(registry, str(path), partial(_template_in, path))
    return registry


def name_of(kind: Kind) -> str:
    """The type name of ``kind``, as workflows write it."""
    return kind.name if isinstance(kind, Template) else getattr(kind, "__name__", repr(kind))


def refusal(kind: Any) -> str | None:
    """The reason why ``kind`` cannot be registered, or None when it can."""
    if isinstance(kind, Template):
        return None if kind.workflow.results else "a template needs results: they are its outputs"
    if not (isinstance(kind, type) and issubclass(kind, Node | Composite)):
        return f"should be a Node or a Composite class, not {type(kind).__name__}"
    if not (kind.__dict__.get("__doc__") or "").strip():
        return "needs a docstring: it is the node's tooltip"
    try:
        ports(kind)
    except (TypeError, NameError) as error:
        return str(error)
    except Exception as error:  # whatever a third party's annotations do, the others load
        return f"its inputs cannot be read: {error}"
    return _batch_refusal(kind)


def _batch_refusal(kind: type[Node] | type[Composite]) -> str | None:
    method = inspect.getattr_static(kind, "run_batch", None)
    if method is None:
        return None
    if not isinstance(method, classmethod):
        return "run_batch should be a classmethod: run_batch(cls, items, context)"
    names = list(inspect.signature(method.__func__).parameters)
    if len(names) != 3:
        return f"run_batch should take (cls, items, context), not ({', '.join(names)})"
    return None


def _extended(registry: Registry, source: str, load: Callable[[], Any]) -> Registry:
    """Add what ``find`` gives: kinds, or a callable that gives them. Its errors refuse it alone."""
    try:
        offer = load()
        kinds = list(offer() if callable(offer) else offer)
    except WorkflowError as error:
        return registry.with_kinds(
            (), [Problem(source, str(problem)) for problem in error.problems]
        )
    except Exception as error:  # a broken file of somebody else's must not stop the rest
        place = new_place(error) if isinstance(error, ImportError) else None
        reason = place or f"{type(error).__name__}: {error}"
        return registry.with_kinds((), [Problem(source, reason)])
    return registry.with_kinds(kinds)


def _nodes_in(path: Path) -> Sequence[Any]:
    """The NODES of a file; a file without is a module that others import."""
    nodes: Sequence[Any] = getattr(_module(path), "NODES", ())
    return nodes


def _template_in(path: Path) -> Sequence[Any]:
    return [Template.load(path)]


def _module(path: Path) -> ModuleType:
    """Import a node file under a name made from its text: edited nodes get new cache keys."""
    name = f"_nodes_{blake2b(path.read_bytes(), digest_size=8).hexdigest()}.{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Known before it runs: dataclasses and pydantic look up the module of a class they are given.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _clash(kind: type[Node] | type[Composite], identities: dict[str, type]) -> str | None:
    """Add the classes of values that ``kind`` speaks of; say which is taken for another.

    A node and a value may share a name: no key holds a node where it could hold a value. Nodes
    are told apart by their type names already.
    """
    try:
        values = [*value_classes(kind).items(), *value_classes(output_of(kind)).items()]
    except OpaqueError as error:
        return str(error)
    added: dict[str, type] = {}
    for identity, value_class in values:
        first = identities.get(identity) or added.setdefault(identity, value_class)
        if first is not value_class:
            return clash_message(value_class, first)
    identities.update(added)
    return None


def _home(kind: Kind) -> str:
    return "a template" if isinstance(kind, Template) else class_address(kind)

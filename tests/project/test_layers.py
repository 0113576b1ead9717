"""What may import what: the order of the packages is the architecture."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import networkx as nx
import pytest

from scripts.layers import ENGINE, MOST_MODULES, NODES, PALETTE, SURFACE

ROOT = Path(__file__).parent.parent.parent
TOPS = ("nodegraph", "nodes", "workflows", "benchmarks", "scripts", "training", "tests")
ORDERS: Mapping[str, list[str]] = {"nodegraph": [*ENGINE], "nodes": [*NODES]}
HEAVY = {"torch", "numpy", "PIL", "cv2", "diffusers", "transformers"}


class Import(NamedTuple):
    """That ``module`` imports ``target``, in ``line``; ``top`` if it does when it is imported."""

    module: str
    line: int
    target: str
    top: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


@cache
def modules() -> Mapping[str, Path]:
    """Every module of the repository, by its dotted name."""
    files = (path for top in TOPS for path in (ROOT / top).rglob("*.py"))
    return {dotted(path): path for path in files}


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def imports(module: str) -> tuple[Import, ...]:
    """All imports of a module: at its top, in functions, and for type checkers alone."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    late = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.If)
        for inner in ast.walk(node)
    }
    return tuple(
        Import(module, node.lineno, target, node not in late)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for target in sorted(set(targets(module, node)))
    )


def targets(module: str, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The modules that one statement names: ``from .a import b`` is ``.a.b`` where b is one."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    parts = module.split(".")
    if modules()[module].name != "__init__.py":
        parts.pop()
    package = parts[: len(parts) - node.level + 1] if node.level else []
    base = ".".join([*package, *([node.module] if node.module else [])])
    for alias in node.names:
        full = f"{base}.{alias.name}"
        yield full if full in modules() else base


def inside(top: str) -> list[str]:
    """The modules of a package; its ``__init__`` and ``__main__`` wire all parts together."""
    return [name for name in modules() if name.startswith(f"{top}.") and name != f"{top}.__main__"]


def layer_of(module: str) -> str:
    top, layer = module.split(".")[:2]
    return "palette" if top == "nodes" and layer in PALETTE else layer


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


LAYERED = [*inside("nodegraph"), *inside("nodes")]


@pytest.mark.parametrize("module", LAYERED)
def test_a_module_imports_only_from_its_layer_and_those_below(module: str) -> None:
    top = module.partition(".")[0]
    order = ORDERS[top]
    allowed = order[: order.index(layer_of(module)) + 1]

    wrong = [
        each
        for each in imports(module)
        if each.target == top or (within(each.target, top) and layer_of(each.target) not in allowed)
    ]

    assert [str(each) for each in wrong] == []


@pytest.mark.parametrize("top", ["nodegraph", "nodes", "benchmarks", "scripts", "training"])
def test_no_modules_import_each_other_in_a_circle(top: str) -> None:
    graph = nx.DiGraph(
        (each.module, each.target)
        for module in inside(top)
        for each in imports(module)
        if within(each.target, top) and each.target != each.module
    )

    circles = [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]

    assert circles == []


@pytest.mark.parametrize("top", ["nodegraph", "nodes"])
def test_every_layer_exists_and_every_package_is_a_layer(top: str) -> None:
    assert {layer_of(module) for module in inside(top)} == set(ORDERS[top])


@pytest.mark.parametrize(
    ("package", "strangers"),
    [
        ("nodegraph", ["nodes", "workflows"]),
        ("nodegraph.execution.local", ["nodegraph.execution.ray"]),
        (
            "nodegraph.jobs",
            [f"nodegraph.{layer}" for layer in ("graph", "planning", "tasks", "execution")],
        ),
        ("nodegraph", ["training", "benchmarks", "scripts", "tests"]),
        ("nodes", ["training", "benchmarks", "scripts", "tests", "workflows"]),
        ("training", ["benchmarks", "scripts", "tests"]),
        ("benchmarks", ["training", "scripts", "tests"]),
        ("scripts", ["tests"]),
    ],
)
def test_a_package_does_not_know_its_strangers(package: str, strangers: list[str]) -> None:
    wrong = [
        str(each)
        for module in modules()
        if within(module, package)
        for each in imports(module)
        if any(within(each.target, stranger) for stranger in strangers)
    ]

    assert wrong == []


def test_pictures_carriers_stand_on_errors_and_base_alone() -> None:
    below = {
        layer_of(each.target)
        for module in inside("nodegraph")
        if layer_of(module) == "carriers"
        for each in imports(module)
        if within(each.target, "nodegraph")
    }

    assert below <= {"errors", "base", "carriers"}


@pytest.mark.parametrize("module", inside("nodes"))
def test_nodes_use_only_the_listed_surface_of_the_engine(module: str) -> None:
    wrong = [
        str(each)
        for each in imports(module)
        if within(each.target, "nodegraph") and not any(within(each.target, m) for m in SURFACE)
    ]

    assert wrong == []


@pytest.mark.parametrize("module", LAYERED)
def test_an_underscore_module_is_imported_only_from_its_own_package(module: str) -> None:
    wrong = [
        str(each)
        for each in imports(module)
        if (owner := private_owner(each.target)) and not within(module, owner)
    ]

    assert wrong == []


def private_owner(target: str) -> str:
    """The package that an underscore module belongs to, or nothing for a public one."""
    parts = target.split(".")
    private = [i for i, part in enumerate(parts) if part.startswith("_") and part[:2] != "__"]
    return ".".join(parts[: private[0]]) if private and parts[0] in TOPS else ""


@pytest.mark.parametrize("module", inside("nodegraph"))
def test_the_engine_imports_no_tensor_library_at_its_top(module: str) -> None:
    heavy = [
        str(each) for each in imports(module) if each.top and each.target.split(".")[0] in HEAVY
    ]

    assert heavy == []


def test_no_folder_holds_more_modules_than_a_reader_can_take_in() -> None:
    folders = {path.parent for path in modules().values()}
    sizes = {
        str(folder.relative_to(ROOT)): len(
            [path for path in folder.glob("*.py") if path.stem != "_moved"]
        )
        for folder in folders
        if folder.relative_to(ROOT).parts[0] != "tests"
    }

    assert {folder: size for folder, size in sizes.items() if size > MOST_MODULES} == {}


def test_importing_the_engine_loads_nothing_heavy() -> None:
    heavy = ["torch", "numpy", "PIL", "cv2", "networkx", "rich", "typer", "nodes", "ssl", "xml"]
    code = f"import sys, nodegraph; print([m for m in {heavy} if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )

    assert done.stdout == "[]\n"

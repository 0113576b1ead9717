"""What may import what: each module of the engine only those before it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LAYERS = [
    "errors", "paths", "collector", "thrift", "node", "keys", "tensors", "values", "skeleton",
    "migrations", "workflow", "png", "xmp", "jpeg", "webp", "pictures", "device", "threads",
    "shipped", "shown", "ports", "registry", "insides", "schema", "builder", "templates",
    "bundle", "planned", "checks", "order", "foresight", "plan", "planner", "provenance",
    "cache", "events", "context", "admission", "tasks", "items", "totals", "task_keys",
    "frontier", "perform", "prefetch", "lanes", "queues", "wanted", "dispatch", "execute",
    "explain", "lock", "spell", "alike", "diff", "jobs", "worker", "web", "cli",
]  # fmt: skip
ENGINE = ROOT / "nodegraph"
# The package's own __init__ and __main__ wire all parts together.
FILES = sorted({*ENGINE.rglob("*.py")} - {*ENGINE.glob("__*__.py")})


def layer_of(path: Path) -> str:
    return path.relative_to(ENGINE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """The modules that are imported when ``path`` is; what functions import later is not."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            depth = len(path.relative_to(ROOT).parts) - node.level
            package = path.relative_to(ROOT).parts[:depth] if node.level else ()
            base = ".".join([*package, *([node.module] if node.module else [])])
            yield from ([base] if node.module else [f"{base}.{alias.name}" for alias in node.names])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_layers_below(path: Path) -> None:
    inner = [name.split(".")[1] for name in imported(path) if name.startswith("nodegraph.")]

    allowed = LAYERS[: LAYERS.index(layer_of(path)) + 1]
    assert [name for name in inner if name not in allowed] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_engine_knows_no_node_and_no_tensor_library(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(path)}

    assert tops & {"nodes", "torch", "numpy", "PIL", "cv2", "diffusers"} == set()


def test_importing_the_engine_loads_nothing_heavy() -> None:
    heavy = ["torch", "numpy", "PIL", "cv2", "networkx", "rich", "typer", "nodes"]
    code = f"import sys, nodegraph; print([m for m in {heavy} if m in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )

    assert done.stdout == "[]\n"

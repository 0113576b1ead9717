"""Large libraries are imported once, in one thread, and seen by others only when they are whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from threading import Barrier
from types import ModuleType
from typing import ClassVar

import pytest

from nodegraph import Node, Output
from nodegraph.base import imports
from nodegraph.cache import Cache
from nodegraph.execution.execute import run
from nodegraph.graph.registry import Registry
from nodegraph.node import LaneName
from nodegraph.planning.plan import plan
from nodegraph.values.tensors import Arrays

from ..support.running_toys import workflow

# Two packages that import each other slowly: from two threads, one gets half of the other.
_PARTS = {
    "toy_large": "import time\npart = 1\ntime.sleep(0.05)\nimport toy_other\nend = 1\n",
    "toy_other": "import time\nfirst = 1\ntime.sleep(0.05)\nimport toy_large\nlast = 1\n",
}


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Packages to be imported, and forgotten again."""
    for name, text in _PARTS.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(imports, "LARGE", frozenset(_PARTS))
    yield
    for name in _PARTS:
        sys.modules.pop(name, None)
        imports._whole.pop(name, None)


@pytest.mark.usefixtures("toys")
def test_two_threads_that_import_what_belongs_together_get_all_of_it() -> None:
    begin = Barrier(2)

    def ends(name: str) -> tuple[bool, bool]:
        begin.wait()
        imports.import_whole(name)
        return hasattr(sys.modules["toy_large"], "end"), hasattr(sys.modules["toy_other"], "last")

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(ends, _PARTS)) == [(True, True)] * 2


@pytest.mark.usefixtures("toys")
def test_lanes_that_ask_for_large_packages_at_once_get_all_of_them() -> None:
    nodes = {"large": {"type": "Large"}, "other": {"type": "Other"}}

    results = run(plan(workflow(nodes, a="large.value", b="other.value"), LANES), Cache.in_memory())

    assert results == {"a": 2, "b": 2}


def test_a_library_that_is_missing_is_told_by_the_node_that_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports, "LARGE", frozenset({"toy_missing"}))

    imports.import_large(["toy_missing", "pillow"])


@pytest.mark.parametrize("name", ["torch", "numpy"])
def test_a_library_that_is_half_imported_is_not_asked(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = ModuleType(name)
    half.__spec__ = ModuleSpec(name, None)
    half.__spec__._initializing = True  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, name, half)

    Arrays().trim()

    assert imports.imported(name) is None
    assert not Arrays().owns(1)
    assert Arrays().ooms("cuda:0") == 0
    assert not Arrays().is_oom(ValueError("x"))


class Ends(Output):
    """How many modules are whole."""

    value: int


def _ends() -> Ends:
    return Ends(
        value=hasattr(sys.modules["toy_large"], "end") + hasattr(sys.modules["toy_other"], "last")
    )


class Large(Node):
    """Import one in the lane of files."""

    lane: ClassVar[LaneName] = "io"
    packages = ("toy_large",)

    def run(self) -> Ends:
        import_module("toy_large")

        return _ends()


class Other(Node):
    """Import the other in the lane of the processor."""

    packages = ("toy_other",)

    def run(self) -> Ends:
        import_module("toy_other")

        return _ends()


LANES = Registry.of(Large, Other)

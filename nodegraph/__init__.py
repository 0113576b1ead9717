"""A typed engine for graphs of nodes: draw or load a workflow, check it, run what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .builder import Builder as Builder
    from .cache import Cache as Cache
    from .errors import NodeError as NodeError
    from .errors import NodeGraphError as NodeGraphError
    from .errors import Problem as Problem
    from .errors import RunError as RunError
    from .errors import UserError as UserError
    from .errors import WorkflowError as WorkflowError
    from .execution.execute import execute as execute
    from .execution.execute import run as run
    from .graph.drawing import Drawing as Drawing
    from .graph.drawing import each as each
    from .graph.drawing import every as every
    from .graph.registry import Registry as Registry
    from .graph.registry import load_registry as load_registry
    from .graph.schema import describe as describe
    from .graph.workflow import Workflow as Workflow
    from .node import Composed as Composed
    from .node import Composite as Composite
    from .node import Context as Context
    from .node import Each as Each
    from .node import EntriesOf as EntriesOf
    from .node import Folders as Folders
    from .node import Memo as Memo
    from .node import ModelRef as ModelRef
    from .node import Node as Node
    from .node import Output as Output
    from .node import Progress as Progress
    from .node import Reads as Reads
    from .node import Steps as Steps
    from .node import Wire as Wire
    from .node import Work as Work
    from .planning.plan import plan as plan
    from .planning.planner import Planner as Planner
    from .planning.types import Plan as Plan
    from .settings import Settings as Settings

_HOMES: Mapping[str, str] = {
    "Builder": ".builder",
    "Cache": ".cache",
    "NodeError": ".errors",
    "NodeGraphError": ".errors",
    "Problem": ".errors",
    "RunError": ".errors",
    "UserError": ".errors",
    "WorkflowError": ".errors",
    "execute": ".execution.execute",
    "run": ".execution.execute",
    "Drawing": ".graph.drawing",
    "each": ".graph.drawing",
    "every": ".graph.drawing",
    "Registry": ".graph.registry",
    "load_registry": ".graph.registry",
    "describe": ".graph.schema",
    "Workflow": ".graph.workflow",
    "Composed": ".node",
    "Composite": ".node",
    "Context": ".node",
    "Each": ".node",
    "EntriesOf": ".node",
    "Folders": ".node",
    "Memo": ".node",
    "ModelRef": ".node",
    "Node": ".node",
    "Output": ".node",
    "Progress": ".node",
    "Reads": ".node",
    "Steps": ".node",
    "Wire": ".node",
    "Work": ".node",
    "plan": ".planning.plan",
    "Planner": ".planning.planner",
    "Plan": ".planning.types",
    "Settings": ".settings",
}
"""The module of each, which is imported when somebody asks: the command line needs few of them, and
has to answer Ctrl-C while they are loaded."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})

"""A typed engine for graphs of nodes: draw or load a workflow, check it, run only what is not known yet."""

from .builder import Builder as Builder
from .builder import each as each
from .builder import every as every
from .errors import NodeError as NodeError
from .errors import NodeGraphError as NodeGraphError
from .errors import Problem as Problem
from .errors import RunError as RunError
from .errors import UserError as UserError
from .errors import WorkflowError as WorkflowError
from .node import Composite as Composite
from .node import Context as Context
from .node import Each as Each
from .node import Folders as Folders
from .node import ModelRef as ModelRef
from .node import Node as Node
from .node import Output as Output
from .node import Progress as Progress
from .node import Steps as Steps
from .node import Wire as Wire
from .plan import Plan as Plan
from .plan import plan as plan
from .registry import Registry as Registry
from .registry import load_registry as load_registry
from .schema import describe as describe
from .workflow import Workflow as Workflow


def __getattr__(name: str) -> object:
    homes = {"Cache": "cache", "Settings": "context", "execute": "execute", "run": "execute"}
    if name not in homes:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f".{homes[name]}", __name__), name)
    return found

"""A typed engine for graphs of nodes: draw or load a workflow, check it, run what is not known."""

from .cache import Cache as Cache
from .errors import NodeError as NodeError
from .errors import NodeGraphError as NodeGraphError
from .errors import Problem as Problem
from .errors import RunError as RunError
from .errors import UserError as UserError
from .errors import WorkflowError as WorkflowError
from .execution.context import Settings
from .execution.execute import execute, run
from .graph.drawing import Builder, each, every
from .graph.registry import Registry, load_registry
from .graph.schema import describe
from .graph.workflow import Workflow
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
from .planning.plan import Plan, plan
from .planning.planner import Planner

"""A workflow drawn in typed Python and run: what is drawn on later is planned from before."""

from __future__ import annotations

from .cache import Cache
from .execution.execute import run
from .graph.drawing import Drawing, addresses, kind_of
from .node import OutT
from .planning.plan import plan
from .planning.types import Plan
from .settings import Settings


class Builder(Drawing):
    """A drawing that can be run. What ``add`` returns stands in for outputs: pass it on."""

    def __init__(self, title: str = "") -> None:
        super().__init__(title)
        self._plan: Plan | None = None

    def run(
        self, outputs: OutT, cache: Cache | None = None, settings: Settings | None = None
    ) -> OutT:
        """Run what ``outputs`` needs and return the real ones; several items come as a list.

        Raises:
            WorkflowError: the graph cannot run.
            RunError: a node failed.
        """
        kind = kind_of(outputs)
        results = {name: str(address) for name, address in addresses(outputs, kind).items()}
        workflow = self.workflow().model_copy(update={"results": results})
        self._plan = plan(workflow, self.registry, only=results, before=self._plan)
        return kind.model_construct(None, **run(self._plan, cache, settings))

"""Workflows looked at without running them: mistakes, what would run, the form of their params."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ...base.budget import Budget
from ...cache import Cache
from ...errors import Problem, WorkflowError
from ...graph.bundle import bundle
from ...graph.registry import Registry
from ...graph.schema import InputPort, describe_params
from ...graph.workflow import Workflow
from ...inspection.explain import Line, explain
from ...inspection.files import find_unfit_files
from ...node import Folders
from ...planning.planner import Planner
from ...planning.types import Plan
from ...savings import OnOom
from ...settings import Settings
from ..errors import refused
from ..limits import Limits
from .capacity import Capacity, Place
from .library import Library
from .size import check_document, check_whole

MOST_PROBLEMS = 1000
"""As many are told; who has more begins with these."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A workflow with every template it uses inside it, and the kinds it may use."""

    workflow: Workflow
    kinds: Registry


class Checked(NamedTuple):
    """What is wrong with a workflow, and what it gives.

    Attributes:
        ends: The addresses that its end nodes give, by name, where it names no results itself.
    """

    problems: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()
    ends: Mapping[str, str] = {}


@dataclass(frozen=True)
class Graphs:
    """Reads workflows for those who ask over HTTP; only so many at once, each takes a core."""

    registry: Registry
    library: Library
    cache: Cache
    settings: Settings
    limits: Limits = field(default_factory=Limits)
    planner: Planner = field(default_factory=Planner)
    place: Place = field(init=False)

    def __post_init__(self) -> None:
        capacity = Capacity(self.limits.checks, self.limits.waiting)
        object.__setattr__(self, "place", capacity.place)

    def read(self, document: Mapping[str, Any]) -> Workflow:
        """Read a workflow that was sent.

        Raises:
            ApiError: it is none, or too large to be looked at.
        """
        try:
            check_document(document, self.limits)
            return Workflow.read(document)
        except WorkflowError as error:
            raise refused(error) from error

    def ready(self, workflow: Workflow, path: Path | None = None) -> Ready:
        """Put the templates it uses inside it. Files of others are found beside kept workflows.

        Args:
            path: Where it is kept, if it is.

        Raises:
            WorkflowError: a template cannot be used.
        """
        source = path or self.library.folder / "sent"
        whole = bundle(workflow, self.registry, source)
        check_whole(whole, self.limits)
        return Ready(whole, self.registry.with_templates_of(whole))

    def plan(
        self, ready: Ready, only: Sequence[str] | None, folders: Folders | None = None
    ) -> Plan:
        """Plan it, or say everything that is wrong with it (WorkflowError).

        Args:
            folders: Where files may be looked at, for warnings.
        """
        budget = Budget(self.limits.expanded)
        return self.planner.plan(ready.workflow, ready.kinds, only, folders, budget=budget)

    def check(self, workflow: Workflow, only: Sequence[str] | None) -> Checked:
        """Every problem, every warning, and what its end nodes give where it names no results."""
        with self.place():
            try:
                plan = self.plan(self.ready(workflow), only, self.settings.folders)
            except WorkflowError as error:
                return Checked(error.problems[:MOST_PROBLEMS])
            unfit = find_unfit_files(plan, self.settings)
            return Checked(unfit[:MOST_PROBLEMS], plan.warnings[:MOST_PROBLEMS], plan.ends)

    def explain(
        self, workflow: Workflow, only: Sequence[str] | None, on_oom: OnOom | None = None
    ) -> list[Line]:
        """What a run would do.

        Raises:
            WorkflowError: it cannot run.
        """
        settings = self.settings.with_on_oom(on_oom)
        with self.place():
            plan = self.plan(self.ready(workflow), only)
            return explain(plan, self.cache, settings, Budget(self.limits.expanded))

    def form(self, workflow: Workflow, path: Path | None = None) -> dict[str, Any]:
        """The params as the JSON Schema of an object. A workflow need not be sound to have some."""
        with self.place():
            try:
                ready = self.ready(workflow, path)
            except WorkflowError:
                ready = Ready(workflow, self.registry.with_templates_of(workflow))
            described = describe_params(ready.workflow, ready.kinds)
            self._check_defaults(described)
        needed = [param for param, port in described.items() if port.get("required", False)]
        return {
            "type": "object",
            "properties": described,
            "required": needed,
            "additionalProperties": False,
        }

    def _check_defaults(self, described: Mapping[str, InputPort]) -> None:
        """One value may be the default of any number of params.

        Raises:
            ApiError: they are too much for an answer.
        """
        letters: dict[int, int] = {}
        budget = Budget(self.limits.expanded)
        for name, port in described.items():
            value = port.get("default")
            if id(value) not in letters:
                letters[id(value)] = len(json.dumps(value))
            try:
                budget.letters(letters[id(value)], f"params.{name}")
            except WorkflowError as error:
                raise refused(error) from error

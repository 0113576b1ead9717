"""Reports of executors to the thread that drives a run: what became of a task, or of a lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ..cache import Record
from ..errors import NodeError
from ..events import Progressed, Started
from ..tasks.task import Task


@dataclass(frozen=True, slots=True)
class Done:
    """A task has been computed and its outputs are in the cache."""

    task: Task
    record: Record
    seconds: float


@dataclass(frozen=True, slots=True)
class Broke:
    """A task raised."""

    task: Task
    error: NodeError


@dataclass(frozen=True, slots=True)
class Lost:
    """A task could not start: the value of ``missing`` is no longer held by any tier."""

    task: Task
    missing: Task


@dataclass(frozen=True, slots=True)
class Stamped:
    """A task's stamp is known, so its key can be made."""

    task: Task
    stamp: object


@dataclass(frozen=True, slots=True)
class Idle:
    """A lane has run what it was given and can take more."""

    lane: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """The engine itself failed in a lane; the run cannot go on."""

    error: BaseException


Stamping: TypeAlias = Stamped | Lost | Broke
"""How asking a task for its stamp ends."""
Report: TypeAlias = Started | Progressed | Done | Stamping

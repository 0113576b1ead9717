"""The settings of a run, and what a running node sees of them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TypeVar

from .cache import Cache
from .node import Folders, ModelRef
from .plan import Plan
from .png import KEY
from .provenance import texts
from .workflow import Workflow

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Settings:
    """Where and how a plan runs.

    Attributes:
        devices: One lane each; ``cpu``, ``cuda:0``, …
        dtype: The floating-point type of model weights.
        batch: At most so many items of one call run together.
        allow: What the person at this machine allowed: ``pickle``, ``http``. With ``offline``
            nothing is fetched from the hub: who only looks must not wait for gigabytes.
    """

    devices: tuple[str, ...] = ("cpu",)
    dtype: str = "float32"
    batch: int = 4
    folders: Folders = field(default_factory=Folders)
    allow: frozenset[str] = frozenset()

    def signature(self) -> str:
        """What results of device nodes depend on: the device's kind and the dtype."""
        return f"{self.devices[0].partition(':')[0]}/{self.dtype}"


@dataclass(frozen=True, slots=True)
class RunContext:
    """The Context a node is given: the run's settings, on the device of its lane.

    Attributes:
        plan: What runs, where it does.
        linked: The key of every result that the node is given, by input.
    """

    settings: Settings
    device: str
    document: Workflow
    cache: Cache
    plan: Plan | None = None
    linked: Mapping[str, str] = field(default_factory=dict)

    @property
    def workflow(self) -> str:
        return self.document.to_json()

    @property
    def texts(self) -> Mapping[str, str]:
        if self.plan is None:
            return {KEY: self.workflow}
        return texts(self.plan, self.settings.signature(), self.linked)

    @property
    def dtype(self) -> str:
        return self.settings.dtype

    @property
    def folders(self) -> Folders:
        return self.settings.folders

    @property
    def allow(self) -> frozenset[str]:
        return self.settings.allow

    def pinned(self, model: str) -> tuple[str, str]:
        lock = self.document.models.get(model)
        return (lock.revision, lock.sha256) if lock else ("", "")

    def pinned_files(self, model: str) -> Mapping[str, str]:
        lock = self.document.models.get(model)
        return lock.files if lock else {}

    def lease(self, ref: ModelRef[W]) -> AbstractContextManager[W]:
        return self.cache.pool.lease(ref, self.device, self.dtype)

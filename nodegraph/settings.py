"""The settings of a run: devices, number format, batches, folders, and what is allowed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .node import Folders
from .savings import OnOom


@dataclass(frozen=True, slots=True)
class Settings:
    """Where and how a plan runs.

    Attributes:
        devices: One lane each; ``cpu``, ``cuda:0``, …
        dtype: The floating-point type of model weights.
        batch: At most so many items of one call run together.
        allow: What the person at this machine allowed: ``pickle``, ``http``. With ``offline``
            nothing is fetched from the hub: who only looks must not wait for gigabytes.
        on_oom: Whether what does not fit into memory may be made in smaller batches, in tiles or
            with weights that wait on the host, or fails.
    """

    devices: tuple[str, ...] = ("cpu",)
    dtype: str = "float32"
    batch: int = 4
    folders: Folders = field(default_factory=Folders)
    allow: frozenset[str] = frozenset()
    on_oom: OnOom = "degrade"

    @property
    def degrades(self) -> bool:
        return self.on_oom == "degrade"

    def with_on_oom(self, on_oom: OnOom | None) -> Settings:
        """As a job asks for it; None leaves it as it is."""
        return self if on_oom is None else replace(self, on_oom=on_oom)

    def signature(self) -> str:
        """What results of device nodes depend on: the device's kind and the dtype."""
        return f"{self.devices[0].partition(':')[0]}/{self.dtype}"

"""The settings of a run, and the record of options that a person gives them by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

from .errors import UserError, did_you_mean
from .node import Folders
from .savings import OnOom
from .system import devices as system

PERMISSIONS = ("pickle", "http")
"""What a person at this machine can allow: model files that are pickles, pictures from the web."""


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
        """The settings of a job that asks for ``on_oom``; None leaves it to the operator."""
        return self if on_oom is None else replace(self, on_oom=on_oom)

    def offline(self) -> Settings:
        """The settings of whoever only looks: nothing is fetched from the hub."""
        return replace(self, allow=self.allow | {"offline"})

    def signature(self) -> str:
        """The devices' kinds and the dtype, on which results of device nodes depend."""
        # More than one kind: nobody can tell beforehand which of them a node will run on.
        kinds = sorted({device.partition(":")[0] for device in self.devices})
        return f"{'+'.join(kinds)}/{self.dtype}"


@dataclass(frozen=True, slots=True)
class Compute:
    """Options of computing, as a person writes them: from the command line to a worker process.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1``, several with commas, or ``auto``.
        dtype: The floating-point type of model weights, or ``auto``.
        batch: At most so many items of one call run together.
        on_oom: Whether what does not fit into memory is degraded, or fails (see ``Settings``).
        budget: Memory to use, as ``cache.parse_budget`` reads it; None for what there is.
        allow: Out of ``PERMISSIONS``.
        nodes: Folders of node files.
        data: Folders that pictures are read from.
        models: Folders that models are taken from; None where any folder may be named.

    Raises:
        UserError: a value is none of these; the sentence names its option.
    """

    device: str = "auto"
    dtype: str = "auto"
    batch: int = 4
    on_oom: OnOom = "degrade"
    budget: str | None = None
    allow: frozenset[str] = frozenset()
    nodes: tuple[Path, ...] = ()
    data: tuple[Path, ...] = ()
    models: tuple[Path, ...] | None = None

    def __post_init__(self) -> None:
        system.parse_devices(self.device)
        system.dtype(self.dtype, ("cpu",))  # refuses an unknown one; any device will do
        if self.batch < 1:
            raise UserError(f"--batch {self.batch}: it should be 1 or more")
        if self.on_oom not in get_args(OnOom):
            raise UserError(
                f"--on-oom {self.on_oom!r}: it should be {' or '.join(get_args(OnOom))}"
            )
        for name in sorted(self.allow.difference(PERMISSIONS)):
            raise UserError(f"--allow-{name}: {did_you_mean(name, PERMISSIONS)}")

    @property
    def devices(self) -> tuple[str, ...]:
        """The names of the devices, of which one may be there twice."""
        return system.parse_devices(self.device)

    def resolved(self) -> Compute:
        """The same with the devices and the number format of this machine instead of ``auto``.

        Raises:
            UserError: this machine has no such device, or a folder does not exist.
        """
        for option, folders in (("--data", self.data), ("--models", self.models or ())):
            for folder in folders:
                if not folder.is_dir():
                    raise UserError(f"{option} {str(folder)!r}: there is no such folder")
        devices = system.devices(self.device)
        return replace(self, device=",".join(devices), dtype=system.dtype(self.dtype, devices))

    def settings(self, data: Iterable[Path] = (), output: Path | None = None) -> Settings:
        """The settings of a run; of resolved options alone, as ``auto`` is no device.

        Args:
            data: More folders that pictures are read from, after its own.
            output: Where nodes that write files write them.
        """
        readable = dict.fromkeys(path.resolve() for path in (*self.data, *data))
        return Settings(
            devices=self.devices,
            dtype=self.dtype,
            batch=self.batch,
            folders=Folders(tuple(readable), output, self.models),
            allow=self.allow,
            on_oom=self.on_oom,
        )

    def to_json(self) -> dict[str, Any]:
        """What a process of its own is started with."""
        return {
            "device": self.device,
            "dtype": self.dtype,
            "batch": self.batch,
            "on_oom": self.on_oom,
            "budget": self.budget,
            "allow": sorted(self.allow),
            "nodes": [str(folder) for folder in self.nodes],
            "data": [str(folder) for folder in self.data],
            "models": None if self.models is None else [str(folder) for folder in self.models],
        }

    @classmethod
    def from_json(cls, options: Mapping[str, Any]) -> Compute:
        """Read what ``to_json`` gave; other keys are somebody else's."""
        models = options["models"]
        return cls(
            device=options["device"],
            dtype=options["dtype"],
            batch=options["batch"],
            on_oom=options["on_oom"],
            budget=options["budget"],
            allow=frozenset(options["allow"]),
            nodes=tuple(map(Path, options["nodes"])),
            data=tuple(map(Path, options["data"])),
            models=None if models is None else tuple(map(Path, models)),
        )

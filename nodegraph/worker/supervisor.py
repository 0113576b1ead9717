"""All devices of a server: started, watched, drained and stopped together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from ..jobs import owners
from ..jobs.assets import Assets
from ..jobs.store import Store
from ..jobs.types import Event
from .device import DeviceThread, OnPreview, State
from .options import Options

_WAITING = frozenset({"job.queued", "job.requeued"})


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """The state of a device and its process at some moment.

    Attributes:
        starts: How many processes it has had.
        cache: ``{"tier", "bytes", "limit", "entries"}`` of each tier, when it was last idle.
        ooms: How often its process had run out of the device's memory by then.
    """

    name: str
    state: State
    job: str | None
    starts: int
    cache: tuple[Mapping[str, Any], ...] = ()
    ooms: int = 0


class Supervisor:
    """One thread and one process for each device.

    Args:
        on_preview: Called with a job's id, the header of a preview and its JPEG, in a device's
            thread; it should return at once.
    """

    def __init__(
        self,
        store: Store,
        assets: Assets,
        options: Options,
        on_preview: OnPreview | None = None,
    ) -> None:
        self._store = store
        self._threads = [
            DeviceThread(
                device,
                store,
                options.to_json(device, assets.folder, assets.thumbnails),
                options,
                on_preview,
            )
            for device in options.devices
        ]
        self._unsubscribe = store.subscribe(self._hear)

    def start(self) -> None:
        """Take back what dead predecessors held, and begin."""
        self._store.recover(owners.host(), owners.boot_id())
        for thread in self._threads:
            thread.start()

    def status(self) -> list[DeviceStatus]:
        """How every device is doing now."""
        return [
            DeviceStatus(t.device, t.state, t.job, t.starts, t.cache, t.ooms) for t in self._threads
        ]

    def want_previews(self, previews: bool) -> None:
        """Say whether anybody looks at previews; nobody does until this is called."""
        for thread in self._threads:
            thread.want_previews(previews)

    def drain(self, timeout: float) -> bool:
        """Take no more jobs and wait for those that run; False if some still do."""
        for thread in self._threads:
            thread.drain()
        late = monotonic() + timeout
        while any(thread.state == "busy" for thread in self._threads):
            if monotonic() >= late:
                return False
            sleep(0.05)
        return True

    def stop(self) -> None:
        """End now: what still runs goes back to the queue, and nobody blames it."""
        self._unsubscribe()
        for thread in self._threads:
            thread.stop()
        for thread in self._threads:
            thread.join()

    def _hear(self, events: Sequence[Event]) -> None:
        more = any(event.kind in _WAITING for event in events)
        unwanted = [event.job for event in events if event.kind == "job.cancelling" and event.job]
        for thread in self._threads:
            for job in (*unwanted, *([""] if more else [])):
                thread.wake(job)

"""The parts of a server, put together: its folders, its queue, its workers, its models."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...cache import Budgets, Cache, default_folder, parse_budget
from ...cache.budget import parse_size
from ...errors import UserError
from ...graph.registry import load_registry
from ...graph.shipped import inputs, shipped
from ...jobs.assets import Assets
from ...jobs.housekeeping import Keeper
from ...jobs.store import Store
from ...settings import Settings
from ...system.memory import most_bytes
from ...web import page
from ...web.limits import Limits
from ...web.middleware.access import Access, access_for
from ...web.redact import Names
from ...web.services import Services
from ...web.socket.hub import Hub
from ...web.workflows.capacity import Capacity
from ...web.workflows.check import Graphs
from ...web.workflows.library import Library
from ...worker.options import Options as WorkerOptions
from ...worker.supervisor import Supervisor
from ..exits import say
from ..run import resolve
from .options import DRAIN, FOLDERS, Options, data_folder

LEAST_MEMORY = 256 * 2**20
"""Bytes that a worker may be limited to."""
MODELS = "nodegraph.models"
"""Entry points: functions from folders to the models there and elsewhere, lists by sort."""


class Parts:
    """The parts of a server, built from its options."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.folder = data_folder(options.data_dir)
        expanded = replace(Limits().expanded, seconds=options.check_time)
        self.limits = Limits(queue=options.queue, expanded=expanded)
        self.memory = _memory(options.worker_memory)
        compute = resolve(options.compute)
        models = (path.resolve() for path in compute.models or ())
        self.compute = replace(
            compute,
            data=tuple(path.resolve() for path in compute.data),
            models=(self.folder / "models", *models),
        )

    @contextmanager
    def running(self, token: str = "") -> Iterator[Services]:
        """Everything but HTTP, running; at the end, jobs that run may finish for a while."""
        with self.built(token) as services:
            workers = services.workers
            assert workers is not None
            keeper = Keeper(services.store, services.assets)
            workers.start()
            keeper.start()
            try:
                yield services
                _drain(workers)
            finally:
                workers.stop()
                keeper.stop()

    @contextmanager
    def built(self, token: str = "") -> Iterator[Services]:
        """Everything, with nothing started."""
        options, budget = self.options, self.compute.budget
        access = access_for(options.host, token, options.public_url)
        budgets = parse_budget(budget) if budget else Budgets()
        store = Store(self._database(), reserve=self.folder / "reserve")
        try:
            pictures = Capacity(self.limits.pictures, self.limits.waiting)
            assets = Assets(self.folder / "assets", store, pictures.place)
            names = Names(self._names())
            hub = Hub(store, names, self.limits)
            settings = self._settings(assets)
            workers = Supervisor(store, assets, self._workers(), hub.preview)
            # Each needs the other: workers send previews, the hub says whether anybody looks.
            hub.want_previews = workers.want_previews
            yield self._services(
                access, Cache(budgets=budgets), settings, names, hub, assets, workers
            )
        finally:
            store.close()

    def _services(  # noqa: PLR0913, PLR0917 (what it is made of)
        self,
        access: Access,
        cache: Cache,
        settings: Settings,
        names: Names,
        hub: Hub,
        assets: Assets,
        workers: Supervisor,
    ) -> Services:
        registry = load_registry(self.compute.nodes, templates=shipped().values())
        lock, most = hub.store.database.writing, self.limits.workflows
        library = Library(self.folder / "workflows", shipped(), lock, most)
        page, stale = editor()
        return Services(
            store=hub.store,
            assets=assets,
            graphs=Graphs(registry, library, cache, settings, self.limits),
            hub=hub,
            names=names,
            access=access,
            limits=self.limits,
            workers=workers,
            models=partial(models_here, self.compute.models or ()),
            page=page,
            stale=stale,
        )

    def _database(self) -> str:
        url = self.options.database or os.environ.get("NODEGRAPH_DATABASE")
        return url or f"sqlite:///{self.folder / 'jobs.sqlite'}"

    def _settings(self, assets: Assets) -> Settings:
        """The settings that a request is answered with: it only looks, so it fetches nothing."""
        compute = replace(self.compute, data=(assets.folder, *self.compute.data))
        return compute.settings(inputs(), self.folder / "output").offline()

    def _workers(self) -> WorkerOptions:
        return WorkerOptions(
            compute=self.compute,
            output=self.folder / "output",
            time_limit=self.options.time_limit,
            memory=self.memory,
            preload=("torch", "diffusers"),
        )

    def _names(self) -> Mapping[Path, str]:
        """Names that stand in answers for the folders in the engine's sentences."""
        package = page.FOLDER.parent.parent
        return {
            Path.home(): "home",
            Path.cwd(): "here",
            package.parent: "packages",
            package: "nodegraph",
            default_folder(): "cache",
            **{path: path.name for path in self.compute.data},
            **dict.fromkeys(self.compute.models or (), "models"),
            **dict.fromkeys(inputs(), "inputs"),
            self.folder: "data",
            **{self.folder / name: name for name in FOLDERS},
        }


def _drain(workers: Supervisor) -> None:
    if any(device.state == "busy" for device in workers.status()):
        say(f"finishing what runs, for {DRAIN:.0f} s at most; Ctrl-C ends it now", "yellow")
    try:
        workers.drain(DRAIN)
    except KeyboardInterrupt:
        say("what ran goes on when the server is started again", "yellow")


def models_here(folders: Sequence[Path] = ()) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The models that are here already, in ``folders`` too, as the installed packages tell."""
    models_by_sort: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entry_points(group=MODELS):
        for sort, models in entry.load()(folders).items():
            models_by_sort.setdefault(sort, []).extend(models)
    return models_by_sort


def editor() -> tuple[Path, Any]:
    """The folder of the built page, and a function: whether it is older than its sources."""
    if find_spec("nodegraph.web.build") is None:
        return page.FOLDER, bool
    return page.FOLDER, getattr(import_module("nodegraph.web.build"), "stale", bool)


def _memory(text: str | None) -> int | None:
    """The bytes of ``--worker-memory``."""
    if text is None:
        return None
    size = parse_size(text, "--worker-memory")
    if most_bytes() is None:
        raise UserError("--worker-memory: this system does not tell what a process takes")
    if size < LEAST_MEMORY:
        least = LEAST_MEMORY // 2**20
        raise UserError(f"--worker-memory: {text!r} is less than the {least} MB a worker needs")
    return size

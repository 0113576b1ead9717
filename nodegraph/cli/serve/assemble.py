"""The parts of a server: its folders, its token, its queue, its workers."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...cache import Budgets, Cache, default_folder, parse_budget
from ...errors import UserError
from ...graph.registry import load_registry
from ...graph.shipped import inputs, shipped
from ...jobs.assets import Assets
from ...jobs.housekeeping import Keeper
from ...jobs.store import Store
from ...node import Folders
from ...settings import Settings
from ...system import devices as device
from ...web import page
from ...web.limits import Limits
from ...web.middleware.access import Access, access_for, is_loopback
from ...web.redact import Names
from ...web.services import Services
from ...web.socket.hub import Hub
from ...web.workflows.capacity import Turns
from ...web.workflows.check import Graphs
from ...web.workflows.library import Library
from ...worker.options import Options as WorkerOptions
from ...worker.supervisor import Supervisor
from ..exits import say, warn
from .serve import DRAIN, FOLDERS, Options, data_folder

MODELS = "nodegraph.models"
"""Entry points that tell which models are here, some folders' too: they return lists by sort."""


class Parts:
    """Builds a server of what a command line asks for."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.folder = data_folder(options.data_dir)
        self.limits = Limits(queue=options.queue)
        for option, folders in (("--data", options.data), ("--models", options.models)):
            for folder in folders:
                if not folder.is_dir():
                    raise UserError(f"{option} {str(folder)!r}: there is no such folder")
        self.models = (self.folder / "models", *(path.resolve() for path in options.models))

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
        options = self.options
        access = access_for(options.host, token, options.public_url)
        budgets = parse_budget(options.budget) if options.budget else Budgets()
        store = Store(self._database(), reserve=self.folder / "reserve")
        try:
            pictures = Turns(self.limits.pictures, self.limits.waiting)
            assets = Assets(self.folder / "assets", store, pictures.turn)
            names = Names(self._names())
            hub = Hub(store, names, self.limits)
            settings = self._settings(assets)
            workers = Supervisor(store, assets, self._worker(settings), hub.preview)
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
        registry = load_registry(self.options.nodes, templates=shipped().values())
        library = Library(self.folder / "workflows", shipped(), hub.store.database.writing)
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
            models=partial(models_here, self.models),
            page=page,
            stale=stale,
        )

    def _database(self) -> str:
        url = self.options.database or os.environ.get("NODEGRAPH_DATABASE")
        return url or f"sqlite:///{self.folder / 'jobs.sqlite'}"

    def _settings(self, assets: Assets) -> Settings:
        devices = device.devices(self.options.device)
        dtype = device.dtype(self.options.dtype, devices)
        if said := device.slow(dtype, devices):
            warn(said)
        data = (assets.folder, *(p.resolve() for p in self.options.data), *inputs())
        return Settings(
            devices=devices,
            dtype=dtype,
            batch=self.options.batch,
            on_oom=self.options.on_oom,
            folders=Folders(data, self.folder / "output", self.models),
            allow=self.options.allow | {"offline"},
        )

    def _worker(self, settings: Settings) -> WorkerOptions:
        return WorkerOptions(
            devices=settings.devices,
            dtype=settings.dtype,
            batch=settings.batch,
            on_oom=settings.on_oom,
            data=tuple(path.resolve() for path in self.options.data),
            models=self.models,
            output=settings.folders.output,
            nodes=self.options.nodes,
            allow=self.options.allow,
            budget=self.options.budget,
            time_limit=self.options.time_limit,
            preload=("torch", "diffusers"),
        )

    def _names(self) -> Mapping[Path, str]:
        """What answers call the folders that sentences of the engine name."""
        package = page.FOLDER.parent.parent
        return {
            Path.home(): "home",
            Path.cwd(): "here",
            package.parent: "packages",
            package: "nodegraph",
            default_folder(): "cache",
            **{path.resolve(): path.resolve().name for path in self.options.data},
            **dict.fromkeys(self.models, "models"),
            **dict.fromkeys(inputs(), "inputs"),
            self.folder: "data",
            **{self.folder / name: name for name in FOLDERS},
        }


def _drain(workers: Supervisor) -> None:
    if any(one.state == "busy" for one in workers.status()):
        say(f"finishing what runs, for {DRAIN:.0f} s at most; Ctrl-C ends it now", "yellow")
    try:
        workers.drain(DRAIN)
    except KeyboardInterrupt:
        say("what ran goes on when the server is started again", "yellow")


def models_here(folders: Sequence[Path] = ()) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The models that are here already, in ``folders`` too, as the installed packages tell."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entry_points(group=MODELS):
        for sort, models in entry.load()(folders).items():
            found.setdefault(sort, []).extend(models)
    return found


def editor() -> tuple[Path, Any]:
    """The folder of the built page, and what tells whether it is older than its sources."""
    if find_spec("nodegraph.web.build") is None:
        return page.FOLDER, bool
    return page.FOLDER, getattr(import_module("nodegraph.web.build"), "stale", bool)


def token_for(options: Options, folder: Path) -> tuple[str, bool]:
    """The token of this server, and whether it was made just now.

    Only this machine can reach a loopback address, so there none is needed; anywhere else one is
    made where none was given.

    Raises:
        UserError: the file cannot be read or written.
    """
    if options.token_file is not None:
        return _kept(options.token_file)
    if given := os.environ.get("NODEGRAPH_TOKEN"):
        if not given.strip():
            raise UserError("NODEGRAPH_TOKEN: is blank; write a token, or unset it")
        return given.strip(), False
    return ("", False) if is_loopback(options.host) else _kept(folder / "token")


def _kept(path: Path) -> tuple[str, bool]:
    """The token in a file that only its owner reads; made where there is none."""
    try:
        if not path.exists():
            token = secrets.token_urlsafe(32)
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "w", encoding="utf-8") as stream:
                stream.write(token + "\n")
            return token, True
        if path.stat().st_mode & 0o077:
            warn(f"{path}: others can read the token; `chmod 600` it")
        token = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is no text"
        raise UserError(f"token file {str(path)!r}: {why.lower()}") from error
    if not token:
        raise UserError(f"token file {str(path)!r}: is empty; delete it to have one made")
    return token, False


def address(host: str, port: int) -> str:
    """What to type into a browser on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown and shown[0] != '[' else shown}:{port}"

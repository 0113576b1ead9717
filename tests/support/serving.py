"""A server for tests: the real application on a real store, in a folder of the test's own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import uvicorn
from starlette.testclient import TestClient

from nodegraph.cache import Cache
from nodegraph.cli.serve.serve import settings as uvicorn_settings
from nodegraph.graph.registry import Registry, load_registry
from nodegraph.graph.shipped import inputs, shipped
from nodegraph.jobs.assets import Assets
from nodegraph.jobs.store import Store
from nodegraph.node import Folders
from nodegraph.settings import Settings
from nodegraph.web.app import create_app
from nodegraph.web.limits import Limits
from nodegraph.web.middleware.access import Access
from nodegraph.web.redact import Names
from nodegraph.web.services import Services
from nodegraph.web.socket.hub import Hub
from nodegraph.web.workflows.capacity import Capacity
from nodegraph.web.workflows.check import Graphs
from nodegraph.web.workflows.library import Library

HOST = "127.0.0.1:8188"
ORIGIN = f"http://{HOST}"
PATIENCE = 60.0
"""Seconds to wait for what should take one, on a busy machine."""
TOKEN = "a-token-that-nobody-guesses"
PHOTO = {"type": "LoadImage", "values": {"path": "portrait.png"}}
SOUND: dict[str, Any] = {
    "format": 1,
    "title": "Edges",
    "nodes": {"photo": PHOTO, "edges": {"type": "Canny", "links": {"image": "photo.image"}}},
    "params": {"low": {"to": "edges.low_threshold", "label": "Low"}},
    "results": {"edges": "edges.image"},
}


@cache
def known() -> Registry:
    """All nodes and shipped templates."""
    return load_registry(templates=shipped().values())


@contextmanager
def serving(
    folder: Path,
    access: Access | None = None,
    limits: Limits | None = None,
    page: Path | None = None,
    url: str = "",
) -> Iterator[Services]:
    """The parts of a server without workers: jobs wait for whoever claims them."""
    limits = limits or Limits()
    for part in ("assets", "models", "workflows"):
        (folder / part).mkdir(exist_ok=True)
    store = Store(url or f"sqlite:///{folder / 'jobs.sqlite'}")
    pictures = Capacity(limits.pictures, limits.waiting)
    assets = Assets(folder / "assets", store, pictures.place)
    names = Names(
        {
            folder: "data",
            **{folder / name: name for name in ("assets", "models")},
            **dict.fromkeys(inputs(), "inputs"),
        }
    )
    folders = Folders((assets.folder, *inputs()), models=(folder / "models",))
    settings = Settings(folders=folders, allow=frozenset({"offline"}))
    lock = store.database.writing
    library = Library(folder / "workflows", shipped(), lock, limits.workflows)
    try:
        yield Services(
            store=store,
            assets=assets,
            graphs=Graphs(known(), library, Cache(folder / "cache"), settings, limits),
            hub=Hub(store, names, limits),
            names=names,
            access=access or Access(),
            limits=limits,
            page=page,
        )
    finally:
        store.close()


@contextmanager
def client(services: Services, **headers: str) -> Iterator[TestClient]:
    """Asks the application as a program on this machine would."""
    with TestClient(create_app(services), base_url=ORIGIN, headers=headers) as asking:
        yield asking


@dataclass(frozen=True)
class Running:
    """A real server on a free port."""

    port: int
    server: uvicorn.Server

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def running(services: Services) -> Iterator[Running]:
    """The application behind uvicorn, as ``nodegraph serve`` runs it, in a thread."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        server = uvicorn.Server(uvicorn.Config(create_app(services), **uvicorn_settings(services)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield Running(listening.getsockname()[1], server)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


def raw(host: str, *parts: bytes) -> bytes:
    """Send bytes to a server and read all it answers."""
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), timeout=PATIENCE) as talking:
        for part in parts:
            talking.sendall(part)
        answer = b""
        with suppress(ConnectionResetError):  # it closed before it had read all of this
            while piece := talking.recv(65536):
                answer += piece
    return answer

"""`nodegraph serve`: put the server together, run it, and end it without losing anything."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ...errors import UserError
from ...savings import OnOom
from ..exits import stoppable

if TYPE_CHECKING:
    from ...web.services import Services

DRAIN = 30.0
"""Seconds that running jobs are given when the server is told to end."""
FOLDERS = ("assets", "models", "output", "workflows")
"""What is in a data folder."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a command line asks for."""

    host: str = "127.0.0.1"
    port: int = 8188
    data_dir: Path | None = None
    token_file: Path | None = None
    database: str | None = None
    public_url: tuple[str, ...] = ()
    nodes: tuple[Path, ...] = ()
    data: tuple[Path, ...] = ()
    models: tuple[Path, ...] = ()
    device: str = "auto"
    dtype: str = "auto"
    budget: str | None = None
    batch: int = 4
    on_oom: OnOom = "degrade"
    queue: int = 1000
    time_limit: float | None = None
    allow: frozenset[str] = frozenset()
    open: bool = False
    verbose: bool = False


def serve(options: Options) -> None:
    """Serve until Ctrl-C or SIGTERM; then let running jobs finish, for a while."""
    from .assemble import Parts, address, token_for

    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    with ExitStack() as stack:
        listening = stack.enter_context(bound(options.host, options.port))
        parts = Parts(options)
        token, made = token_for(options, parts.folder)
        services = stack.enter_context(parts.running(token))
        where = address(options.host, listening.getsockname()[1])
        _greet(where, services, token if made else "")
        if options.open:
            import webbrowser

            webbrowser.open(where)
        # uvicorn hands signals back when it has ended
        with suppress(KeyboardInterrupt), stoppable():
            _run(services, listening, options)


@contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens there: from now on nobody is refused.

    Raises:
        UserError: the port is taken, or there is no such address here.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise UserError(
                f"--host {host} --port {port}: {why}; another server may be running there,"
                " choose another with --port"
            ) from error
        listening.listen(256)
        yield listening


def _run(services: Services, listening: socket.socket, options: Options) -> None:
    import uvicorn

    from ...web.app import create_app

    uvicorn.Server(uvicorn.Config(create_app(services), **settings(services, options.verbose))).run(
        sockets=[listening]
    )


def settings(services: Services, verbose: bool = False) -> Mapping[str, Any]:
    """How uvicorn runs the application."""
    from ...web.middleware.head_timeout import protocol

    return {
        "log_config": None,
        "access_log": verbose,
        "http": protocol(services.limits.head),
        "ws": "websockets-sansio",
        "ws_max_size": services.limits.message,
        "ws_per_message_deflate": False,  # pictures do not get smaller
        "proxy_headers": False,  # nothing here depends on where a request says it comes from
        "server_header": False,
        "timeout_graceful_shutdown": 3,
        "limit_concurrency": 1000,
    }


def _greet(where: str, services: Services, token: str) -> None:
    """Say where the server is; a token that was made just now is shown this once."""
    from ...web.page import built
    from ..exits import warn

    typer.echo(f"nodegraph is at {where} (Ctrl-C ends it)")
    if token:
        typer.echo(f"the page asks for this token, kept in the data folder: {token}")
    if not built(services.page):
        warn("the editor has not been built; `python -m nodegraph.web.build` builds it")
    elif services.stale():
        warn("the editor is older than its sources; `python -m nodegraph.web.build` builds it")
    for problem in services.graphs.registry.refused:
        warn(f"{problem}; the other nodes are loaded")
    sys.stdout.flush()


def data_folder(asked: Path | None) -> Path:
    """Where jobs, pictures and workflows are kept.

    Raises:
        UserError: it cannot be made.
    """
    folder = asked
    if folder is None and (named := os.environ.get("NODEGRAPH_DATA")):
        folder = Path(named)
    if folder is None:
        from platformdirs import user_data_path

        folder = user_data_path("nodegraph", appauthor=False)
    try:
        for part in (folder, *(folder / name for name in FOLDERS)):
            part.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(f"--data-dir {str(folder)!r}: {why}; name another folder") from error
    return folder.resolve()

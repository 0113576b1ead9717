"""`nodegraph serve`: a server put together, run by uvicorn, and ended without losing anything."""

from __future__ import annotations

import gc
import logging
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ...errors import UserError
from ..exits import stoppable, warn
from ..output import echo
from .assemble import Parts
from .options import Options
from .token import token_for

if TYPE_CHECKING:
    from ...web.services import Services


_SWITCH = 0.001
"""Seconds after which a thread that works lets another one go on."""


def serve(options: Options) -> None:
    """Serve until Ctrl-C or SIGTERM; then let running jobs finish, for a while."""
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    with ExitStack() as stack:
        # First of all: a taken port is refused before a token is made or a worker starts.
        listening = stack.enter_context(bound(options.host, options.port))
        parts = Parts(options)
        token, is_new = token_for(options, parts.folder)
        services = stack.enter_context(parts.running(token))
        url = address(options.host, listening.getsockname()[1])
        _greet(url, services, token if is_new else "")
        if options.open:
            import webbrowser

            webbrowser.open(url)
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
        except (OSError, TypeError, UnicodeError) as error:  # of what is no name at all, the latter
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise UserError(
                f"--host {host} --port {port}: {reason}; another server may be running there,"
                " choose another with --port"
            ) from error
        listening.listen(256)
        yield listening


def address(host: str, port: int) -> str:
    """The URL to type into a browser on this machine."""
    name = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://{f'[{name}]' if ':' in name and name[0] != '[' else name}:{port}"


def _run(services: Services, listening: socket.socket, options: Options) -> None:
    import uvicorn

    from ...web.app import create_app

    app = create_app(services)
    # Threads that check workflows give way to those that answer others five times as often.
    sys.setswitchinterval(_SWITCH)
    # Nothing runs while the collector looks through everything: what stays until the end, some
    # hundred thousand objects, is looked through this once.
    gc.collect()
    gc.freeze()
    uvicorn.Server(uvicorn.Config(app, **settings(services, options.verbose))).run(
        sockets=[listening]
    )


def settings(services: Services, verbose: bool = False) -> Mapping[str, Any]:
    """The settings that uvicorn runs the application with."""
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


def _greet(url: str, services: Services, token: str) -> None:
    """Print the URL of the server; a token that was made just now is shown this once."""
    from ...web.page import built

    echo(f"nodegraph is at {url} (Ctrl-C ends it)")
    if token:
        echo(f"the page asks for this token, kept in the data folder: {token}")
    if not built(services.page):
        warn("the editor has not been built; `python -m nodegraph.web.build` builds it")
    elif services.stale():
        warn("the editor is older than its sources; `python -m nodegraph.web.build` builds it")
    for problem in services.graphs.registry.refused:
        warn(f"{problem}; the other nodes are loaded")
    sys.stdout.flush()

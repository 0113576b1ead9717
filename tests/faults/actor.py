"""A process for tests to kill: `python -m tests.faults.actor WHAT URL FOLDER`."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

from nodegraph.graph.workflow import Workflow
from nodegraph.jobs import owners
from nodegraph.jobs.files import publish_staged, staged
from nodegraph.jobs.store import Store
from nodegraph.jobs.types import JobResult, LeaseLostError, Order, StorageFullError
from nodegraph.web.errors import ApiError
from nodegraph.web.workflows.library import Library
from nodegraph.worker.options import Options

from ..support.working import CPU, service


def say(text: str) -> None:
    """Tell the test; only what is said has been promised."""
    print(text, flush=True)


def accepts(url: str, _: Path) -> None:
    """Accept jobs, and say the id of each."""
    store = Store(url)
    while True:
        say(store.submit(Order({"format": 1}), limit=10**6)[0].id)


def works(url: str, _: Path) -> None:
    """Claim jobs and finish them, with a short lease."""
    store = Store(url)
    say("ready")
    while True:
        claim = store.claim(owners.own(), "cpu", 1.0)
        if claim is None:
            time.sleep(0.02)
            continue
        time.sleep(0.02)
        with suppress(LeaseLostError):  # on a busy machine a second is soon over
            store.finish(claim.job.id, claim.token, [JobResult("by", text=str(os.getpid()))], {})


def same_key(url: str, _: Path) -> None:
    """Order the same thing as others do, when told to."""
    store = Store(url)
    say("ready")
    sys.stdin.readline()
    say(store.submit(Order({"format": 1}, key="the same"))[0].id)


def claims(url: str, _: Path) -> None:
    """Take every job there is, when told to, and say which."""
    store = Store(url)
    say("ready")
    sys.stdin.readline()
    while claim := store.claim(owners.own(), "cpu", 30.0):
        say(claim.job.id)
        store.finish(claim.job.id, claim.token, [], {})


def serves(url: str, folder: Path) -> None:
    """Be a server without HTTP."""
    options = Options(CPU, cache=folder / "cache", lease_s=3, cancel_s=1)
    with service(url, folder, options):
        say("ready")
        while True:
            time.sleep(1)


def saves(url: str, folder: Path) -> None:
    """Save one workflow whenever told to, in the place of the version that is told (- for none)."""
    store = Store(url)
    library = Library(folder, {}, store.database.writing)
    say("ready")
    for number, line in enumerate(sys.stdin):
        version, start = line.split()
        while time.time() < float(start):
            pass
        workflow = Workflow(title=f"{os.getpid()} {number}")
        try:
            entry, _ = library.put("shared", workflow, version.strip("-"), version == "-")
            say(entry.version)
        except ApiError as error:
            say(str(error.status_code))


def published(folder: Path, data: bytes) -> str:
    """Write a file and give it its name; returns that."""
    name = staged(folder, str(os.getpid()), data, ".png")
    publish_staged(folder, str(os.getpid()), [name])
    return name


def publishes(_: str, folder: Path) -> None:
    """Write files, and say the name of each."""
    while True:
        say(published(folder, os.urandom(300_000)))


def publishes_until_full(_: str, folder: Path) -> None:
    """Write files as long as there is room."""
    try:
        while True:
            say(published(folder, os.urandom(200_000)))
    except StorageFullError as error:
        say(str(error))


def fills(url: str, _: Path) -> None:
    """Accept jobs of 20 KB until files may not grow any more, and say how each one went."""
    import resource

    store = Store(url)
    size = os.stat(url.removeprefix("sqlite:///")).st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 400_000, resource.RLIM_INFINITY))
    refused = 0
    while refused < 3:
        try:
            say(store.submit(Order({"format": 1, "title": "x" * 20_000}))[0].id)
        except StorageFullError as error:
            refused += 1
            say(str(error))


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))

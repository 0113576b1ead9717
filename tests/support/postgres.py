"""A PostgreSQL of the tests' own, where its programs are installed."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from nodegraph.jobs.tables import METADATA


@dataclass
class Postgres:
    """A server in a folder; ``bin`` is where its programs are."""

    bin: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://nodegraph@127.0.0.1:{self.port}/postgres"

    def make(self) -> None:
        """Make the database: durable as it always is."""
        self._call("initdb", "-D", str(self._data), "-A", "trust", "-U", "nodegraph", "-E", "UTF8")

    def start(self) -> None:
        """Start it, and wait until it can be asked."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        log = str(self.folder / "log")
        self._call("pg_ctl", "-D", str(self._data), "-o", options, "-l", log, "-w", "start")

    def stop(self, how: str = "fast") -> None:
        """Stop it; ``immediate`` is like a crash."""
        self._call("pg_ctl", "-D", str(self._data), "-m", how, "-w", "stop")

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _call(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.bin / program), *arguments],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder,
            timeout=120, **_somebody(),
        )  # fmt: skip


def why_not() -> str:
    """Why there can be no PostgreSQL here; empty where there can."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed: pip install 'nodegraph-diffusion[postgres]'"
    if programs() is None:
        return "PostgreSQL is not installed, and NODEGRAPH_TEST_POSTGRES names none"
    if os.geteuid() == 0 and not _somebody():
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


def programs() -> Path | None:
    """The folder of initdb: on the search path, or the newest of Debian's."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = sorted(debian, key=lambda path: int(re.sub(r"\D", "", path.parts[-3]) or 0))
    return newest[-1].parent if newest else None


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """One that runs as long as the block; it was asked before whether there can be one."""
    bin = programs()
    assert bin is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = Postgres(bin, folder, port)
    if user := _somebody().get("user"):
        shutil.chown(folder, user)
    made.make()
    made.start()
    try:
        yield made
    finally:
        made.stop("immediate")


def emptied(url: str) -> str:
    """The same address, once nothing is there any more."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        METADATA.drop_all(connection)
        connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
    engine.dispose()
    return url


def _somebody() -> Mapping[str, Any]:
    """As whom to call its programs: they refuse to be root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return {}
    return {"user": "postgres"}

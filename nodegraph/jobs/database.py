"""A database whose write transactions come one after another, SQLite or PostgreSQL."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any

import sqlalchemy as sa

from ..base.files import write_whole
from ..errors import UserError
from .migrate import migrate
from .types import DatabaseAwayError, StorageFullError

BUSY = 30.0
"""Seconds to wait for another process that is writing."""
RESERVE = 2**20
"""Bytes that are kept for the moment the disk is full."""
_LOCK = 0x6E6F6465
"""The number of PostgreSQL's advisory lock: writers take turns, so events commit in their order."""
_FULL = ("full", "disk i/o", "no space", "readonly", "file too large")
_READS = "reads"

log = logging.getLogger("nodegraph.jobs")


class Database:
    """Connections to ``url``, and the room that is kept free for it."""

    def __init__(self, url: str, reserve: Path | None = None) -> None:
        self.engine = _engine(url)
        self.sqlite = self.engine.dialect.name == "sqlite"
        self.journal = _journal(self.engine) if self.sqlite else ""
        self._reserve = reserve
        # Reentrant: a writer may hold the turn beyond its commit, until the listeners were called.
        self._turn = RLock()
        try:
            with self.writing() as connection:
                migrate(connection)
        except BaseException:
            self.close()
            raise
        self.restock()

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one state and writes nothing.

        Raises:
            DatabaseAwayError: it cannot be asked now.
        """
        with (
            _translating_errors(),
            self.engine.connect().execution_options(**{_READS: True}) as connection,
        ):
            yield connection

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Keep this process's other writers out; what is done after a commit keeps its order."""
        with self._turn:
            yield

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a connection that no other writer is beside; committed at the end.

        Raises:
            StorageFullError: the disk is full, and nothing has been written.
            DatabaseAwayError: it cannot be asked now.
        """
        with self._turn, _translating_errors(), self.engine.begin() as connection:
            if not self.sqlite:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            yield connection

    def give_room(self) -> bool:
        """Free the reserve; False if there is none."""
        if self._reserve is None or not self._reserve.exists():
            return False
        self._reserve.unlink(missing_ok=True)
        return True

    def restock(self) -> None:
        """Fill the reserve again, if there is room."""
        if self._reserve is None or self._reserve.exists():
            return
        with suppress(OSError):
            write_whole(self._reserve, bytes(RESERVE))


@contextmanager
def _translating_errors() -> Iterator[None]:
    """Raise errors of ours for what the database's driver raises, whichever it is."""
    try:
        yield
    except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
        reason = str(getattr(error, "orig", error))
        if any(part in reason.lower() for part in _FULL):
            raise StorageFullError from error
        log.warning("the database does not answer: %s", reason.partition("\n")[0])
        raise DatabaseAwayError from error


def wal_is_sound(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite may use WAL with several connections.

    Versions before 3.51.3 can damage the database when a checkpoint and a writer meet
    (https://sqlite.org/wal.html#walresetbug); 3.50.7 and 3.44.6 have the repair, too.
    """
    return (
        version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    )


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            engine = sa.create_engine(parsed, connect_args={"timeout": BUSY})
            _prepare(engine)
            return engine
        if parsed.get_backend_name() == "postgresql":
            return sa.create_engine(parsed, pool_pre_ping=True)
    except sa.exc.ArgumentError as error:
        raise UserError("database: write sqlite:///FILE or postgresql+psycopg://…") from error
    except ModuleNotFoundError as error:
        raise UserError(
            "database: PostgreSQL needs a driver; pip install 'nodegraph-diffusion[postgres]'"
        ) from error
    raise UserError(
        f"database: {parsed.get_backend_name()!r} is not known; use sqlite or postgresql+psycopg"
    )


def _prepare(engine: sa.Engine) -> None:
    journal = "WAL" if wal_is_sound() else "PERSIST"

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # BEGIN is ours to say
        cursor = connection.cursor()
        for pragma in (f"journal_mode={journal}", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        # A lock that is asked for later, by a transaction that has read, may never be given.
        reads = connection.get_execution_options().get(_READS)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _journal(engine: sa.Engine) -> str:
    try:
        with engine.connect().execution_options(**{_READS: True}) as connection:
            return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())
    except sa.exc.DatabaseError as error:
        raise UserError(
            f"database {engine.url.database!r} cannot be opened: {error.orig}"
        ) from error

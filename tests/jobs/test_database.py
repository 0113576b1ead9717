"""The database: its journal, its migrations, and what happens when the disk is full."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from nodegraph.errors import UserError
from nodegraph.jobs import database
from nodegraph.jobs import migrate as upgrade
from nodegraph.jobs.store import Store
from nodegraph.jobs.tables import METADATA
from nodegraph.jobs.types import JobResult, Order, Problem, StorageFullError

EMPTY: dict[str, Any] = {"format": 1}


@pytest.mark.parametrize(
    ("version", "sound"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
    ],
)
def test_wal_is_used_only_where_it_is_sound(version: tuple[int, ...], sound: bool) -> None:
    assert database.wal_is_sound(version) == sound


def test_every_connection_waits_for_the_disk(store: Store) -> None:
    if store.kind != "sqlite":
        pytest.skip("PostgreSQL does so by itself")
    expected = "wal" if database.wal_is_sound() else "persist"

    with store.database.reading() as one, store.database.reading() as other:
        for connection in (one, other):
            pragmas = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
            assert pragmas == [expected, 2, 1]
    assert store.journal == expected


def test_the_migrations_make_the_tables_that_the_code_knows(store: Store) -> None:
    with store.database.reading() as connection:
        context = MigrationContext.configure(connection)

        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == upgrade.HEAD


def test_the_newest_migration_is_the_one_that_is_looked_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(upgrade.FOLDER))

    assert ScriptDirectory.from_config(config).get_current_head() == upgrade.HEAD


DONE, WAITS, NEW = "d" * 32, "e" * 32, "f" * 32
FIRST_JOB = sa.text(
    "INSERT INTO jobs (id, title, state, priority, place, digest, attempts, excused, token,"
    " cancel_requested, created, done, total, counts)"
    " VALUES (:id, 'old', :state, 0, 1, '', 0, 0, 0, 0, 1.0, 3, 3, '{}')"
)
"""How the first version wrote a job down."""
FIRST_PICTURE = sa.text(
    "INSERT INTO results (seq, job, result, asset, width, height, created)"
    " VALUES (:seq, :job, 'grid', 'a.png', 4, 3, 2.0)"
)


@pytest.fixture
def old(url: str, tmp_path: Path) -> str:
    """A database as the first version left it, with a job that waits and one that was made."""
    here = url if url.startswith("postgresql") else f"sqlite:///{tmp_path}/old.sqlite"
    engine = sa.create_engine(here)
    config = Config()
    config.set_main_option("script_location", str(upgrade.FOLDER))
    document = sa.text("INSERT INTO documents VALUES (:id, :workflow, '{}')")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for id, state in ((DONE, "done"), (WAITS, "queued")):
            connection.execute(FIRST_JOB, {"id": id, "state": state})
            connection.execute(document, {"id": id, "workflow": '{"format":1}'})
        for seq in (4, 9):  # numbers in between, and after, were given to what was deleted
            connection.execute(FIRST_PICTURE, {"seq": seq, "job": DONE})
        connection.execute(sa.text("DELETE FROM results WHERE seq = 9"))
    engine.dispose()
    return here


def test_the_jobs_of_an_older_database_are_there_and_run(old: str) -> None:
    store = Store(old)
    done = store.get(DONE)
    claim = store.claim("here:1:boot", "cpu", 30)
    assert claim is not None
    store.finish(WAITS, claim.token, [], {"ran": 1}, degraded=["tiled"])

    assert (done.title, done.total, done.degraded, done.on_oom) == ("old", 3, (), None)
    assert (claim.job.id, claim.workflow) == (WAITS, EMPTY)
    assert store.get(WAITS).degraded == ("tiled",)
    with store.database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    store.close()


def test_the_pictures_of_an_older_database_are_there_and_live_by_themselves_now(old: str) -> None:
    store = Store(old)
    before = store.results()[0]
    store.delete(DONE)

    after = store.results()[0]

    assert [(p.id, p.job, p.title, p.trial, p.deleted) for p in before] == [
        (4, DONE, "old", False, None)
    ]
    assert [(p.id, p.job, p.title) for p in after] == [(4, DONE, "old")]
    store.close()


def test_no_number_of_a_picture_is_given_twice_not_even_by_an_older_database(old: str) -> None:
    if not old.startswith("sqlite"):
        pytest.skip("PostgreSQL's own sequence goes on where it was")
    store = Store(old)
    claim = store.claim("here:1:boot", "cpu", 30)
    assert claim is not None
    store.finish(WAITS, claim.token, [JobResult("grid", None, "b.png", 4, 3)], {"ran": 1})

    assert store.results()[0][0].id == 10
    store.close()


def test_a_server_of_the_first_version_goes_on_in_a_database_of_this_one(old: str) -> None:
    store = Store(old)
    with store.database.writing() as connection:
        connection.execute(FIRST_JOB, {"id": NEW, "state": "queued"})

    assert store.get(NEW).degraded == ()
    store.close()


def test_a_database_of_a_newer_version_is_left_alone(store: Store, url: str) -> None:
    with store.database.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(UserError, match="version '9999', which this nodegraph does not know"):
        Store(url)


def test_opening_a_known_database_does_not_import_alembic(store: Store, url: str) -> None:
    if store.kind != "sqlite":
        pytest.skip("the driver is not where the other process looks")
    code = (
        "import sys; from nodegraph.jobs.store import Store;"
        f"Store({url!r}); print([m for m in ('alembic', 'torch', 'PIL') if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_two_that_open_a_new_database_at_once_make_it_once(tmp_path: Path) -> None:
    code = f"from nodegraph.jobs.store import Store; Store('sqlite:///{tmp_path}/new.sqlite')"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(2)
    ]

    assert [process.communicate()[1] for process in started] == [b"", b""]
    assert [process.returncode for process in started] == [0, 0]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "write sqlite:///FILE or postgresql"),
        ("mysql://x", "'mysql' is not known"),
        ("sqlite:////nowhere/at/all/jobs.sqlite", "cannot be opened"),
    ],
)
def test_a_database_that_cannot_be_is_refused_in_a_sentence(url: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Store(url)


def test_a_file_that_is_no_database_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"this is no database" * 100)

    with pytest.raises(UserError, match="cannot be opened: file is not a database"):
        Store(f"sqlite:///{path}")


def fill(store: Store, pages: int) -> None:
    """Let the database have no more than so many pages beyond those it has."""
    connection = store.database.engine.raw_connection()
    used = connection.cursor().execute("PRAGMA page_count").fetchone()[0]
    connection.close()

    @sa.event.listens_for(store.database.engine, "checkout")
    def limit(raw: sqlite3.Connection, *_: object) -> None:
        room = 256 if not (store.database._reserve and store.database._reserve.exists()) else 0
        raw.execute(f"PRAGMA max_page_count={used + pages + room}")


@pytest.mark.skipif("NODEGRAPH_TEST_POSTGRES" in __import__("os").environ, reason="SQLite's")
def test_a_full_disk_refuses_new_jobs_and_records_what_runs(store: Store) -> None:
    store.submit(Order(EMPTY))
    claim = store.claim("here:1:boot", "cpu", 30)
    assert claim is not None
    fill(store, pages=0)
    large = {"format": 1, "title": "x" * 100_000}

    with pytest.raises(StorageFullError, match="the disk is full; nothing was saved"):
        store.submit(Order(large))

    assert store.counts()["queued"] == 0
    problems = [Problem(address="a", message="x" * 50_000)]
    assert store.fail(claim.job.id, claim.token, problems).state == "failed"
    store.restock()
    assert store.database._reserve is not None
    assert store.database._reserve.stat().st_size == database.RESERVE

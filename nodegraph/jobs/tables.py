"""The tables of the database; migrations/versions makes them."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

METADATA = MetaData()
# Autoincrement: a number is never given twice, not even after deletions.

jobs = Table(
    "jobs",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("title", String(200), nullable=False),
    Column("state", String(10), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("place", Float, nullable=False),
    Column("key", String(200), unique=True),
    Column("digest", String(64), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("excused", Integer, nullable=False, default=0),
    Column("token", Integer, nullable=False, default=0),
    Column("owner", String(300)),
    Column("device", String(50)),
    Column("lease_until", Float),
    Column("cancel_requested", Integer, nullable=False, default=0),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False, default=0),
    Column("only", Text),
    Column("error", Text),
    Column("counts", Text, nullable=False, default="{}"),
    Column("on_oom", String(10)),
    Column("degraded", Text, nullable=False, default="[]"),
    Column("trial", Integer, nullable=False, default=0),
    Index("jobs_waiting", "state", "priority", "place"),
    sqlite_autoincrement=True,
)
"""The hot rows, small; ``excused`` counts starts that ended by no fault of the job."""

documents = Table(
    "documents",
    METADATA,
    Column("job", String(32), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("settings", Text, nullable=False),
)

results = Table(
    "results",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("job", String(32), nullable=False),
    Column("result", String(200), nullable=False),
    Column("item", Integer),
    Column("asset", String(80)),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("text", Text),
    Column("created", Float, nullable=False),
    Column("title", String(200), nullable=False, default=""),
    Column("trial", Integer, nullable=False, default=0),
    Column("deleted", Float),
    Index("results_of_job", "job"),
    Index("results_with_asset", "asset"),
    sqlite_autoincrement=True,
)
"""Pictures outlive their job: ``job`` leads nowhere then; ``title`` and ``trial`` are the job's.

``deleted`` is when a picture was put into the bin.
"""

events = Table(
    "events",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("job", String(32)),
    Column("time", Float, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("data", Text, nullable=False),
    Index("events_of_job", "job", "seq"),
    sqlite_autoincrement=True,
)

assets = Table(
    "assets",
    METADATA,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("file", String(80), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("created", Float, nullable=False),
    sqlite_autoincrement=True,
)
"""What was uploaded; what jobs made is in ``results``."""

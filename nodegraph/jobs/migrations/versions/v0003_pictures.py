"""Pictures that outlive their jobs, a bin for those that are deleted, and tries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Let results stay when their job goes, and note the job's title and whether it was a try."""
    op.add_column("jobs", _trial())
    if op.get_bind().dialect.name == "sqlite":
        _make_anew()
    else:
        op.drop_constraint("results_job_fkey", "results", type_="foreignkey")
        for column in _new():
            op.add_column("results", column)
    title = "(SELECT jobs.title FROM jobs WHERE jobs.id = results.job)"
    op.execute(f"UPDATE results SET title = COALESCE({title}, '')")


def _make_anew() -> None:
    """SQLite changes no constraint of a table: its rows go to another one, of the same name."""
    op.create_table(
        "results_new",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("job", sa.String(32), nullable=False),
        sa.Column("result", sa.String(200), nullable=False),
        sa.Column("item", sa.Integer),
        sa.Column("asset", sa.String(80)),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("created", sa.Float, nullable=False),
        *_new(),
        sqlite_autoincrement=True,
    )
    old = "seq, job, result, item, asset, width, height, text, created"
    op.execute(f"INSERT INTO results_new ({old}) SELECT {old} FROM results")
    # Also the numbers of rows that were deleted are never given again.
    op.execute("DELETE FROM sqlite_sequence WHERE name = 'results_new'")
    op.execute(
        "INSERT INTO sqlite_sequence (name, seq)"
        " SELECT 'results_new', seq FROM sqlite_sequence WHERE name = 'results'"
    )
    op.drop_table("results")
    op.rename_table("results_new", "results")
    op.create_index("results_of_job", "results", ["job"])
    op.create_index("results_with_asset", "results", ["asset"])


def _new() -> list[sa.Column[object]]:
    # The defaults are for those that are there, and for servers that still run the version before.
    return [
        sa.Column("title", sa.String(200), nullable=False, server_default=""),
        _trial(),
        sa.Column("deleted", sa.Float),
    ]


def _trial() -> sa.Column[object]:
    return sa.Column("trial", sa.Integer, nullable=False, server_default="0")

"""Whether a job may be made with less memory, and how it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add both to jobs."""
    op.add_column("jobs", sa.Column("on_oom", sa.String(10)))
    # The default is for those that are there, and for servers that still run the version before.
    words = sa.Column("degraded", sa.Text, nullable=False, server_default="[]")
    op.add_column("jobs", words)

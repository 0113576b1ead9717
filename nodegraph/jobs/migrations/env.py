"""Alembic's environment: the migrations, on the connection that opened the database."""

from __future__ import annotations

from alembic import context

from nodegraph.jobs.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()

"""Alembic's environment: the migrations, on the connection that opened the database."""

from __future__ import annotations

from alembic import context

from nodegraph.jobs.tables import METADATA

# Only while alembic runs there is a configuration; whoever imports every module has none.
if hasattr(context, "config"):
    context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
    with context.begin_transaction():
        context.run_migrations()

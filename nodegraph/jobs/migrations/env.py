"""What alembic runs: the migrations, on the connection it is given."""

from __future__ import annotations

from alembic import context

from nodegraph.jobs.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()

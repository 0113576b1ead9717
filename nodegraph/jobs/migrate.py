"""Bring a database to the tables that this version knows."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from ..errors import UserError

HEAD = "0003"
"""The newest migration."""
FOLDER = Path(__file__).parent / "migrations"


def migrate(connection: sa.Connection) -> None:
    """Run the migrations that are missing, in the connection's transaction.

    Raises:
        UserError: the database is of a newer version.
    """
    version = _version(connection)
    if version == HEAD:
        return  # without alembic, which takes longer to import than all else here
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise UserError(
            f"database: its tables are of version {version!r}, which this nodegraph does not know;"
            " use the version that wrote it, or another database"
        ) from error


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))

"""The steps by which the tables came to be; alembic runs them when a database is opened."""

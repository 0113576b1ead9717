"""How the tables came to be, step by step; alembic runs them when a database is opened."""

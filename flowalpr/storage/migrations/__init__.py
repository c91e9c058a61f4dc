"""One script for each change of the tables; Alembic runs those that a file lacks."""

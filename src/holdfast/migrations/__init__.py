"""One linear Alembic chain, one schema for all databases, and the protection that the database itself gives."""

"""The tables, as SQLAlchemy Core. A change here is a migration in `migrations/versions`."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table

metadata = MetaData()

keys = Table(
    "keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    Column("alias", String(200), nullable=False, unique=True),
    Column("owner", String(320)),
    Column("team", String(200)),
    Column("identity", String(32)),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

revisions = Table(
    "revisions",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Integer, nullable=False),
)
"""A counter a table of ours, raised with every change, so that other processes notice cheaply."""

"""The tables, as SQLAlchemy Core. A change here is a migration in `migrations/versions`."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, LargeBinary, MetaData, String, Table, true

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
    Column("models", JSON),
    Column("networks", JSON),
    Column("traffic_class", String(16)),
    Column("requests_per_minute", Integer),
    Column("tokens_per_minute", Integer),
    Column("parallel_requests", Integer),
    Column("budget_nano_usd", BigInteger),
    Column("budget_window", String(8)),
    Column("budget_hard", Boolean, nullable=False, server_default=true()),
    Column("expires_at", BigInteger),
    Column("mcp", JSON),
    Column("previous_hash", LargeBinary(32)),
    Column("previous_until", BigInteger),
    Column("purpose", String(200)),
    Column("made_by", String(16)),
)

budgets = Table(
    "budgets",
    metadata,
    Column("scope", String(400), primary_key=True),
    Column("nano_usd", BigInteger, nullable=False),
    Column("window", String(8), nullable=False),
    Column("hard", Boolean, nullable=False),
)
"""Budgets by scope: `person:alice@example.com`, `team:research`; `person:*` is the default of all persons."""

revisions = Table(
    "revisions",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Integer, nullable=False),
)
"""A counter for each table, raised with every change, so that other processes notice cheaply."""

expiring = Table(
    "expiring",
    metadata,
    Column("id_hash", LargeBinary(32), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("subject", LargeBinary(32), nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("expiring_subject", "subject", "kind"),
    Index("expiring_end", "expires_at"),
)
"""Sessions, one-time links, codes, tokens. Ids and subjects are keyed hashes, contents are encrypted."""

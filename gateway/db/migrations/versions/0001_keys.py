"""Keys, and the counter that tells other processes about changes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("hash", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("alias", sa.String(200), nullable=False, unique=True),
        sa.Column("owner", sa.String(320)),
        sa.Column("team", sa.String(200)),
        sa.Column("identity", sa.String(32)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
    )
    revisions = op.create_table(
        "revisions",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.Integer, nullable=False),
    )
    op.bulk_insert(revisions, [{"name": "keys", "value": 0}])


def downgrade() -> None:
    op.drop_table("revisions")
    op.drop_table("keys")

"""What lives for a while: sessions, one-time links, codes and tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "expiring",
        sa.Column("id_hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.LargeBinary(32), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("expiring_subject", "expiring", ["subject", "kind"])
    op.create_index("expiring_end", "expiring", ["expires_at"])


def downgrade() -> None:
    op.drop_table("expiring")

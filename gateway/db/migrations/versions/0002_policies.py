"""What a key may do and spend; rotation; budgets of persons and teams."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_COLUMNS = (
    sa.Column("models", sa.JSON),
    sa.Column("networks", sa.JSON),
    sa.Column("traffic_class", sa.String(16)),
    sa.Column("requests_per_minute", sa.Integer),
    sa.Column("tokens_per_minute", sa.Integer),
    sa.Column("parallel_requests", sa.Integer),
    sa.Column("budget_nano_usd", sa.BigInteger),
    sa.Column("budget_window", sa.String(8)),
    sa.Column("budget_hard", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("previous_hash", sa.LargeBinary(32)),
    sa.Column("previous_until", sa.BigInteger),
)


def upgrade() -> None:
    with op.batch_alter_table("keys") as keys:
        for column in _COLUMNS:
            keys.add_column(column)
    op.create_table(
        "budgets",
        sa.Column("scope", sa.String(400), primary_key=True),
        sa.Column("nano_usd", sa.BigInteger, nullable=False),
        sa.Column("window", sa.String(8), nullable=False),
        sa.Column("hard", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("budgets")
    with op.batch_alter_table("keys") as keys:
        for column in _COLUMNS:
            keys.drop_column(column.name)

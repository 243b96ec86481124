"""Which tool servers a key may use."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("keys") as keys:
        keys.add_column(sa.Column("mcp", sa.JSON))


def downgrade() -> None:
    with op.batch_alter_table("keys") as keys:
        keys.drop_column("mcp")

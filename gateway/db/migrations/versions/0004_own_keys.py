"""What a key is for, and who made it: people make keys of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_COLUMNS = (sa.Column("purpose", sa.String(200)), sa.Column("made_by", sa.String(16)))


def upgrade() -> None:
    with op.batch_alter_table("keys") as keys:
        for column in _COLUMNS:
            keys.add_column(column)


def downgrade() -> None:
    with op.batch_alter_table("keys") as keys:
        for column in _COLUMNS:
            keys.drop_column(column.name)

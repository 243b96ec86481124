"""Alembic's entry; the connection comes from `gateway.db.engine`."""

from alembic import context

from gateway.db.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()

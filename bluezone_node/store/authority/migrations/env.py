"""What Alembic runs for either history: on a connection that is already in a transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    # SQLite's tables are made in transactions too; Alembic assumes the worst of its driver.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

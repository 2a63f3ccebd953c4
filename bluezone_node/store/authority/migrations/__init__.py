"""The histories of the authority's two databases, one folder each; Alembic runs them."""

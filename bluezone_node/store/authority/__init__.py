"""The authority's two databases on SQLAlchemy, and its folder on disk."""

"""The registry's history. A step that has been released is never changed."""

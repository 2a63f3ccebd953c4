"""The history of the published keys' database. A step that has been released is never changed."""

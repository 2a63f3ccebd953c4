"""How keys reach nodes: files of one's own, and those of other authorities."""

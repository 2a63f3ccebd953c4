"""Places: who they are, and what visitors of them are told."""

"""Keys, identifiers, metadata and signatures, as pure functions of bytes."""

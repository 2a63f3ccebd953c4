"""bluezone-node: Bluetooth LE proximity tracing for Linux, and the authority behind it."""

__version__ = "0.1.0"

"""The one place that picks adapters and builds what runs: the node, and the authority."""

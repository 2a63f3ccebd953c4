"""A device's way to the authority, over HTTP: everything that comes back is a stranger's data."""

from bluezone_node.client.authority import HttpAuthority
from bluezone_node.client.exports import HttpExports
from bluezone_node.client.places import HttpPlaces

__all__ = ["HttpAuthority", "HttpExports", "HttpPlaces"]

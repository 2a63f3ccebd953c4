"""One module for each service that has an address."""

"""What is kept, each behind the ports of its services: the device's database, the authority's."""

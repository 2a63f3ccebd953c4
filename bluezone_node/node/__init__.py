"""The device's services, written against ports only: what runs day and night."""

"""The kiosk at a place's door: what was scanned is read, entered and counted; never who."""

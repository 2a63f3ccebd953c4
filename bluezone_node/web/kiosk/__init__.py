"""The kiosk's pages: one for the door, one for whoever runs the place."""

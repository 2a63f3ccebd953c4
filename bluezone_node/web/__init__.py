"""The HTTP of the authority and of a kiosk: routes parse, call one service and render."""

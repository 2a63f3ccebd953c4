"""Bluetooth LE: the frames on the air, and the radios, real and simulated, that carry them."""

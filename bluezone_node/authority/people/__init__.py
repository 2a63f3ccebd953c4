"""The people who work with the registrar, and the trail of what they did."""

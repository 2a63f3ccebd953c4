"""Places: their signed cards, visits to them, and notices of outbreaks there."""

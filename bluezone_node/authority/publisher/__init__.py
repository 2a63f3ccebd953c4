"""The publisher: takes certified keys, and counts them."""

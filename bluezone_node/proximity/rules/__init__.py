"""Rules by which countries judged a day of exposure: one module a family, parameters as data."""

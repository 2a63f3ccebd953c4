"""How long a test waits for what others do: one limit for all, that no machine reaches.

A wait ends with what is waited for, so a long limit costs nothing where all is well.  A short one
is a guess at how fast a machine is, and some build server is slower.
"""

PATIENCE = 120.0
"""Wall seconds after which what should have happened is taken never to happen: dozens of times
what anything here takes, for two cores that do the work of eight meanwhile."""

"""How long a test waits for what others do: one limit for all, that no machine reaches.

A wait ends with what is waited for, so a long limit costs nothing where all is well.  A short one
is a guess at how fast a machine is, and some build server is slower.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 120.0
"""Wall seconds after which what should have happened is taken never to happen: dozens of times
what anything here takes, for two cores that do the work of eight meanwhile."""
STORY_PATIENCE = 600.0
"""The same for a whole story of many processes: one that takes a minute on a machine of its own
took five on one core that it shared with eight."""


@contextmanager
def killing(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Kill *process* where a test leaves it alive: else leaving it waits for ever for its end."""
    try:
        yield
    finally:
        process.kill()

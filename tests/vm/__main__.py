"""``python -m tests.vm``: make sure that the machine can be booted; say what is done for it.

Exit status 0 also where it cannot be had: the tests then skip with the reason, and fail on a build
server that could have had it.
"""

import sys

from tests.vm.machine import find_machine
from tests.vm.packages import Unavailable


def say(line: str) -> None:
    print(f"vm: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        find_machine(say)
    except Unavailable as reason:
        say(str(reason))

"""``python -m tests.vm.guest SCENARIO [ARGUMENT…]``: what the machine's first program starts.

Exit status 0: the scenario ran to its end, whatever its checks said.
"""

import importlib
import sys
import traceback

from tests.vm.lab import Lab


def main() -> int:
    name, *arguments = sys.argv[1:]
    scenario = importlib.import_module(f"tests.vm.scenarios.{name}")
    with Lab(scenario.CHECKS) as lab:
        try:
            scenario.play(lab, *arguments)
        except Exception:
            lab.note("broke off", trace=traceback.format_exc())
            traceback.print_exc()
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

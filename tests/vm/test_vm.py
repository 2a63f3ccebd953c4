"""A real kernel, real BlueZ and the real program, judged from what was on the air.

A machine is booted once for each group of checks, some side by side; each check is a test.
"""

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest

from tests.patience import STORY_PATIENCE
from tests.vm.groups import GROUPS, SIDE_BY_SIDE, Group
from tests.vm.machine import Machine, Outcome, find_machine
from tests.vm.packages import Unavailable, may_install

pytestmark = pytest.mark.vm

EMULATED_TAKES = 5.0

CASES = [
    pytest.param(group, check, id=f"{group.name}: {check}")
    for group in GROUPS
    for check in group.checks
]


@pytest.fixture(scope="session")
def machine() -> Machine:
    """A machine that can be booted here; without one there is nothing to test."""
    try:
        return find_machine(print)
    except Unavailable as reason:
        if os.environ.get("CI") == "true" and may_install():
            pytest.fail(f"a build server must have the machine: {reason}")
        pytest.skip(f"no machine of our own: {reason}")


@pytest.fixture(scope="session")
def outcomes(
    machine: Machine, request: pytest.FixtureRequest
) -> Iterator[Mapping[str, "Future[Outcome]"]]:
    """What comes of each group that a selected test asks for; all begin at once, as room allows.

    What the machines leave is kept where a check failed: pytest's own folders live for three runs.
    """
    kept = Path(mkdtemp(prefix="bluezone-vm-"))

    def play(group: Group) -> Outcome:
        folder = kept / group.name
        limit = STORY_PATIENCE * (EMULATED_TAKES if machine.emulated else 1)
        return machine.run(group.scenario, folder, *group.arguments, timeout=limit)

    # The ids tell, as pytest has nothing better: "GROUP: CHECK" in square brackets.
    selected = [item.name for item in request.session.items if item.path.name == "test_vm.py"]
    wanted = {name.partition("[")[2].partition(":")[0] for name in selected}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {group.name: pool.submit(play, group) for group in GROUPS if group.name in wanted}
        # A run that is broken off does not wait for machines that were not booted yet.
        pool.shutdown(wait=True, cancel_futures=True)
    if not request.session.testsfailed:
        rmtree(kept)


@pytest.mark.parametrize(("group", "check"), CASES)
def test_on_a_real_kernel(
    group: Group, check: str, outcomes: Mapping[str, "Future[Outcome]"]
) -> None:
    """Each check of each scenario comes out well, with the evidence shown where it does not."""
    outcome = outcomes[group.name].result()
    verdict = outcome.checks.get(check)

    assert verdict is not None, f"{group.name} did not get as far as {check!r}: {outcome.why()}"
    evidence = {key: value for key, value in verdict.items() if key not in ("check", "ok", "at")}
    shown = json.dumps(evidence, ensure_ascii=False, indent=1)
    assert verdict["ok"], f"{group.checks[check]}: NOT SO. {shown}\n(all is in {outcome.folder})"

"""Requests made up from the API's own description: whatever comes, the server does as it says."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bluezone_node.store.authority.folder import SETTINGS, make_folder, open_folder
from tests.authority_process import running
from tests.patience import PATIENCE, STORY_PATIENCE

pytestmark = pytest.mark.slow

EXAMPLES = 60
"""Of each kind for each operation; the boundaries of every field come on top."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "missing_required_header",
    "ignored_auth",
)
SLACK = "[registrar]\nverify_per_minute = 1000000\nwrong_per_minute = 1000000\n"
"""So that more than the limits is looked at."""


async def test_every_operation_does_as_it_says(tmp_path: Path) -> None:
    """No mistake of the program, no status, type or field that the description does not have."""
    home = make_folder(tmp_path / "authority", ("registrar", "publisher")).path
    (home / SETTINGS).write_text(SLACK)
    folder = open_folder(home)
    (key,) = folder.api_keys()
    async with running(folder) as server:
        fuzzing = await asyncio.create_subprocess_exec(
            *(str(Path(sys.executable).parent / "schemathesis"), "run"),
            f"{server.url}/openapi.json",
            *("--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES)),
            *("--generation-deterministic", "--header", f"x-api-key: {key}"),
            *("--suppress-health-check", "all", "--no-color"),
            *("--request-timeout", f"{PATIENCE:.0f}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=tmp_path,
            env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "hypothesis")},
        )
        try:
            async with asyncio.timeout(STORY_PATIENCE):
                told, _ = await fuzzing.communicate()
        finally:
            if fuzzing.returncode is None:
                fuzzing.kill()
                await fuzzing.wait()
        assert fuzzing.returncode == 0, told.decode()
        server.stop()
        await server.stopped()

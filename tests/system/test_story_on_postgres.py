"""The demo's market with the authority's databases on PostgreSQL instead of files.

The other story is told there by ``test_story_through_bucket``.
"""

import base64
import os
import subprocess
import sys

import pytest

from bluezone_node.store.authority import exposure_tables, registry_tables
from tests.patience import STORY_PATIENCE
from tests.postgres import Server

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

MARKET = ("demo", "--story", "market")


def test_the_market_comes_true_on_postgres(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Told by the environment alone; all is in the two schemas, and nothing secret in a log."""
    # The folder of this test alone would have too long a name for sockets.
    folder = tmp_path_factory.mktemp("pg")
    with postgres_server.database() as url:
        done = subprocess.run(
            [sys.executable, "-m", "bluezone_node", *MARKET, "--dir", str(folder)],
            env={**os.environ, "BLUEZONE_DATABASE": url.replace("//tests@", "//tests:Kennwort@")},
            capture_output=True,
            text=True,
            timeout=STORY_PATIENCE,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        assert "Every line came true" in said
        assert not list((folder / "authority").glob("*.db*"))

        name = url.partition("@/")[2].partition("?")[0]
        tables = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg|info)'"
        assert sorted(postgres_server.run(tables, name)) == sorted(
            (layout.name, table)
            for layout in (exposure_tables.LAYOUT, registry_tables.LAYOUT)
            for table in (*layout.tables.tables, "alembic_version")
        )
        keys = [row[0] for row in postgres_server.run("SELECT key FROM authority.exposures", name)]
    assert len(keys) > 1000
    said += "".join(path.read_text() for path in folder.glob("**/*.log"))
    assert "Kennwort" not in said
    for key in keys:
        assert isinstance(key, bytes)
        assert key.hex() not in said
        assert base64.b64encode(key).decode() not in said

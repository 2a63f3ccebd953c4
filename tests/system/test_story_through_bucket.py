"""The demo's story at a country's scale: several workers, PostgreSQL, and a bucket for the files.

A key that one node publishes goes into PostgreSQL through one of two workers, out of it into
object storage, and from the storage's own address into another node, which raises the alert.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bluezone_node.commands.demo.cast import Document
from bluezone_node.commands.demo.story import Story
from bluezone_node.crypto.signing import load_public_key
from bluezone_node.export.container import open_verified
from bluezone_node.wiring.authority import DATABASE_VARIABLE
from tests import storage
from tests.postgres import Server

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

WORKERS = 2
PUBLIC = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}


class GreatStory(Story):
    """The same story; only where things are differs."""

    serving = ("--workers", str(WORKERS))

    def __init__(self, folder: Path, shelf: storage.Storage) -> None:
        super().__init__(folder)
        self.shelf = shelf
        self.bucket = self.prefix = ""

    async def _make_authority(self) -> Document:
        made = await super()._make_authority()
        bucket = self.shelf.bucket()
        with (self._authority / "authority.toml").open("a") as settings:
            settings.write(
                f'[export.bucket]\nurl = "{bucket.url}"\nendpoint = "{bucket.endpoint}"\n'
                f'region = "{bucket.region}"\n'
            )
        self.prefix = (bucket.url or "").removeprefix("s3://")
        self.bucket = self.prefix.partition("/")[0]
        # Everybody may read a file whose name they know, and nobody list or write.
        allowed = PUBLIC | {"Resource": f"arn:aws:s3:::{self.bucket}/*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self.shelf.client.put_bucket_policy(Bucket=self.bucket, Policy=policy)
        return made

    async def _open_authority(self) -> tuple[str, str, Document]:
        url, _, made = await super()._open_authority()
        return url, f"{self.shelf.endpoint}/{self.prefix}/exports", made

    async def _exports(self) -> list[int]:
        sizes = [size for name, size in self.objects().items() if name.endswith(".zip")]
        if not sizes:
            raise ConnectionError
        return sizes

    def objects(self) -> dict[str, int]:
        listed = self.shelf.client.list_objects_v2(Bucket=self.bucket)
        return {each["Key"]: each["Size"] for each in listed.get("Contents", [])}


@pytest.fixture
def in_hanoi(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The story's hours are those of a market in Hà Nội."""
    monkeypatch.setenv("TZ", "ICT-7")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_hanoi")
async def test_a_key_travels_through_postgres_and_a_bucket_into_an_alert(
    postgres_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line of the story comes true, and nothing that it needs is on the server's disk."""
    with postgres_server.database() as url, storage.running() as shelf:
        monkeypatch.setenv(DATABASE_VARIABLE, url)
        for name, value in storage.CREDENTIALS.items():
            monkeypatch.setenv(name, value)
        story = GreatStory(tmp_path, shelf)
        try:
            await story.run()
        finally:
            await story.end()
        assert story.true
        _check_places(story, postgres_server, url, tmp_path)


def _check_places(story: GreatStory, server: Server, url: str, folder: Path) -> None:
    """See that keys are where they should be, and secrets nowhere else."""
    home = folder / "authority"
    assert not [*home.glob("*.db*"), *home.glob("exports/*.zip")]
    database = url.partition("@/")[2].partition("?")[0]
    kept = {row[0] for row in server.run("SELECT key FROM authority.exposures", database)}
    public = load_public_key((home / "export-public.pem").read_bytes())
    exported = set()
    for name in story.objects():
        if name.endswith(".zip"):
            data = story.shelf.client.get_object(Bucket=story.bucket, Key=name)["Body"].read()
            batches = open_verified(data, [public]).key_batches()
            exported |= {key.key for batch in batches for key in batch}
    assert len(kept) >= 1000
    assert kept == exported
    said = "".join(path.read_text() for path in folder.glob("**/*.log"))
    assert "Traceback" not in said
    assert "canary" not in said

"""Export files in object storage, as an independent client finds them; and what can go wrong."""

import asyncio
import logging
import socket
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import msgspec
import pytest
from msgspec import structs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bluezone_node.authority.distribution.exporter import Exporter, ExportRun
from bluezone_node.authority.settings import BucketSettings, ExportSettings
from bluezone_node.clock import SystemClock
from bluezone_node.errors import BadConfig, StorageUnusable
from bluezone_node.export.container import open_verified
from bluezone_node.export.signature import SignatureState
from bluezone_node.store.authority import bucket
from bluezone_node.store.authority.bucket import BucketShelf
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import open_authority
from bluezone_node.wiring.shelves import BUCKET_VARIABLE, open_shelf, place_of
from tests.authorities import KnownKeys, Office, keys_of_days, served

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.storage import Storage


def put(shelf: BucketShelf, name: str, data: bytes) -> None:
    with shelf.writing(name) as file:
        file.write(data)


def name_of(settings: BucketSettings) -> str:
    assert settings.url is not None
    return settings.url.split("/")[2]


def refusal(settings: BucketSettings) -> StorageUnusable:
    with pytest.raises(StorageUnusable) as refused:
        BucketShelf(settings, "exports").files()
    assert refused.value.__cause__ is None
    assert "canary" not in f"{refused.value}{refused.value.hint}"
    return refused.value


def test_another_client_finds_what_was_put(storage: "Storage") -> None:
    """Below the prefix, with what a cache must know: the index for a minute, a file for good."""
    settings = storage.bucket("/vn/hn")
    shelf = BucketShelf(settings, "exports")
    assert shelf.place == f"{settings.url}/exports"
    put(shelf, "1-2-00001.zip", b"PK")
    put(shelf, "index.txt", b"exports/1-2-00001.zip\n")
    found = {
        name: storage.client.get_object(Bucket=name_of(settings), Key=f"vn/hn/exports/{name}")
        for name in ("1-2-00001.zip", "index.txt")
    }
    assert found["1-2-00001.zip"]["Body"].read() == b"PK"
    assert found["1-2-00001.zip"]["ContentType"] == "application/zip"
    assert found["1-2-00001.zip"]["CacheControl"] == "public, max-age=1209600, immutable"
    assert found["index.txt"]["ContentType"] == "text/plain; charset=us-ascii"
    assert found["index.txt"]["CacheControl"] == "public, max-age=60"


def test_what_changes_is_not_kept_by_caches(storage: "Storage") -> None:
    """A bundle of notices is for good; the lists beside it are for a minute, as an index is."""
    settings = storage.bucket("/vn")
    shelf = BucketShelf(settings, "exports/places")
    told = {}
    for name in ("00000001.cose", "trust.cose", "days.cose"):
        put(shelf, name, b"x")
        found = storage.client.get_object(Bucket=name_of(settings), Key=f"vn/exports/places/{name}")
        told[name] = (found["ContentType"], found["CacheControl"])
    assert told == {
        "00000001.cose": ("application/cose", "public, max-age=1209600, immutable"),
        "trust.cose": ("application/cose", "public, max-age=60"),
        "days.cose": ("application/cose", "public, max-age=60"),
    }


def test_a_file_of_several_parts_is_whole(storage: "Storage") -> None:
    """Larger than what goes up at once, byte for byte."""
    settings = storage.bucket()
    data = bytes(range(256)) * 50_000
    put(BucketShelf(settings, "exports"), "1-2-00001.zip", data)
    found = storage.client.get_object(Bucket=name_of(settings), Key="vn/exports/1-2-00001.zip")
    assert found["Body"].read() == data


def test_only_a_series_own_files_are_listed(
    storage: "Storage", monkeypatch: pytest.MonkeyPatch
) -> None:
    """On however many pages, without those that lie deeper or beside."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    settings = storage.bucket("")
    names = {f"{n}-{n + 1}-00001.zip" for n in range(10)}
    others = {"exports/laos/1-2-00001.zip", "exports2/3-4-00001.zip", "exports/index.txt"}
    for key in {f"exports/{name}" for name in names} | others:
        storage.client.put_object(Bucket=name_of(settings), Key=key, Body=b"12")
    assert BucketShelf(settings, "exports").files() == dict.fromkeys(names, 2)
    assert BucketShelf(settings, "exports/laos").files() == {"1-2-00001.zip": 2}


def test_an_exporter_writes_to_a_bucket_and_mends_it(storage: "Storage") -> None:
    """Files and index as in a folder; what somebody spoilt is put right by the next run."""
    settings = storage.bucket()
    office = Office()
    exporter = Exporter(
        office.exposures,
        BucketShelf(settings, "exports"),
        office.clock,
        office.entropy,
        keys=KnownKeys({"v1": office.export_key}),
        settings=ExportSettings(period_minutes=60, max_records=600),
    )
    office.publish(keys_of_days(1, 2))
    office.pass_time(hours=5)
    assert exporter.run().written == 2
    held = {"Bucket": name_of(settings)}

    def objects() -> dict[str, bytes]:
        listed = storage.client.list_objects_v2(**held)["Contents"]
        return {
            each["Key"]: storage.client.get_object(**held, Key=each["Key"])["Body"].read()
            for each in listed
        }

    before = objects()
    lines = before["vn/exports/index.txt"].decode().split()
    assert {f"vn/{line}" for line in lines} == set(before) - {"vn/exports/index.txt"}
    for line in lines:
        export = open_verified(before[f"vn/{line}"], [office.export_key.public_key()])
        assert export.signature is SignatureState.VERIFIED
    storage.client.delete_object(**held, Key=f"vn/{lines[0]}")
    storage.client.put_object(**held, Key="vn/exports/index.txt", Body=b"\xff")
    storage.client.put_object(**held, Key="vn/exports/1-2-00001.zip", Body=b"foreign")
    assert exporter.health().problems == ("files_missing", "index_wrong")
    assert exporter.run() == ExportRun(0, 1, 1)
    assert objects() == before
    assert exporter.health().problems == ()


def test_a_bucket_that_is_not_there_is_named(storage: "Storage") -> None:
    """Whatever is asked of it; reading what is not there is another thing."""
    settings = structs.replace(storage.bucket(), url="s3://not-there/vn")
    refused = refusal(settings)
    assert str(refused) == "The storage s3://not-there/vn/exports refused: NoSuchBucket."
    assert "make the bucket" in refused.hint
    shelf = BucketShelf(settings, "exports")
    for ask in (lambda: put(shelf, "a", b"b"), lambda: shelf.read("a")):
        with pytest.raises(StorageUnusable, match="NoSuchBucket"):
            ask()


def test_a_storage_that_is_away_is_said(
    storage: "Storage", monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few tries: a port where nobody listens, and one where nobody answers."""
    monkeypatch.setattr(bucket, "REQUEST", timedelta(seconds=0.2))
    monkeypatch.setattr(bucket, "RETRIES", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        away = structs.replace(storage.bucket(), endpoint=f"http://127.0.0.1:{port}")
        assert "cannot be reached" in str(refusal(away))
    refused = refusal(away)
    assert "cannot be reached" in str(refused)
    assert "endpoint" in refused.hint


def test_it_goes_encrypted_unless_told_otherwise(
    storage: "Storage", monkeypatch: pytest.MonkeyPatch
) -> None:
    """To an https:// address nothing is said in the clear."""
    monkeypatch.setattr(bucket, "RETRIES", 0)
    secure = structs.replace(storage.bucket(), endpoint=storage.endpoint.replace("http", "https"))
    assert "cannot be reached" in str(refusal(secure))


@pytest.mark.parametrize(
    ("body", "status", "hint"),
    [
        (b"<Code>AccessDenied</Code><Key>canary</Key>", 403, "must be allowed"),
        (b"<Code>InvalidAccessKeyId</Code><Id>canary</Id>", 403, "AWS_ACCESS_KEY_ID"),
        (b"<Code>SignatureDoesNotMatch</Code>", 403, "AWS_SECRET_ACCESS_KEY"),
        (b"<Code>RequestTimeTooSkewed</Code>", 403, "clock is wrong"),
        (b"<Code>AuthorizationHeaderMalformed</Code>", 400, "region"),
        (b"canary", 400, "documentation"),
    ],
)
async def test_a_refusal_says_what_to_do(
    storage: "Storage",  # its credentials
    caplog: pytest.LogCaptureFixture,
    body: bytes,
    status: int,
    hint: str,
) -> None:
    """By the storage's own code; of its text nothing else is passed on, nor of the credentials."""

    async def refuse(_request: Request) -> Response:
        return Response(b"<Error>" + body + b"</Error>", status, media_type="application/xml")

    caplog.set_level(logging.DEBUG)
    app = Starlette(routes=[Route("/{path:path}", refuse, methods=["GET", "PUT", "POST"])])
    async with served(app) as address:
        there = BucketSettings("s3://anywhere", address, "any")
        refused = await asyncio.to_thread(refusal, there)
    assert hint in refused.hint
    assert "canary" not in caplog.text


def test_the_settings_choose_the_shelf(
    storage: "Storage", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder unless a bucket is set, in the file or in the environment."""
    folder = make_folder(tmp_path / "home", ["publisher"])
    assert place_of(folder) == str(folder.exports)
    assert not isinstance(open_shelf(folder), BucketShelf)
    monkeypatch.setenv(BUCKET_VARIABLE, "s3://elsewhere/vn/")
    assert place_of(folder) == "s3://elsewhere/vn/exports"
    laos = open_shelf(folder, "laos")
    assert isinstance(laos, BucketShelf)
    assert laos.place == "s3://elsewhere/vn/exports/laos"
    monkeypatch.setenv(BUCKET_VARIABLE, "s3://user:password@elsewhere")
    with pytest.raises(BadConfig) as refused:
        open_shelf(folder)
    assert "password" not in f"{refused.value}{refused.value.hint}"


@pytest.mark.parametrize("given", ["", "s3://elsewhere/vn"])
async def test_what_lies_in_a_bucket_is_not_served_from_here(
    storage: "Storage", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """A file left in the folder would be an old one; the CDN has the new."""
    monkeypatch.setenv(BUCKET_VARIABLE, given)
    roles = ["registrar", "publisher"]
    folder = make_folder(tmp_path / "home", roles)
    folder.exports.mkdir()
    (folder.exports / "index.txt").write_bytes(b"")
    clock = SystemClock()
    with open_authority(folder, clock, roles) as parts:
        async with (
            served(authority_app(folder, parts, clock)) as address,
            httpx2.AsyncClient(base_url=address) as http,
        ):
            answer = await http.get("/exports/index.txt")
    assert answer.status_code == (404 if given else 200)


@pytest.mark.parametrize("url", ["bucket", "https://x/y", "s3://A_B", "s3://b", "s3://abc/x?y=1"])
def test_an_address_that_is_no_buckets_is_refused(url: str) -> None:
    """Before anything is asked of it."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"url": url}, BucketSettings)

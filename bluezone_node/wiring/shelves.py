"""Where an authority's export files go: its own folder, or the bucket of its settings."""

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from msgspec import ValidationError, convert, structs

from bluezone_node.errors import BadConfig

if TYPE_CHECKING:
    from bluezone_node.authority.ports.shelf import ExportShelf
    from bluezone_node.authority.settings import BucketSettings
    from bluezone_node.store.authority.folder import AuthorityFolder

BUCKET_VARIABLE = "BLUEZONE_EXPORT_BUCKET"
"""Of the environment: takes the place of ``export.bucket.url``."""


def bucket_of(folder: "AuthorityFolder") -> "BucketSettings | None":
    """Return the bucket that export files go to; None: they stay in the folder.

    Raises:
        BadConfig: its address is none.
    """
    from bluezone_node.authority.settings import BucketSettings

    bucket = folder.settings.export.bucket
    if given := os.environ.get(BUCKET_VARIABLE):
        try:
            bucket = convert(structs.asdict(bucket) | {"url": given}, BucketSettings)
        except ValidationError:
            raise BadConfig(
                f"{BUCKET_VARIABLE} is not the address of a bucket.", hint="s3://BUCKET/PREFIX"
            ) from None
    return bucket if bucket.url else None


def place_of(folder: "AuthorityFolder") -> str:
    """Return where the authority's own files lie, for a person."""
    bucket = bucket_of(folder)
    if bucket is None or bucket.url is None:
        return str(folder.exports)
    return f"{bucket.url.rstrip('/')}/{folder.exports.name}"


def open_shelf(folder: "AuthorityFolder", series: str = "") -> "ExportShelf":
    """Return where the files of a series lie; empty: the authority's own.

    Raises:
        BadConfig: object storage was set and its library is not installed.
    """
    from bluezone_node.authority.distribution.exporter import ROOT

    bucket = bucket_of(folder)
    if bucket is None:
        from bluezone_node.store.authority.shelf import FolderShelf

        return FolderShelf(folder.exports / series)
    if find_spec("obstore") is None:
        raise BadConfig(
            "Object storage needs a library that is not installed: obstore.",
            hint="pip install '.[authority,s3]'",
        )
    from bluezone_node.store.authority.bucket import BucketShelf

    return BucketShelf(bucket, f"{ROOT}/{series}".rstrip("/"))

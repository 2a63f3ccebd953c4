"""Export files in object storage that speaks S3, for a CDN to hand out.

Storage promises what a folder must work for: an object is there whole, or not there.  Credentials
are the environment's or the machine's, and are neither read nor kept by us.
"""

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO, TypeVar
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from bluezone_node.authority.ports.shelf import FILE_SECONDS, INDEX_SECONDS, LISTS
from bluezone_node.authority.settings import BucketSettings
from bluezone_node.errors import StorageUnusable

CONNECT = timedelta(seconds=5)
REQUEST = timedelta(seconds=60)
"""For one part of a file, 5 MB, or any other answer: a line of 1 Mbit/s does it."""
RETRIES = 3
GIVE_UP = timedelta(seconds=90)
"""After which a request is not tried again: the next round of the exporter comes anyway."""
PARTS_AT_ONCE = 2
"""Of 5 MB each, so that a large file takes no more memory than a small one."""

_HINTS = {
    "NoSuchBucket": "make the bucket, or correct export.bucket.url",
    "AccessDenied": "the credentials must be allowed to list the bucket, and to get, put and "
    "delete objects in it",
    "InvalidAccessKeyId": "AWS_ACCESS_KEY_ID is none that the storage knows",
    "SignatureDoesNotMatch": "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID",
    "RequestTimeTooSkewed": "this machine's clock is wrong: see to its time synchronisation",
    "ExpiredToken": "the session token is over: fetch a new one",
    "PermanentRedirect": "export.bucket.region is not that of the bucket",
    "AuthorizationHeaderMalformed": "export.bucket.region is not that of the bucket",
}
"""What a person can do, by the storage's code for what is wrong."""

_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,64})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")

_T = TypeVar("_T")


class BucketShelf:
    """`ExportShelf` in a bucket. What goes wrong is a `StorageUnusable`."""

    def __init__(self, settings: BucketSettings, folder: str, index: str = "index.txt") -> None:
        """*folder*: below the prefix of the settings."""
        parts = urlsplit(settings.url or "")
        prefix = "/".join(part for part in (parts.path.strip("/"), folder) if part)
        self.place = f"s3://{parts.netloc}/{prefix}"
        self._index = index
        chosen = {"endpoint": settings.endpoint, "region": settings.region}
        self._store = S3Store(
            parts.netloc,
            prefix=prefix,
            config={name: value for name, value in chosen.items() if value},  # type: ignore[arg-type]
            # The bucket in the path: the one way that every storage understands.
            virtual_hosted_style_request=False,
            client_options={
                "allow_http": settings.endpoint.startswith("http://"),
                "connect_timeout": CONNECT,
                "timeout": REQUEST,
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": GIVE_UP},
        )

    def files(self) -> dict[str, int]:
        # Without what lies deeper: other series have folders of their own there.
        found = self._asked(lambda: obstore.list_with_delimiter(self._store)["objects"])
        return {each["path"]: each["size"] for each in found if each["path"] != self._index}

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        # Without a name on disk, and gone with the process. What is in it is about to be public.
        with tempfile.TemporaryFile() as file:
            yield file
            file.seek(0)
            self._asked(
                lambda: obstore.put(
                    self._store,
                    name,
                    file,
                    attributes=self._attributes(name),
                    max_concurrency=PARTS_AT_ONCE,
                )
            )

    def read(self, name: str) -> bytes | None:
        try:
            return bytes(self._asked(lambda: obstore.get(self._store, name).bytes()))
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        try:
            self._asked(lambda: obstore.delete(self._store, name))
        except FileNotFoundError:
            return

    def _attributes(self, name: str) -> dict[str, str]:
        if name == self._index:
            return {
                "Content-Type": "text/plain; charset=us-ascii",
                "Cache-Control": f"public, max-age={INDEX_SECONDS}",
            }
        lasting = f"public, max-age={FILE_SECONDS}, immutable"
        return {
            "Content-Type": f"application/{'cose' if name.endswith('.cose') else 'zip'}",
            "Cache-Control": f"public, max-age={INDEX_SECONDS}" if name in LISTS else lasting,
        }

    def _asked(self, ask: Callable[[], _T]) -> _T:
        """Return what *ask* does.

        Raises:
            FileNotFoundError: there is no such object in the bucket.
            StorageUnusable: anything else; nothing of the storage's own text is quoted but its
                code, since it may name credentials.
        """
        try:
            return ask()
        except (BaseError, OSError) as error:
            code, status = _CODE.search(str(error)), _STATUS.search(str(error))
            name = code[1] if code else f"status {status[1]}" if status else ""
            if isinstance(error, FileNotFoundError) and name != "NoSuchBucket":
                raise FileNotFoundError from None
        if name:
            hint = _HINTS.get(name, "see the storage's documentation")
            raise StorageUnusable(f"The storage {self.place} refused: {name}.", hint=hint)
        raise StorageUnusable(
            f"The storage {self.place} cannot be reached.",
            hint="look at export.bucket.endpoint, the network and the storage's certificate",
        )

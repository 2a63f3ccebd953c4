"""Object storage of the tests' own: moto's S3 behind real HTTP, looked into by boto3."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from bluezone_node.authority.settings import BucketSettings

REGION = "ap-southeast-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "canary-id",
    "AWS_SECRET_ACCESS_KEY": "canary-secret",
    "AWS_REGION": REGION,
}
"""As an operator sets them in the environment."""


# The storages of one process share what they keep, also after they have been stopped.
_numbers = count(1)


class Storage:
    """A running server at *endpoint*, and another client of it than ours."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )

    def bucket(self, prefix: str = "/vn") -> BucketSettings:
        """Make a bucket and return the settings that name it."""
        name = f"bucket-{next(_numbers)}"
        self.client.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        return BucketSettings(f"s3://{name}{prefix}", self.endpoint, REGION)


@contextmanager
def running() -> Iterator[Storage]:
    """Serve on a port of the kernel's choice."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield Storage(f"http://{host}:{port}")
    finally:
        server.stop()

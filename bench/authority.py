"""How many uploads one core takes.

    python -m bench.authority

Uploads run through the publisher and SQLite with a commit each, as a server does; the ratio is
against the one thing that no server can do without, checking the certificate's signature.
"""

import os
import tempfile
import time
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.authority.publisher.publish import Upload
from bluezone_node.authority.publisher.upload import UploadedKey
from bluezone_node.authority.registrar.orders import CodeOrder
from bluezone_node.clock import SimClock
from bluezone_node.crypto.certificate import keys_hmac
from bluezone_node.crypto.keys import TemporaryExposureKey
from bluezone_node.crypto.signing import sign, verify
from bluezone_node.intervals import interval_at, rolling_start
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.wiring.authority import open_authority

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
UPLOADS = 300
KEYS = 14
ROLES = ("registrar", "publisher")


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = make_folder(Path(temporary) / "authority", ROLES)
        clock = SimClock(NOW)
        with open_authority(folder, clock, ROLES) as parts:
            assert parts.verification is not None
            assert parts.issuing is not None
            assert parts.publisher is not None
            today = rolling_start(interval_at(NOW))
            uploads = []
            began = time.process_time()
            for _ in range(UPLOADS):
                keys = [
                    TemporaryExposureKey(os.urandom(16), today - 144 * (n + 1)) for n in range(KEYS)
                ]
                clock.advance(1)  # a province issues so many a minute
                token = parts.verification.claim(
                    parts.issuing.issue(CodeOrder("confirmed"), OPERATOR).code
                ).token
                certificate = parts.verification.certify(token, keys_hmac(keys, b"s" * 16))
                sent = [
                    UploadedKey(b64encode(k.key).decode(), k.rolling_start, k.rolling_period, 0)
                    for k in keys
                ]
                uploads.append(Upload(sent, "vn.moh", certificate, b"s" * 16))
            registered = (time.process_time() - began) / UPLOADS

            began = time.process_time()
            for upload in uploads:
                parts.publisher.publish(upload)
            published = (time.process_time() - began) / UPLOADS

            _, key = folder.registrar_keys().signing(NOW)
            signature, public = sign(key, b"x"), key.public_key()
            began = time.process_time()
            for _ in range(UPLOADS):
                verify(public, signature, b"x")
            verified = (time.process_time() - began) / UPLOADS
            print(f"code, token and certificate: {registered * 1000:.2f} ms CPU")
            print(
                f"upload of {KEYS} keys: {published * 1000:.2f} ms CPU, {1 / published:.0f} a "
                f"second and core; {published / verified:.1f} x one signature check"
            )


if __name__ == "__main__":
    main()

"""In-memory authorities for tests of services: exports on offer, and a desk that takes reports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO

from bluezone_node.alerts import Alert
from bluezone_node.crypto.signing import PrivateKey, generate_private_key
from bluezone_node.errors import AuthorityRefused, BadExport, Unreachable
from bluezone_node.export.archive import pack
from bluezone_node.export.container import ExportHeader, write_export
from bluezone_node.export.signature import SignedBy, Signer
from bluezone_node.ports import ClaimedCode, Publication, PublishReceipt, Result
from bluezone_node.proximity.model import DiagnosisKey

SIGNING_KEY = generate_private_key(bytes(range(48)))
OTHER_KEY = generate_private_key(bytes(range(1, 49)))


def signed_export(
    keys: Sequence[DiagnosisKey],
    *,
    revised: Sequence[DiagnosisKey] = (),
    end: datetime,
    key: PrivateKey = SIGNING_KEY,
) -> bytes:
    """Return an export of the four hours before *end*."""
    stop = int(end.timestamp())
    header = ExportHeader(stop - 4 * 3600, stop, "VN")
    return write_export(keys, revised, header, [Signer(key, SignedBy("452", "v1"))])


@dataclass
class MemoryExports:
    """A KeySource over a dict. An exception in place of a file is raised."""

    name: str = "authority"
    files: dict[str, bytes | BadExport | Unreachable] = field(default_factory=dict)
    down: bool = False
    fetched: list[str] = field(default_factory=list)

    async def index(self) -> list[str]:
        if self.down:
            raise Unreachable("the authority does not answer")
        return list(self.files)

    async def fetch(self, name: str) -> bytes:
        self.fetched.append(name)
        content = self.files.get(name, Unreachable("there is no such file"))
        if isinstance(content, Exception):
            raise content
        return content


@dataclass
class MemoryAuthority:
    """An Authority that takes one code, and remembers what it was told."""

    code: str = "12345678"
    symptom_date: date | None = None
    failing: set[str] = field(default_factory=set)
    """Steps that do not answer: claim, certify, publish."""
    losing: set[str] = field(default_factory=set)
    """Steps that are done and whose answer does not arrive: claim."""
    claims: int = 0
    claimed_with: bytes = b""
    refuse_publication: str = ""
    certified: bytes = b""
    published: list[Publication] = field(default_factory=list)

    async def claim(self, code: str, nonce: bytes) -> ClaimedCode:
        self._fail("claim")
        if code != self.code:
            raise AuthorityRefused("this code is not known", reason="code_invalid")
        if self.claims and (self.certified or nonce != self.claimed_with):
            raise AuthorityRefused("this code was used", reason="code_used")
        self.claims += 1
        self.claimed_with = nonce
        if "claim" in self.losing:
            raise Unreachable("the answer was lost")
        return ClaimedCode(f"token-{self.claims}", "confirmed", self.symptom_date)

    async def certify(self, token: str, keys_hmac: bytes) -> str:
        self._fail("certify")
        if token != f"token-{self.claims}":
            raise AuthorityRefused("this token is not known", reason="token_invalid")
        self.certified = keys_hmac
        return "certificate"

    async def publish(self, publication: Publication) -> PublishReceipt:
        self._fail("publish")
        if self.refuse_publication:
            raise AuthorityRefused("refused", reason=self.refuse_publication)
        self.published.append(publication)
        return PublishReceipt(len(publication.keys), f"revision-{len(self.published)}")

    def _fail(self, step: str) -> None:
        if step in self.failing:
            raise Unreachable("the authority does not answer")


class Told:
    """A Notifier that remembers."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    async def tell(self, alert: Alert) -> None:
        self.alerts.append(alert)


async def at_once(work: Callable[[Callable[[], bool]], Result]) -> Result:
    """An InThread that uses no thread: simulated time cannot run away from it."""
    return work(lambda: False)


def packed(export_bin: bytes, export_sig: bytes) -> bytes:
    """Return the zip of both."""
    file = BytesIO()
    pack(file, [export_bin], [export_sig])
    return file.getvalue()

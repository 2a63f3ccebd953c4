"""A link's whole way: from the desk through a message and a paste to a certificate."""

import re
from base64 import urlsafe_b64decode
from pathlib import Path

import msgspec

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.authority.registrar.orders import CodeOrder, CodeState
from bluezone_node.client import HttpAuthority
from bluezone_node.clock import SimClock
from bluezone_node.node.diagnosis import claim_nonce, code_in
from bluezone_node.store.authority.folder import make_folder, open_folder
from bluezone_node.wiring.application import authority_app
from bluezone_node.wiring.authority import open_authority
from tests.authorities import NOW, served

SETTINGS = """
[registrar]
public_url = "https://codes.example.vn"
[[registrar.realms]]
id = "VN-79"
"""


async def test_a_link_in_a_message_becomes_a_certificate_of_its_province(tmp_path: Path) -> None:
    """Real folder, database, outbox and HTTP; on the way nothing but the fragment has the code."""
    path = make_folder(tmp_path / "a", ["registrar"]).path
    (path / "authority.toml").write_text(SETTINGS)
    folder, clock = open_folder(path), SimClock(NOW)
    with open_authority(folder, clock, ["registrar"]) as parts:
        assert parts.issuing is not None
        order = CodeOrder("likely", phone="0912 000 111")
        issued = parts.issuing.issue(order, OPERATOR)
        (message,) = (path / "outbox").iterdir()
        header, text = message.read_text().split("\n\n")
        assert header == "To: 84912000111"
        (link,) = re.findall(r"https://\S+", text)
        assert link.partition("#")[0] == "https://codes.example.vn/v"
        clock.advance(23 * 3600)
        async with (
            served(authority_app(folder, parts, clock)) as url,
            HttpAuthority(url, url) as authority,
        ):
            claimed = await authority.claim(code_in(link), claim_nonce(b"s" * 16))
            certificate = await authority.certify(claimed.token, b"h" * 32)
        assert parts.issuing.status(issued.handle, OPERATOR).state is CodeState.CLAIMED
    payload = certificate.split(".")[1]
    claims = msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["reportType"], claims["realm"]) == ("likely", "VN-79")
    kept = b"".join(file.read_bytes() for file in path.glob("registry.db*"))
    for secret in (issued.code, claimed.token, "912000111"):
        assert secret.encode() not in kept

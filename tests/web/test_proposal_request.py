"""What a kiosk may send."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.errors import BadInput
from bluezone_node.web.exchange import decode
from bluezone_node.web.routes.places import ProposalRequest

LIKE = st.from_regex(r'\A\{"id": ?"[A-Za-z+/=]{0,30}", .{0,80}\}\Z').map(str.encode)


@given(st.binary(max_size=400) | LIKE)
def test_any_bytes_are_a_proposal_or_refused(content: bytes) -> None:
    """The reader raises nothing else."""
    try:
        decode(msgspec.json.Decoder(ProposalRequest), content)
    except BadInput as refused:
        assert refused.reason == "unparsable"  # noqa: PT017

"""Half a warrant that names an officer's key, and is not that officer's."""

import pytest

from bluezone_node.errors import BadInput
from bluezone_node.venues.warrant import read_request, write_warrant
from tests.venues.test_warrants import APPROVING, ASKING, NOW, TRUST, WARRANT


def test_a_request_with_words_put_in_is_refused() -> None:
    """The true key's name, and a signature over what the officer wrote before."""
    asked = write_warrant(WARRANT, ASKING)
    assert read_request(asked, TRUST, NOW) == WARRANT
    changed = asked.replace(b"F0-118", b"F0-119")
    assert changed != asked
    for request in (changed, write_warrant(WARRANT, APPROVING)):
        with pytest.raises(BadInput) as refused:
            read_request(request, TRUST, NOW)
        assert refused.value.reason == "warrant_signatures"

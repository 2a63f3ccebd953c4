"""The right to be the only one: given back at once."""

from pathlib import Path

import pytest
from sqlalchemy import event

from bluezone_node.store.authority.alone import alone
from tests.kept import Kept


@pytest.mark.postgres
def test_the_right_is_given_back_before_the_connection_is_closed(
    postgres_url: str, tmp_path: Path
) -> None:
    """The server notices a closed one a moment later, and sends the next run away until then."""
    kept = Kept(tmp_path, postgres_url)
    here, there = kept.registry_engine(), kept.registry_engine()
    seen: list[bool] = []

    def while_it_is_open(*_: object) -> None:
        with alone(there, "places") as mine:
            seen.append(mine)

    event.listen(here, "close_detached", while_it_is_open)
    with alone(here, "places") as mine:
        assert mine
        while_it_is_open()
    assert seen == [False, True]
    kept.close()

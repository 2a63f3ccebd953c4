"""Whoever watches a kiosk's line sees it ask for warrants, and not whether there is one."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from tests.offices import Offices
from tests.web.test_warrant_routes import open_door


@pytest.mark.slow
def test_a_list_of_warrants_has_one_length(tmp_path: Path) -> None:
    """Asked again and again, with none and with two."""
    offices = Offices(tmp_path)
    lengths: list[set[int]] = []

    async def ask() -> None:
        async with open_door(offices) as door, httpx2.AsyncClient() as http:
            headers = {"Authorization": f"Bearer {offices.venue.bearer}"}
            url = f"{door.url}/v1/places/warrants"
            answers = [await http.get(url, headers=headers) for _ in range(9)]
            lengths.append({len(answer.content) for answer in answers})
            waiting.append(len(answers[-1].json()["warrants"]))

    waiting: list[int] = []
    asyncio.run(ask())
    offices.approved()
    offices.approved()
    asyncio.run(ask())
    assert waiting == [0, 2]
    assert lengths[0] == lengths[1]
    assert len(lengths[0]) == 1

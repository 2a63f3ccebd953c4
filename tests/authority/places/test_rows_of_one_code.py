"""Two rows under one code: somebody came twice with it, or made one like another's."""

from bluezone_node.venues.register import Contact
from tests.authority.places.test_warrants import ANH, Office, office

__all__ = ["office"]

IMPOSTOR = Contact("Không Ai Cả", "0900000000")


def test_nobody_takes_anothers_place_in_the_register(office: Office) -> None:
    """A code is not signed: who photographs one can show its number with a name of their own."""
    first = office.sealed(ANH, b"her code")
    office.clock.advance(600)
    second = office.sealed(IMPOSTOR, b"her code")
    assert first.row_id == second.row_id
    warrant = office.approved()
    office.answer(warrant, [first, second])
    opened = office.read(warrant)
    assert [contact for _, contact in opened.contacts] == [ANH, IMPOSTOR]
    assert opened.unreadable == 0

"""``notice proposals``, ``approve`` and ``dismiss``: what kiosks propose."""

from typing import TYPE_CHECKING, Any

import click

from bluezone_node.authority.ports.accounts import OPERATOR
from bluezone_node.commands.console import columns, note, print_json
from bluezone_node.commands.notice.options import Desk, Said, at_the_desk, notice_order
from bluezone_node.commands.vietnam_time import in_vietnam
from bluezone_node.errors import AuthorityRefused

if TYPE_CHECKING:
    from bluezone_node.authority.places.notice_views import NoticeView
    from bluezone_node.authority.ports.notices import Proposal
    from bluezone_node.wiring.notices import NoticeParts

_ID_BYTES = 16

id_argument = click.argument("proposal", metavar="ID")


@click.command()
@click.option("--all", "all_", is_flag=True, help="Those that were decided, too.")
@at_the_desk
def proposals(desk: Desk, all_: bool) -> None:
    """List what kiosks propose, newest first, with the evidence."""
    found = desk.done(lambda parts: parts.proposals.newest(OPERATOR, waiting=not all_))
    if desk.as_json:
        print_json([_document(each) for each in found])
        return
    columns(
        ("id", "state", "from", "to", "minutes", "packets", "keys", "place"),
        (
            (
                each.proposal_id.hex(),
                _state(each),
                in_vietnam(each.start),
                in_vietnam(each.end),
                each.evidence.minutes,
                each.evidence.packets,
                each.evidence.keys,
                each.venue_id.hex(),
            )
            for each in found
        ),
    )


@click.command()
@id_argument
@notice_order
def approve(desk: Desk, proposal: str, said: Said) -> None:
    """Make a notice of a proposal; without --from and --to for the time that it names."""
    from bluezone_node.authority.places.notice_orders import NoticeOrder

    def work(parts: "NoticeParts") -> "NoticeView":
        found = parts.proposals.show(_id(proposal), OPERATOR)
        order = NoticeOrder(found.venue_id, found.start, found.end, room=found.room)
        return parts.proposals.approve(found.proposal_id, said.applied(order), OPERATOR)

    desk.tell(work)


@click.command()
@id_argument
@click.option("--reason", required=True, help="Why, in a few words: it stands beside it.")
@at_the_desk
def dismiss(desk: Desk, proposal: str, reason: str) -> None:
    """Put a proposal aside."""
    found = desk.done(lambda parts: parts.proposals.dismiss(_id(proposal), reason, OPERATOR))
    if desk.as_json:
        print_json(_document(found))
    else:
        note("the proposal is put aside")


def _id(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != _ID_BYTES:
        raise AuthorityRefused(
            "There is no such proposal.",
            reason="proposal_not_found",
            hint="`bluezone-node notice proposals` lists them: 32 hexadecimal digits",
        )
    return found


def _state(proposal: "Proposal") -> str:
    return {None: "waiting", True: "accepted", False: "dismissed"}[proposal.accepted]


def _document(proposal: "Proposal") -> dict[str, Any]:
    said = proposal.evidence
    return {
        "id": proposal.proposal_id.hex(),
        "state": _state(proposal),
        "venue": proposal.venue_id.hex(),
        "room": proposal.room,
        "realm": proposal.realm,
        "from": proposal.start,
        "to": proposal.end,
        "minutes": said.minutes,
        "packets": said.packets,
        "expected_packets": said.expected_packets,
        "keys": said.keys,
        "confidence": said.confidence,
        "received": proposal.received,
        "decided": proposal.decided,
        "decided_by": proposal.decided_by,
        "reason": proposal.reason,
    }

"""What a kiosk proposes to its authority, until the authority has it."""

from collections.abc import Collection
from datetime import datetime

from bluezone_node.intervals import from_unix
from bluezone_node.store.node.tables import Tables, from_cell, next_row, to_cell, to_seconds
from bluezone_node.venues.proposals import Proposal


class Proposals(Tables):
    """A ProposalQueue."""

    def put_proposals(self, proposals: Collection[Proposal]) -> None:
        known = {proposal.id: (row, proposal) for row, proposal, _ in self._proposals()}
        with self._database.writing() as connection:
            for proposal in proposals:
                row, before = known.get(proposal.id, (0, None))
                if before is not None and _evidence(before) == _evidence(proposal):
                    continue
                row = row or next_row(connection, "proposal")
                cell = self._database.seal.close("proposal", row, _cell(proposal))
                connection.execute(
                    "INSERT OR REPLACE INTO proposal VALUES (?, ?, NULL, ?)",
                    (row, to_seconds(proposal.end), cell),
                )

    def waiting_proposals(self) -> list[Proposal]:
        return [proposal for _, proposal, sent in self._proposals() if not sent]

    def mark_sent(self, proposal: Proposal, at: datetime) -> None:
        rows = [row for row, known, _ in self._proposals() if known == proposal]
        with self._database.writing() as connection:
            connection.executemany(
                "UPDATE proposal SET sent = ? WHERE id = ?", [(to_seconds(at), row) for row in rows]
            )

    def _proposals(self) -> list[tuple[int, Proposal, bool]]:
        rows = self._database.rows("SELECT id, ends, sent, entry FROM proposal ORDER BY id")
        return [
            (row, self._proposal(row, ends, cell), sent is not None)
            for row, ends, sent, cell in rows
        ]

    def _proposal(self, row: int, ends: int, cell: bytes) -> Proposal:
        name, start, minutes, packets, keys, expected, made = from_cell(
            self._database.seal.open("proposal", row, cell)
        )
        return Proposal(
            bytes.fromhex(name),
            from_unix(start),
            from_unix(ends),
            minutes,
            packets,
            keys,
            expected,
            from_unix(made),
        )


def _cell(proposal: Proposal) -> bytes:
    return to_cell(
        (
            proposal.id.hex(),
            to_seconds(proposal.start),
            proposal.minutes,
            proposal.packets,
            proposal.keys,
            proposal.expected,
            to_seconds(proposal.made),
        )
    )


def _evidence(proposal: Proposal) -> tuple[object, ...]:
    return (proposal.end, proposal.minutes, proposal.packets, proposal.keys)

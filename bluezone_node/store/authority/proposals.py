"""What kiosks propose, in ``registry.db``."""

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func, insert, select, update

from bluezone_node.authority.ports.notices import Evidence, Proposal
from bluezone_node.store.authority.database import writing
from bluezone_node.store.authority.registry_tables import proposals

_WAITING = proposals.c.decided.is_(None)


class SqlProposals:
    """`ProposalStore` on any database that SQLAlchemy speaks to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, proposal: Proposal, since: datetime, most: int) -> Proposal | None:
        same = proposals.c.proposal_id == proposal.proposal_id
        recent = select(func.count()).where(
            proposals.c.venue_id == proposal.venue_id, proposals.c.received >= since
        )
        with writing(self._engine) as db:
            row = db.execute(select(proposals).where(same)).first()
            if row is not None:
                return _proposal(row)
            if (db.scalar(recent) or 0) >= most:
                return None
            evidence = json.dumps(asdict(proposal.evidence))
            db.execute(insert(proposals).values(asdict(proposal) | {"evidence": evidence}))
        return proposal

    def proposal(self, proposal_id: bytes) -> Proposal | None:
        with self._engine.begin() as db:
            row = db.execute(
                select(proposals).where(proposals.c.proposal_id == proposal_id)
            ).first()
        return None if row is None else _proposal(row)

    def proposals(
        self, realm: str | None = None, *, waiting: bool = True, limit: int = 200
    ) -> list[Proposal]:
        newest = select(proposals).order_by(
            proposals.c.received.desc(), proposals.c.proposal_id.desc()
        )
        if realm is not None:
            newest = newest.where(proposals.c.realm == realm)
        if waiting:
            newest = newest.where(_WAITING)
        with self._engine.begin() as db:
            return [_proposal(row) for row in db.execute(newest.limit(limit))]

    def dismiss(self, proposal_id: bytes, at: datetime, by: str, reason: str) -> bool:
        open_ = update(proposals).where(proposals.c.proposal_id == proposal_id, _WAITING)
        values = {"decided": at, "decided_by": by, "accepted": False, "reason": reason}
        with writing(self._engine) as db:
            return db.execute(open_.values(values)).rowcount == 1


def _proposal(row: Any) -> Proposal:
    kept = Proposal(*row)
    return replace(kept, evidence=Evidence(**json.loads(row.evidence)))

"""What kiosks propose: the evidence in words, and a person's decision."""

from starlette.routing import BaseRoute

from bluezone_node.authority.places.directory import Directory
from bluezone_node.authority.places.notices import Notices
from bluezone_node.authority.places.proposals import Proposals
from bluezone_node.authority.ports.notices import Proposal
from bluezone_node.errors import AuthorityRefused
from bluezone_node.venues.card import VIETNAM
from bluezone_node.web.console import menu
from bluezone_node.web.console.page import Frame
from bluezone_node.web.console.visit import Answer, Away, NotHere, Page, Visit, id_of


class ProposalPages:
    """The pages of proposals."""

    def __init__(self, directory: Directory, proposals: Proposals, notices: Notices) -> None:
        self._directory = directory
        self._proposals = proposals
        self._notices = notices

    def routes(self, frame: Frame) -> list[BaseRoute]:
        one = f"{menu.PROPOSALS}/{{proposal}}"
        return [
            frame.get(menu.PROPOSALS, self.all),
            frame.get(one, self.one, section=menu.PROPOSALS),
            frame.post(f"{one}/dismiss", self.dismiss, section=menu.PROPOSALS),
        ]

    def all(self, visit: Visit) -> Answer:
        """Show those that wait, then those that were decided."""
        found = self._proposals.newest(visit.actor, waiting=False)
        found = sorted(found, key=lambda each: each.decided is not None)
        rows = [(each, self._place(visit, each), self._window(visit, each)) for each in found]
        return Page("proposals.html", {"rows": rows, "errors": {}})

    def one(self, visit: Visit) -> Answer:
        """Show the evidence of one."""
        return self._one(visit, {})

    def dismiss(self, visit: Visit) -> Answer:
        """Put one aside."""
        proposal = self._found(visit)
        try:
            self._proposals.dismiss(proposal.proposal_id, visit.form["reason"], visit.actor)
        except AuthorityRefused as refused:
            field = "reason" if refused.reason == "dismissal_reason" else ""
            return self._one(visit, {field: visit.wording.refusal(refused)}, 422)
        return Away(menu.PROPOSALS)

    def _one(self, visit: Visit, errors: dict[str, str], status: int = 200) -> Page:
        proposal = self._found(visit)
        values = {
            "proposal": proposal,
            "place": self._place(visit, proposal),
            "window": self._window(visit, proposal),
            "day": visit.language.weekday(proposal.start.astimezone(VIETNAM).date()),
            "evidence": visit.wording.evidence(proposal.evidence),
            "others": self._notices.check(proposal.venue_id, proposal.start, proposal.end),
            "errors": errors,
        }
        return Page("proposal.html", values, status)

    def _found(self, visit: Visit) -> Proposal:
        try:
            return self._proposals.show(id_of(visit.params["proposal"]), visit.actor)
        except AuthorityRefused:
            raise NotHere from None

    def _place(self, visit: Visit, proposal: Proposal) -> str:
        try:
            name = self._directory.venue(proposal.venue_id, visit.actor).name
        except AuthorityRefused:
            name = proposal.venue_id.hex()
        return f"{name}, {proposal.room}" if proposal.room else name

    @staticmethod
    def _window(visit: Visit, proposal: Proposal) -> str:
        return visit.language.span(proposal.start, proposal.end)

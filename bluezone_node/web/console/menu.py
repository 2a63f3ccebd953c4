"""Where the pages are, and who sees them in the menu."""

from dataclasses import dataclass

from bluezone_node.authority.ports.accounts import ADMIN, ISSUER, SUPERVISOR, Session

ROOT = "/console"
SIGN_IN = f"{ROOT}/sign-in"
SIGN_OUT = f"{ROOT}/sign-out"
LANGUAGE = f"{ROOT}/language"
CODES = HOME = f"{ROOT}/codes"
FIND = f"{ROOT}/find"
BULK = f"{ROOT}/bulk"
PLACES = f"{ROOT}/places"
PLACE_LIST = f"{PLACES}/list"
POSTERS = f"{PLACES}/posters"
FUNNEL = f"{ROOT}/funnel"
EXPORTS = f"{ROOT}/exports"
NOTICES = f"{ROOT}/notices"
PROPOSALS = f"{ROOT}/proposals"
WARRANTS = f"{ROOT}/warrants"
USERS = f"{ROOT}/users"
AUDIT = f"{ROOT}/audit"
ACCOUNT = PASSWORD = f"{ROOT}/account"
CLAIM = "/venues/claim"
CLAIM_CODE = f"{CLAIM}/code"
"""For owners of places, who do not sign in."""
STYLE = f"{ROOT}/static/console.css"


@dataclass(frozen=True, slots=True)
class Section:
    """One line of the menu; its name is in `wording`."""

    path: str
    name: str
    role: str


_SECTIONS = (
    Section(CODES, "codes", ISSUER),
    Section(FIND, "find", ISSUER),
    Section(BULK, "bulk", SUPERVISOR),
    Section(PLACES, "places", ISSUER),
    Section(FUNNEL, "funnel", SUPERVISOR),
    Section(EXPORTS, "exports", SUPERVISOR),
    Section(NOTICES, "notices", ISSUER),
    Section(PROPOSALS, "proposals", ISSUER),
    Section(WARRANTS, "warrants", SUPERVISOR),
    Section(USERS, "users", ADMIN),
    Section(AUDIT, "audit", SUPERVISOR),
    Section(ACCOUNT, "account", ISSUER),
)


def sections(session: Session | None) -> tuple[Section, ...]:
    """Return the lines of the menu for this session."""
    if session is None or session.password_due:
        return ()
    return tuple(section for section in _SECTIONS if session.actor.may(section.role))
